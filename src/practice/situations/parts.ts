import type { MeltOperation } from '../../domain/melt_operation.ts';
import { MELT_OPERATIONS } from '../../store/collections.ts';
import type { Wallet } from '../../store/wallet_reads.ts';
import type { FaultRule, PracticeInvoice } from '../mint/client.ts';
import { createPracticeWallet, deposit } from '../practice_ground.ts';
import type { SituationGround } from './situation.ts';

/** What a payment of a situation is about. */
export interface Payment {
  wallet: Wallet;
  invoice: PracticeInvoice;
  /** The words after `cashu-ops`. */
  args: string[];
}

/**
 * A wallet of its own with these coins, as one token, and an invoice for it. The mint keeps no
 * answers for a second time (NUT-19), so that a lost one stays lost.
 *
 * @param amountsSat coins of the wallet
 */
export async function payment(
  { ops, mint }: SituationGround,
  amountsSat: readonly number[],
  amount_sat: number,
): Promise<Payment> {
  await mint.control.configure({ replay_ttl_s: null });
  const wallet = await createPracticeWallet(ops.wallets, mint.url);
  await deposit(ops.wallets, wallet, amountsSat);
  const invoice = await mint.control.createInvoice({ amount_sat, expiry_s: 86_400 });
  return { wallet, invoice, args: meltArgs(invoice, wallet) };
}

/** The words of a payment after `cashu-ops`. */
export function meltArgs({ invoice }: PracticeInvoice, { npub }: Wallet): string[] {
  return ['melt', invoice, '--npub', npub, '--yes'];
}

/** The only operation of a wallet. */
export async function operationOf(
  { ops }: SituationGround,
  { npub }: Wallet,
): Promise<MeltOperation> {
  const operations = ops.store.db.collection<MeltOperation>(MELT_OPERATIONS);
  const [operation] = await operations.find({ npub }).toArray();
  if (operation === undefined) throw new Error('the situation was not made: no operation');
  return operation;
}

/** A fault that meets every request from now on. */
export function always(
  endpoint: FaultRule['endpoint'],
  action: FaultRule['action'],
  phase: FaultRule['phase'] = 'after',
): FaultRule {
  return { endpoint, phase, times: 0, action };
}
