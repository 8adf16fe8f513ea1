import type { OutputData, Wallet } from '@cashu/cashu-ts';
import { CashuOpsError } from '../domain/errors.ts';
import { isLocked, type NamedProof } from '../domain/proof.ts';
import { toCashuProof } from './wire.ts';

/**
 * Locked coins (NUT-11) carry their witness before they are written down, so that a request never
 * changes.
 *
 * @throws CashuOpsError MINT_REFUSED where a coin is locked and there is no key
 */
export function signLocked(
  wallet: Wallet,
  inputs: NamedProof[],
  privkey: string | null,
  outputs: OutputData[] | Parameters<Wallet['signP2PKProofs']>[2],
  quoteId?: string,
): NamedProof[] {
  if (!inputs.some(isLocked)) return inputs;
  if (privkey === null) {
    const sentence = 'Some coins are locked to a key (NUT-11) and the wallet has no private key.';
    throw new CashuOpsError('MINT_REFUSED', sentence);
  }
  const signed = wallet.signP2PKProofs(inputs.map(toCashuProof), privkey, outputs, quoteId);
  return inputs.map((input, index) => ({ ...input, witness: signed[index]?.witness }));
}
