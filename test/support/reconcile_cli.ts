import type { mongo } from 'mongoose';
import type { NamedProof } from '../../src/domain/proof.ts';
import { type TokenDocument, tokensOf } from '../../src/store/documents.ts';
import { type CliGround, cliGround } from './cli_ground.ts';
import { onlyDocument } from './cli_refusal.ts';

/** What a wallet holds after `stageFindings`, by the finding that it makes. */
export interface Staged {
  /** OPERATION_PAID_NOT_SETTLED */
  critical: { operation_id: string };
  /** DB_UNSPENT_MINT_SPENT, 64 sat */
  high: NamedProof;
  /** DB_SPENT_MINT_UNSPENT, 32 sat */
  medium: NamedProof;
  /** DB_UNSPENT_MINT_PENDING, 16 sat */
  low: NamedProof;
}

/** Settings of runs on a ground: who paid has let go, and nothing is stale at once. */
export const RECONCILE_ENV = { CASHU_OPS_MELT_TIMEOUT: '1s', CASHU_OPS_QUIET_PERIOD: '10m' };

/** An empty wallet, to be filled with what differs. */
export function reconcileCliGround(): Promise<CliGround> {
  return cliGround({ coins: [] });
}

/** One finding of each severity in the ground's wallet, and a sound token beside them. */
export async function stageFindings(ground: CliGround): Promise<Staged> {
  const operation_id = await hangingPayment(ground, 900, 'succeed');
  const high = await spentAtMint(ground, 64);
  const medium = await calledSpent(ground, 32);
  const low = await coinOf(ground, 16);
  await ground.mint.control.setState([low.Y], 'PENDING');
  await ground.addCoins(8, 4);
  return { critical: { operation_id }, high, medium, low };
}

/** A payment that hangs at the mint; it may have gone through meanwhile. @returns its operation */
export async function hangingPayment(
  ground: CliGround,
  amount_sat: number,
  end: 'succeed' | 'never',
): Promise<string> {
  const { mint } = ground;
  await ground.addCoins(512, 256, 128, 64, 32, 16, 8, 4, 2, 1, 1);
  const { invoice, payment_hash } = await ground.invoice({ amount_sat });
  const hang = { outcome: 'hang', delay_ms: 600_000 } as const;
  await mint.control.setPaymentBehaviour(payment_hash, hang);
  const args = ['melt', invoice, ...ground.owner, '--yes', '--json'];
  const { stdout } = await ground.run(args, { env: RECONCILE_ENV });
  const { operation_id } = onlyDocument(stdout);
  if (end === 'succeed') await mint.control.resolvePayment(payment_hash, 'succeed');
  return operation_id;
}

/** A coin that somebody has spent past the database: HIGH. */
export async function spentAtMint(ground: CliGround, amount: number): Promise<NamedProof> {
  const coin = await coinOf(ground, amount);
  await ground.mint.control.setState([coin.Y], 'SPENT');
  return coin;
}

/** A coin that the database calls spent and the mint does not: MEDIUM. */
export async function calledSpent(ground: CliGround, amount: number): Promise<NamedProof> {
  const { _id, proofs } = await ground.addCoins(amount);
  const status = { status: 'spent', spent_at: new Date() } as const;
  await tokensOf(ground.db).updateOne({ _id }, { $set: status });
  return firstOf({ proofs });
}

async function coinOf(ground: CliGround, amount: number): Promise<NamedProof> {
  return firstOf(await ground.addCoins(amount));
}

function firstOf({ proofs }: Pick<TokenDocument, 'proofs'>): NamedProof {
  const [coin] = proofs;
  if (coin?.Y === undefined) throw new Error('a token that was stored has a coin');
  return coin as NamedProof;
}

/** The server's own hash of each collection of the wallet service, and of the melts. */
export async function walletHashes(db: mongo.Db): Promise<Record<string, string>> {
  const { collections } = await db.command({ dbHash: 1 });
  const { cashu_wallets, cashu_tokens, melt_operations } = collections;
  return { cashu_wallets, cashu_tokens, melt_operations };
}
