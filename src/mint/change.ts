import type { StoredOutput } from '../domain/melt_operation.ts';
import type { NamedProof } from '../domain/proof.ts';
import type { ChangeSignature, MintGateway } from './gateway.ts';

type Unblinder = Pick<MintGateway, 'unblind' | 'restore'>;

/** Change as far as the mint told of it. */
export interface RecoveredChange {
  coins: NamedProof[];
  /** False where the mint did not answer, or announced more than could be made into coins. */
  complete: boolean;
}

/**
 * Makes coins out of the change of a paid melt (NUT-08), best way first:
 *
 * 1. by position, as the mint answered, where every signature proves itself (DLEQ, NUT-12);
 * 2. by `B_` from `POST /v1/restore` (NUT-09), which no order can confuse;
 * 3. by trying each signature that carries a DLEQ against each blank, where the mint does not
 *    restore or restores less than it announced.
 *
 * Mints have answered in another order, with zero amounts and with another keyset; a signature
 * without DLEQ is never trusted for its position.
 *
 * @param blanks the outputs written down before the request
 * @param signatures the change of the answer or of the quote; may be empty
 */
export async function recoverChange(
  mint: Unblinder,
  blanks: readonly StoredOutput[],
  signatures: readonly ChangeSignature[],
): Promise<RecoveredChange> {
  if (blanks.length === 0) return { coins: [], complete: true };
  const byPosition = await unblindByPosition(mint, blanks, signatures);
  if (byPosition !== null && byPosition.length > 0) return { coins: byPosition, complete: true };
  const restored = await restoreOutputs(mint, blanks);
  const announced = signatures.filter((signature) => signature.amount > 0).length;
  if (restored !== null && restored.length >= announced) {
    return { coins: restored, complete: true };
  }
  const tried = await unblindByTrying(mint, blanks, signatures);
  const coins = tried.length > (restored?.length ?? 0) ? tried : (restored ?? []);
  return { coins, complete: announced > 0 && coins.length >= announced };
}

async function unblindByPosition(
  mint: Unblinder,
  blanks: readonly StoredOutput[],
  signatures: readonly ChangeSignature[],
): Promise<NamedProof[] | null> {
  const coins: NamedProof[] = [];
  for (const [index, signature] of signatures.entries()) {
    if (signature.amount === 0) continue;
    const blank = blanks[index];
    if (blank === undefined || signature.dleq === undefined) return null;
    const coin = await tryUnblind(mint, blank, signature);
    if (coin === null) return null;
    coins.push(coin);
  }
  return coins;
}

/**
 * Makes coins of outputs that the mint signed before, matched by `B_`.
 *
 * @returns the coins found, or null when the mint does not say, or says what makes no coin
 */
export async function restoreOutputs(
  mint: Unblinder,
  outputs: readonly StoredOutput[],
): Promise<NamedProof[] | null> {
  const found = await mint.restore(outputs).catch(() => null);
  if (found === null) return null;
  const coins: NamedProof[] = [];
  for (const output of outputs) {
    const signature = found.get(output.blindedMessage.B_);
    if (signature === undefined || signature.amount === 0) continue;
    const coin = await tryUnblind(mint, output, signature);
    if (coin === null) return null;
    coins.push(coin);
  }
  return coins;
}

async function unblindByTrying(
  mint: Unblinder,
  blanks: readonly StoredOutput[],
  signatures: readonly ChangeSignature[],
): Promise<NamedProof[]> {
  const coins: NamedProof[] = [];
  const free = new Set(blanks);
  for (const signature of signatures) {
    if (signature.amount === 0 || signature.dleq === undefined) continue;
    for (const blank of free) {
      const coin = await tryUnblind(mint, blank, signature);
      if (coin === null) continue;
      coins.push(coin);
      free.delete(blank);
      break;
    }
  }
  return coins;
}

/** A signature that does not belong to the output, or of an unknown keyset, makes no coin. */
async function tryUnblind(mint: Unblinder, output: StoredOutput, signature: ChangeSignature) {
  return mint.unblind(output, signature).catch(() => null);
}
