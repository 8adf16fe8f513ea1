/** What README.md says about requests to Nutshell, beyond what the flows compare. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { attempt, outputsFor, restoredFor, sendMelt, sendSwap, stateOf } from './flow_steps.ts';
import { NUTSHELL_PREIMAGE, sha256Hex } from './invoices.ts';
import { changeAfter, type NutshellBench, openBench, refused } from './nutshell_bench.ts';

let bench: NutshellBench;

beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench?.nutshell.stop());

describe('what it announces', () => {
  it('offers NUT-07, 08, 09, 12, 17 and no replay of answers (NUT-19)', () => {
    const { nuts } = bench.wallet.getMintInfo();
    const numbers = Object.keys(nuts).map(Number);
    expect(numbers).toEqual([4, 5, 7, 8, 9, 10, 11, 12, 14, 17, 20, 29]);
  });

  it('uses keyset ids of version 1', () => {
    expect(bench.wallet.keysetId).toMatch(/^01[0-9a-f]{64}$/);
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
      const { invoice } = await bench.invoiceOf({ amountSat: amount });
      const quote = await bench.wallet.createMeltQuoteBolt11(invoice);
      expect(quote.fee_reserve.toNumber()).toBe(reserve);
    },
  );

  it.each(['bc', 'tb', 'tbs', 'bcrt'] as const)(
    'pays an invoice of any network: %s',
    async (currency) => {
      const { melt } = await bench.ready({ currency });
      expect((await sendMelt(bench.wallet, melt)).state).toBe('PAID');
    },
  );

  it('pays an invoice that has expired', async () => {
    const { melt } = await bench.ready({ ageS: 7200 });
    expect((await sendMelt(bench.wallet, melt)).state).toBe('PAID');
  });

  it('shows a preimage that proves nothing, except for one invoice', async () => {
    const { melt, payment_hash } = await bench.ready();
    const reply = await sendMelt(bench.wallet, melt);
    expect(reply.payment_preimage).toBe(NUTSHELL_PREIMAGE);
    expect(sha256Hex(NUTSHELL_PREIMAGE)).not.toBe(payment_hash);
  });
});

describe('change', () => {
  it('keeps what the blanks have no room for', async () => {
    const { melt } = await bench.ready();
    await sendMelt(bench.wallet, { ...melt, outputData: melt.outputData.slice(0, 1) });
    expect(await bench.look(melt)).toEqual(['PAID', 'SPENT', 16]);
    expect(changeAfter(1)).toBe(20);
  });

  it('keeps everything when no blanks come', async () => {
    const { melt } = await bench.ready();
    await bench.wallet.mint.melt('bolt11', { quote: melt.quote.quote, inputs: melt.inputs });
    expect(await bench.look(melt)).toEqual(['PAID', 'SPENT', 0]);
  });
});

describe('refusals', () => {
  it('has no number of its own for a keyset that it does not know', async () => {
    const { melt } = await bench.ready();
    const inputs = melt.inputs.map((proof) => ({ ...proof, id: '00ffffffffffffff' }));
    const outputs = outputsFor(bench.wallet, 31);
    expect(await attempt(() => sendMelt(bench.wallet, { ...melt, inputs }))).toEqual(
      refused(11000),
    );
    expect(await attempt(() => sendSwap(bench.wallet, inputs, outputs))).toEqual(refused(0));
  });

  it('refuses the quote for an own invoice that is paid already', async () => {
    const deposit = await bench.wallet.createMintQuoteBolt11(10);
    await bench.wallet.checkMintQuoteBolt11(deposit.quote);
    expect(await attempt(() => bench.wallet.createMeltQuoteBolt11(deposit.request))).toEqual(
      refused(11000),
    );
  });

  it('answers 429 without a code, but never to this machine', async () => {
    await bench.nutshell.restart({ MINT_TRANSACTION_RATE_LIMIT_PER_MINUTE: '1' });
    const ask = async (headers: Record<string, string>) => {
      const response = await fetch(`${bench.nutshell.url}/v1/mint/quote/bolt11`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ amount: 1, unit: 'sat' }),
      });
      return [
        response.status,
        'code' in
          z
            .object({})
            .loose()
            .parse(await response.json()),
      ];
    };
    const stranger = { 'x-forwarded-for': '192.0.2.1' };
    expect(await ask(stranger)).toEqual([200, false]);
    expect(await ask(stranger)).toEqual([429, false]);
    expect(await ask({})).toEqual([200, false]);
    expect(await ask({})).toEqual([200, false]);
  });

  it('has numbers for what is switched off, too large or not paid', async () => {
    await bench.nutshell.restart({
      FAKEWALLET_BRR: 'false',
      MINT_MAX_MINT_BOLT11_SAT: '100',
      MINT_BOLT11_DISABLE_MELT: 'true',
    });
    const deposit = await bench.wallet.createMintQuoteBolt11(8);
    const { invoice } = await bench.invoiceOf({ amountSat: 10 });
    expect(await attempt(() => bench.wallet.createMintQuoteBolt11(101))).toEqual(refused(11006));
    expect(await attempt(() => bench.wallet.createMeltQuoteBolt11(invoice))).toEqual(
      refused(10000),
    );
    expect(await attempt(() => bench.wallet.mintProofsBolt11(8, deposit))).toEqual(refused(20001));
    await bench.nutshell.restart();
  });

  it('answers 500 in words when it is stopped in the middle of a payment', async () => {
    await bench.nutshell.restart({ FAKEWALLET_DELAY_OUTGOING_PAYMENT: '30' });
    const { melt } = await bench.ready();
    const reply = attempt(() => sendMelt(bench.wallet, melt));
    await expect.poll(() => stateOf(bench.wallet, melt.inputs)).toBe('PENDING');
    await bench.nutshell.restart({ FAKEWALLET_PAYMENT_STATE: 'PENDING' });
    expect(await reply).toEqual({ error: 'HttpResponseError', status: 500, code: null });
    expect(await bench.look(melt)).toEqual(['PENDING', 'PENDING', 0]);
    await bench.nutshell.restart();
  });
});

describe('keysets', () => {
  it('keeps the fee of a keyset, and has two active ones after another path', async () => {
    await bench.nutshell.restart({ MINT_INPUT_FEE_PPK: '0', MINT_DERIVATION_PATH: "m/0'/0'/1'" });
    const { keysets } = await bench.wallet.mint.getKeySets();
    const [old, fresh] = keysets.toSorted((a) => (a.id === bench.wallet.keysetId ? -1 : 1));
    expect(old).toMatchObject({ active: true, input_fee_ppk: 100 });
    expect(fresh).toMatchObject({ active: true, input_fee_ppk: 0 });
    await bench.nutshell.restart();
  });
});

describe('limits', () => {
  it('takes 1000 outputs to restore and answers 422 without a code to one more', async () => {
    const outputs = Array.from({ length: 1001 }, () => outputsFor(bench.wallet, 1)).flat();
    expect(await attempt(() => restoredFor(bench.wallet, outputs.slice(1)))).toBe('accepted');
    expect(await attempt(() => restoredFor(bench.wallet, outputs))).toMatchObject({
      status: 422,
      code: null,
    });
  });

  it('does not check that a Y is a point', async () => {
    const { states } = await bench.wallet.mint.check({ Ys: ['zz', 'zz'] });
    expect(states.map((answer) => answer.state)).toEqual(['UNSPENT', 'UNSPENT']);
  });
});
