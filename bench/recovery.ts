import { parseInvoice } from '../src/index.ts';
import {
  createPracticeWallet,
  deposit,
  type PracticeGround,
} from '../src/practice/practice_ground.ts';
import { openCounted } from './counted_ops.ts';

const COINS = [512, 256, 128, 64, 32, 16, 8, 4, 2, 1];

/** A payment that is left in the middle, and then brought to its end by a process that knows nothing. */
export async function benchRecovery(ground: PracticeGround, say: (line: string) => void) {
  const id = await leftInTheMiddle(ground);
  const { control } = ground.mint;
  const counted = await openCounted(ground);
  await control.resetRequests();
  counted.reset();
  const { status } = await counted.ops.melt.resume(id);
  if (status !== 'paid') throw new Error(`the recovery ended as ${status}`);
  const { total, transactions } = counted.commands();
  const requests = (await control.requests()).total;
  say('recovery of a payment after a restart');
  say(`  ${requests} mint requests (wanted: at most 3)`);
  say(`  ${transactions} transactions (wanted: at most 2), ${total} database commands in all`);
  await counted.ops.close();
}

/** Its request has left, the mint pays, and the process that sent it is gone. */
async function leftInTheMiddle({ mint, ops }: PracticeGround): Promise<string> {
  const wallet = await createPracticeWallet(ops.wallets, mint.url);
  await deposit(ops.wallets, wallet, COINS);
  const { invoice, payment_hash } = await mint.control.createInvoice({ amount_sat: 300 });
  await mint.control.setPaymentBehaviour(payment_hash, { outcome: 'hang', delay_ms: 60_000 });
  const request = { npub: wallet.npub, mint_url: mint.url, max_fee: null };
  const plan = await ops.melt.plan({ ...request, invoice: parseInvoice(invoice) });
  if ('status' in plan) throw new Error(plan.message);
  const leaving = new AbortController();
  await mint.control.resetRequests();
  const paying = ops.melt.pay(plan, leaving.signal);
  while ((await mint.control.meltRequests()).length === 0) await new Promise(setImmediate);
  leaving.abort();
  const { operation } = await paying;
  await mint.control.resolvePayment(payment_hash, 'succeed');
  return operation._id;
}
