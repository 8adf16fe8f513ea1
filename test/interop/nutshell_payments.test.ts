/** What README.md says about how payments end at Nutshell. */

import { JSONInt } from '@cashu/cashu-ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attempt, meltRequest, readQuote, sendMelt, stateOf } from './flow_steps.ts';
import {
  changeAfter,
  type Look,
  type NutshellBench,
  openBench,
  refused,
} from './nutshell_bench.ts';

let bench: NutshellBench;

beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench?.nutshell.stop());

/** How a payment ended, and what the Lightning side says when it is asked about it later. */
const OUTCOMES: [pay: string, later: string, reply: number | string, read: Look][] = [
  ['SETTLED', 'SETTLED', 'PAID', ['PAID', 'SPENT', changeAfter(1)]],
  ['FAILED', 'FAILED', 20004, ['UNPAID', 'UNSPENT', 0]],
  ['FAILED', 'UNKNOWN', 20004, ['UNPAID', 'UNSPENT', 0]],
  ['UNKNOWN', 'FAILED', 20004, ['UNPAID', 'UNSPENT', 0]],
  ['UNKNOWN', 'UNKNOWN', 20004, ['UNPAID', 'UNSPENT', 0]],
  ['FAILED', 'PENDING', 'PENDING', ['PENDING', 'PENDING', 0]],
  ['UNKNOWN', 'PENDING', 'PENDING', ['PENDING', 'PENDING', 0]],
  ['PENDING', 'PENDING', 'PENDING', ['PENDING', 'PENDING', 0]],
  ['PENDING', 'UNKNOWN', 'PENDING', ['PENDING', 'PENDING', 0]],
  ['PENDING', 'FAILED', 'PENDING', ['UNPAID', 'UNSPENT', 0]],
  ['PENDING', 'SETTLED', 'PENDING', ['PAID', 'SPENT', changeAfter(0)]],
  ['FAILED', 'SETTLED', 'PENDING', ['PAID', 'SPENT', changeAfter(0)]],
  ['UNKNOWN', 'SETTLED', 'PENDING', ['PAID', 'SPENT', changeAfter(0)]],
];

describe('outcomes of a payment', () => {
  it.each(OUTCOMES)('%s, later %s: reply %s, then %j', async (pay, later, reply, read) => {
    await bench.nutshell.restart({
      FAKEWALLET_PAY_INVOICE_STATE: pay,
      FAKEWALLET_PAYMENT_STATE: later,
    });
    const { melt } = await bench.ready();
    if (typeof reply === 'number') {
      expect(await attempt(() => sendMelt(bench.wallet, melt))).toEqual(refused(reply));
    } else {
      const answer = await sendMelt(bench.wallet, melt);
      expect(answer.state).toBe(reply);
      if (reply === 'PENDING') expect(await stateOf(bench.wallet, melt.inputs)).toBe('PENDING');
    }
    expect(await bench.look(melt)).toEqual(read);
  });

  it('answers 400, code 0 to a quote while it cannot reach its node, and holds the coins', async () => {
    await bench.nutshell.restart({
      FAKEWALLET_PAY_INVOICE_STATE: 'UNKNOWN',
      FAKEWALLET_PAYMENT_STATE_EXCEPTION: 'true',
    });
    const { melt } = await bench.ready();
    expect((await sendMelt(bench.wallet, melt)).state).toBe('PENDING');
    expect(await attempt(() => readQuote(bench.wallet, melt))).toEqual(refused(0));
    expect(await stateOf(bench.wallet, melt.inputs)).toBe('PENDING');
  });

  it('shows no preimage for a payment that it learned about later', async () => {
    await bench.nutshell.restart({ FAKEWALLET_PAY_INVOICE_STATE: 'PENDING' });
    const { melt } = await bench.ready();
    await sendMelt(bench.wallet, melt);
    const quote = await bench.wallet.checkMeltQuoteBolt11(melt.quote.quote);
    expect([quote.state, quote.payment_preimage]).toEqual(['PAID', null]);
  });
});

describe('a payment that takes its time', () => {
  const slow = { FAKEWALLET_DELAY_OUTGOING_PAYMENT: '1.5' };

  it('goes on when the bench.wallet goes away', async () => {
    await bench.nutshell.restart({ ...slow, FAKEWALLET_PAYMENT_STATE: 'PENDING' });
    const { melt } = await bench.ready();
    const body = JSONInt.stringify(meltRequest(melt));
    if (body === undefined) throw new Error('nothing to send');
    await expect(
      fetch(`${bench.nutshell.url}/v1/melt/bolt11`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        signal: AbortSignal.timeout(500),
      }),
    ).rejects.toThrow('timeout');
    expect(await bench.look(melt)).toEqual(['PENDING', 'PENDING', 0]);
    await expect
      .poll(() => bench.look(melt), { timeout: 5_000 })
      .toEqual(['PAID', 'SPENT', changeAfter(1)]);
  });

  it('is pending after a crash of the mint, until the node says how it ended', async () => {
    await bench.nutshell.restart({ ...slow, FAKEWALLET_PAYMENT_STATE: 'PENDING' });
    const { melt } = await bench.ready();
    const reply = attempt(() => sendMelt(bench.wallet, melt));
    await expect.poll(() => stateOf(bench.wallet, melt.inputs)).toBe('PENDING');
    process.kill(bench.nutshell.pid, 'SIGKILL');
    expect(await reply).toEqual({ error: 'NetworkError', status: null, code: null });
    await bench.nutshell.restart({ FAKEWALLET_PAYMENT_STATE: 'UNKNOWN' });
    expect(await bench.look(melt)).toEqual(['PENDING', 'PENDING', 0]);
    await bench.nutshell.restart({ FAKEWALLET_PAYMENT_STATE: 'FAILED' });
    await expect.poll(() => stateOf(bench.wallet, melt.inputs)).toBe('UNSPENT');
  });

  it('may be settled by a reader, and then ends with 400, code 0 for the payer', async () => {
    await bench.nutshell.restart({ ...slow, FAKEWALLET_PAYMENT_STATE: 'SETTLED' });
    const { melt } = await bench.ready();
    const reply = attempt(() => sendMelt(bench.wallet, melt));
    await expect.poll(() => stateOf(bench.wallet, melt.inputs)).toBe('PENDING');
    expect(await bench.look(melt)).toEqual(['PAID', 'SPENT', changeAfter(0)]);
    expect(await reply).toEqual(refused(0));
    expect(await bench.look(melt)).toEqual(['PAID', 'SPENT', changeAfter(0)]);
  });

  it('is taken for failed when the node denies it too early, and the coins come back', async () => {
    await bench.nutshell.restart({ ...slow, FAKEWALLET_PAYMENT_STATE: 'FAILED' });
    const { melt } = await bench.ready();
    const reply = attempt(() => sendMelt(bench.wallet, melt));
    await expect.poll(() => stateOf(bench.wallet, melt.inputs)).toBe('PENDING');
    expect(await bench.look(melt)).toEqual(['UNPAID', 'UNSPENT', 0]);
    expect(await reply).toEqual(refused(0));
    expect(await bench.look(melt)).toEqual(['UNPAID', 'UNSPENT', 0]);
  });

  it('answers PENDING to an asynchronous melt, and pays it', async () => {
    await bench.nutshell.restart();
    const { melt } = await bench.ready();
    const reply = await bench.wallet.mint.melt('bolt11', {
      ...meltRequest(melt),
      prefer_async: true,
    });
    expect(reply.state).toBe('PENDING');
    await expect.poll(() => bench.look(melt)).toEqual(['PAID', 'SPENT', changeAfter(1)]);
  });
});
