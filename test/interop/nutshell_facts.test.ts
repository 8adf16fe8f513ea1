/** What README.md says about Nutshell, beyond what the flows compare; one test for each claim. */

import { JSONInt, type MeltPreview, type Proof, Wallet } from '@cashu/cashu-ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  attempt,
  meltRequest,
  outputsFor,
  readQuote,
  restoredFor,
  sendMelt,
  stateOf,
  sumOf,
} from './flow_steps.ts';
import { type InvoiceWanted, makeInvoice, NUTSHELL_PREIMAGE, sha256Hex } from './invoices.ts';
import { type Nutshell, prepareNutshell, startNutshell } from './nutshell.ts';

let nutshell: Nutshell;
let python: string;
let wallet: Wallet;

beforeAll(async () => {
  ({ python } = await prepareNutshell(() => {}));
  nutshell = await startNutshell({ log: () => {} });
  wallet = new Wallet(nutshell.url);
  await wallet.loadMint();
});
afterAll(() => nutshell.stop());

const refused = (code: number) => ({ error: 'MintOperationError', status: 400, code });

async function fund(amount: number): Promise<Proof[]> {
  const quote = await wallet.createMintQuoteBolt11(amount);
  return wallet.mintProofsBolt11(amount, await wallet.checkMintQuoteBolt11(quote.quote));
}

/** A quote for an invoice of 10 sat, and 32 sat in one coin to pay it with. */
async function ready(wanted: InvoiceWanted = {}) {
  const inputs = await fund(32);
  const { invoice, payment_hash } = await makeInvoice(python, { amountSat: 10, ...wanted });
  const quote = await wallet.mint.createMeltQuoteBolt11({ request: invoice, unit: 'sat' });
  return { inputs, payment_hash, melt: await wallet.prepareMelt('bolt11', quote, inputs) };
}

/** What is left when 10 sat, the input fee and this Lightning fee are paid from 32 sat. */
const changeAfter = (lightningFee: number) => 32 - 10 - 1 - lightningFee;

async function look(melt: MeltPreview) {
  const quote = await wallet.checkMeltQuote('bolt11', melt.quote.quote);
  const restored = await restoredFor(wallet, melt.outputData);
  return [quote.state, await stateOf(wallet, melt.inputs), sumOf(restored)];
}

describe('what it announces', () => {
  it('offers NUT-07, 08, 09, 12, 17 and no replay of answers (NUT-19)', () => {
    const { nuts } = wallet.getMintInfo();
    expect(Object.keys(nuts)).toEqual([
      '4',
      '5',
      '7',
      '8',
      '9',
      '10',
      '11',
      '12',
      '14',
      '17',
      '20',
      '29',
    ]);
  });

  it('uses keyset ids of version 1', () => {
    expect(wallet.keysetId).toMatch(/^01[0-9a-f]{64}$/);
  });
});

describe('melt quotes', () => {
  it.each([
    [1, 2],
    [199, 2],
    [200, 2],
    [201, 3],
    [1000, 10],
    [10_000, 100],
  ])(
    'asks a reserve of one percent, at least 2, rounded up: for %i sat %i sat',
    async (amount, reserve) => {
      const { invoice } = await makeInvoice(python, { amountSat: amount });
      const quote = await wallet.createMeltQuoteBolt11(invoice);
      expect(quote.fee_reserve.toNumber()).toBe(reserve);
    },
  );

  it.each(['bc', 'tb', 'tbs', 'bcrt'] as const)(
    'pays an invoice of any network: %s',
    async (currency) => {
      const { melt } = await ready({ currency });
      expect((await sendMelt(wallet, melt)).state).toBe('PAID');
    },
  );

  it('pays an invoice that has expired', async () => {
    const { melt } = await ready({ ageS: 7200 });
    expect((await sendMelt(wallet, melt)).state).toBe('PAID');
  });

  it('shows a preimage that proves nothing, except for one invoice', async () => {
    const { melt, payment_hash } = await ready();
    const reply = await sendMelt(wallet, melt);
    expect(reply.payment_preimage).toBe(NUTSHELL_PREIMAGE);
    expect(sha256Hex(NUTSHELL_PREIMAGE)).not.toBe(payment_hash);
  });
});

describe('change', () => {
  it('keeps what the blanks have no room for', async () => {
    const { melt } = await ready();
    await sendMelt(wallet, { ...melt, outputData: melt.outputData.slice(0, 1) });
    expect(await look(melt)).toEqual(['PAID', 'SPENT', 16]);
    expect(changeAfter(1)).toBe(20);
  });

  it('keeps everything when no blanks come', async () => {
    const { melt } = await ready();
    await wallet.mint.melt('bolt11', { quote: melt.quote.quote, inputs: melt.inputs });
    expect(await look(melt)).toEqual(['PAID', 'SPENT', 0]);
  });
});

describe('limits', () => {
  it('takes 1000 outputs to restore and answers 422 without a code to one more', async () => {
    const outputs = Array.from({ length: 1001 }, () => outputsFor(wallet, 1)).flat();
    expect(await attempt(() => restoredFor(wallet, outputs.slice(1)))).toBe('accepted');
    expect(await attempt(() => restoredFor(wallet, outputs))).toMatchObject({
      status: 422,
      code: null,
    });
  });

  it('does not check that a Y is a point', async () => {
    const { states } = await wallet.mint.check({ Ys: ['zz', 'zz'] });
    expect(states.map((answer) => answer.state)).toEqual(['UNSPENT', 'UNSPENT']);
  });
});

/** How a payment ended, and what the Lightning side says when it is asked about it later. */
const OUTCOMES: [pay: string, later: string, reply: number | string, read: unknown[]][] = [
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
    await nutshell.restart({ FAKEWALLET_PAY_INVOICE_STATE: pay, FAKEWALLET_PAYMENT_STATE: later });
    const { melt } = await ready();
    if (typeof reply === 'number') {
      expect(await attempt(() => sendMelt(wallet, melt))).toEqual(refused(reply));
    } else {
      const answer = await sendMelt(wallet, melt);
      expect(answer.state).toBe(reply);
      if (reply === 'PENDING') expect(await stateOf(wallet, melt.inputs)).toBe('PENDING');
    }
    expect(await look(melt)).toEqual(read);
  });

  it('answers 400, code 0 to a quote while it cannot reach its node, and holds the coins', async () => {
    await nutshell.restart({
      FAKEWALLET_PAY_INVOICE_STATE: 'UNKNOWN',
      FAKEWALLET_PAYMENT_STATE_EXCEPTION: 'true',
    });
    const { melt } = await ready();
    expect((await sendMelt(wallet, melt)).state).toBe('PENDING');
    expect(await attempt(() => readQuote(wallet, melt))).toEqual(refused(0));
    expect(await stateOf(wallet, melt.inputs)).toBe('PENDING');
  });

  it('shows no preimage for a payment that it learned about later', async () => {
    await nutshell.restart({ FAKEWALLET_PAY_INVOICE_STATE: 'PENDING' });
    const { melt } = await ready();
    await sendMelt(wallet, melt);
    const quote = await wallet.checkMeltQuoteBolt11(melt.quote.quote);
    expect([quote.state, quote.payment_preimage]).toEqual(['PAID', null]);
  });
});

describe('a payment that takes its time', () => {
  const slow = { FAKEWALLET_DELAY_OUTGOING_PAYMENT: '1.5' };

  it('goes on when the wallet goes away', async () => {
    await nutshell.restart({ ...slow, FAKEWALLET_PAYMENT_STATE: 'PENDING' });
    const { melt } = await ready();
    const body = JSONInt.stringify(meltRequest(melt));
    if (body === undefined) throw new Error('nothing to send');
    await expect(
      fetch(`${nutshell.url}/v1/melt/bolt11`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        signal: AbortSignal.timeout(500),
      }),
    ).rejects.toThrow('timeout');
    expect(await look(melt)).toEqual(['PENDING', 'PENDING', 0]);
    await expect
      .poll(() => look(melt), { timeout: 5_000 })
      .toEqual(['PAID', 'SPENT', changeAfter(1)]);
  });

  it('is pending after a crash of the mint, until the node says how it ended', async () => {
    await nutshell.restart({ ...slow, FAKEWALLET_PAYMENT_STATE: 'PENDING' });
    const { melt } = await ready();
    const reply = attempt(() => sendMelt(wallet, melt));
    await expect.poll(() => stateOf(wallet, melt.inputs)).toBe('PENDING');
    process.kill(nutshell.pid, 'SIGKILL');
    expect(await reply).toEqual({ error: 'NetworkError', status: null, code: null });
    await nutshell.restart({ FAKEWALLET_PAYMENT_STATE: 'UNKNOWN' });
    expect(await look(melt)).toEqual(['PENDING', 'PENDING', 0]);
    await nutshell.restart({ FAKEWALLET_PAYMENT_STATE: 'FAILED' });
    await expect.poll(() => stateOf(wallet, melt.inputs)).toBe('UNSPENT');
  });

  it('may be settled by a reader, and then ends with 400, code 0 for the payer', async () => {
    await nutshell.restart({ ...slow, FAKEWALLET_PAYMENT_STATE: 'SETTLED' });
    const { melt } = await ready();
    const reply = attempt(() => sendMelt(wallet, melt));
    await expect.poll(() => stateOf(wallet, melt.inputs)).toBe('PENDING');
    expect(await look(melt)).toEqual(['PAID', 'SPENT', changeAfter(0)]);
    expect(await reply).toEqual(refused(0));
    expect(await look(melt)).toEqual(['PAID', 'SPENT', changeAfter(0)]);
  });

  it('is taken for failed when the node denies it too early, and the coins come back', async () => {
    await nutshell.restart({ ...slow, FAKEWALLET_PAYMENT_STATE: 'FAILED' });
    const { melt } = await ready();
    const reply = attempt(() => sendMelt(wallet, melt));
    await expect.poll(() => stateOf(wallet, melt.inputs)).toBe('PENDING');
    expect(await look(melt)).toEqual(['UNPAID', 'UNSPENT', 0]);
    expect(await reply).toEqual(refused(0));
    expect(await look(melt)).toEqual(['UNPAID', 'UNSPENT', 0]);
  });

  it('answers PENDING to an asynchronous melt before it is, and pays it', async () => {
    await nutshell.restart();
    const { melt } = await ready();
    const reply = await wallet.mint.melt('bolt11', { ...meltRequest(melt), prefer_async: true });
    expect([reply.state, (await readQuote(wallet, melt)).state]).toEqual(['PENDING', 'UNPAID']);
    await expect.poll(() => look(melt)).toEqual(['PAID', 'SPENT', changeAfter(1)]);
  });
});
