/** Flows in which things happen at the same time: slow payments, lost wallets, races. */

import { setTimeout as sleep } from 'node:timers/promises';
import { JSONInt } from '@cashu/cashu-ts';
import {
  attempt,
  fund,
  look,
  meltRequest,
  openWallet,
  prepareMelt,
  readyMelt,
  sendMelt,
  stateOf,
  swapAll,
} from './flow_steps.ts';
import type { MintUnderTest } from './mint_under_test.ts';

const LIMIT_MS = 10_000;

/** While the mint pays, everybody else sees the coins held and the quote pending. */
export async function meltSlowly(mint: MintUnderTest) {
  const ready = await readyMelt(mint, { amountSat: 20, outcome: 'slow' }, 64);
  const { wallet, inputs, melt } = ready;
  const reply = sendMelt(wallet, melt);
  await until(async () => (await stateOf(wallet, inputs)) === 'PENDING');
  const meanwhile = {
    look: await look(ready),
    swap_of_inputs: await attempt(() => swapAll(wallet, inputs)),
  };
  return { meanwhile, reply: (await reply).state, after: await look(ready) };
}

/** The wallet hangs up in the middle: the mint pays all the same. */
export async function walletGoesAway(mint: MintUnderTest) {
  const ready = await readyMelt(mint, { amountSat: 20, outcome: 'slow' }, 64);
  const { wallet, inputs, melt } = ready;
  const leave = new AbortController();
  const reply = fetch(`${mint.url}/v1/melt/bolt11`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSONInt.stringify(meltRequest(melt)) ?? '',
    signal: leave.signal,
  }).then(
    () => 'answered',
    () => 'hung up',
  );
  await until(async () => (await stateOf(wallet, inputs)) === 'PENDING');
  leave.abort();
  const ended = await reply;
  const meanwhile = await look(ready);
  await until(async () => (await look(ready)).quote.state !== 'PENDING');
  return { ended, meanwhile, after: await look(ready) };
}

/** NUT-05 `prefer_async`: the answer comes before the payment. */
export async function meltAsynchronously(mint: MintUnderTest) {
  const ready = await readyMelt(mint, { amountSat: 20, outcome: 'slow' }, 64);
  const request = { ...meltRequest(ready.melt), prefer_async: true };
  const reply = await ready.wallet.mint.meltBolt11(request);
  await until(async () => (await look(ready)).quote.state === 'PAID');
  return { reply: reply.state, after: await look(ready) };
}

/** Of several requests for the same coins at once, one wins. */
export async function racesForCoins(mint: MintUnderTest) {
  const invoices = [
    await mint.makeInvoice({ amountSat: 20, outcome: 'paid' }),
    await mint.makeInvoice({ amountSat: 20, outcome: 'paid' }),
  ];
  const wallet = await openWallet(mint);
  const swapped = await fund(mint, wallet, 32);
  const melted = await fund(mint, wallet, 64);
  const melts = await Promise.all(
    invoices.map(({ invoice }) => prepareMelt(wallet, invoice, melted)),
  );
  const swaps = await Promise.all(SWAPS.map(() => attempt(() => swapAll(wallet, swapped))));
  const mixed = await Promise.all([
    ...melts.map((melt) => attempt(() => sendMelt(wallet, melt))),
    attempt(() => swapAll(wallet, melted)),
  ]);
  return {
    swaps_accepted: swaps.filter((answer) => answer === 'accepted').length,
    swapped: await stateOf(wallet, swapped),
    mixed_accepted: mixed.filter((answer) => answer === 'accepted').length,
    mixed: await stateOf(wallet, melted),
  };
}

const SWAPS = [1, 2, 3, 4];

async function until(condition: () => Promise<boolean>): Promise<void> {
  const limit = AbortSignal.timeout(LIMIT_MS);
  while (!(await condition())) await sleep(50, undefined, { signal: limit });
}
