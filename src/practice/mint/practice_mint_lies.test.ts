import { Amount, type Proof, type SerializedDLEQ, sumProofs } from '@cashu/cashu-ts';
import { describe, expect, it } from 'vitest';
import { useMint } from '../../../test/support/practice_mint.ts';
import { coinPoint } from './blind_signatures.ts';
import { type FaultRule, ledgerCloses } from './client.ts';
import { openPracticeWallet } from './practice_wallet.ts';

type Action = FaultRule['action'];

const { mint, wallet, ask, askJson, faultAfter, preparedMelt } = await useMint();

interface Change {
  id: string;
  amount: number;
  C_: string;
  dleq?: SerializedDLEQ;
}

/** Melts under a fault; returns the answer beside what the mint really signed. */
async function meltUnder(action: Action) {
  const melt = await preparedMelt();
  await faultAfter('melt', action);
  const answer = await askJson('/v1/melt/bolt11', melt.body);
  const restored = await askJson('/v1/restore', { outputs: melt.outputs });
  const change = (answer.change ?? []) as Change[];
  return { ...melt, answer, change, signed: restored.signatures as Change[] };
}

describe('faults of the fields', () => {
  it('omit: fields are missing, nested ones too', async () => {
    const { change, signed, answer } = await meltUnder({
      type: 'omit',
      fields: ['unit', 'change.0.dleq', 'nowhere.at.all'],
    });
    expect(answer).not.toHaveProperty('unit');
    expect(change[0]).not.toHaveProperty('dleq');
    expect(change.slice(1)).toEqual(signed.slice(1));
  });

  it('set: fields lie', async () => {
    const melt = await preparedMelt();
    await faultAfter('melt', { type: 'set', fields: { state: 'UNPAID', 'change.0.amount': 1024 } });
    const answer = await askJson('/v1/melt/bolt11', melt.body);
    expect(answer).toMatchObject({ state: 'UNPAID', amount: 100 });
    expect((answer.change as Change[])[0]?.amount).toBe(1024);
    const path = `/v1/melt/quote/bolt11/${melt.quote.quote}`;
    await expect(askJson(path)).resolves.toMatchObject({ state: 'PAID' });
  });

  it('set on quote: a higher amount than the invoice asks for', async () => {
    const { invoice } = await mint.control.createInvoice({ amount_sat: 100 });
    await faultAfter('quote', { type: 'set', fields: { amount: 500 } });
    await expect(wallet.createMeltQuoteBolt11(invoice)).rejects.toThrow();
    await expect(wallet.createMeltQuoteBolt11(invoice)).resolves.toBeDefined();
  });
});

describe('lies about change', () => {
  it('change_shuffled: no signature where it belongs', async () => {
    const { change, signed } = await meltUnder({ type: 'change_shuffled' });
    expect(change).toHaveLength(4);
    expect(change).toEqual(expect.arrayContaining(signed));
    change.forEach((signature, index) => {
      expect(signature).not.toEqual(signed[index]);
    });
  });

  it('change_missing: signed and not sent', async () => {
    const { answer, signed } = await meltUnder({ type: 'change_missing' });
    expect(answer).toMatchObject({ state: 'PAID' });
    expect(answer).not.toHaveProperty('change');
    expect(signed.reduce((sum, { amount }) => sum + amount, 0)).toBe(90);
  });

  it('change_zero_signature: one more, worth nothing', async () => {
    const { change, signed } = await meltUnder({ type: 'change_zero_signature' });
    expect(change.slice(0, -1)).toEqual(signed);
    expect(change.at(-1)).toMatchObject({ amount: 0, id: wallet.keysetId });
  });

  it('change_without_dleq', async () => {
    const { change, signed } = await meltUnder({ type: 'change_without_dleq' });
    expect(change.map(({ C_ }) => C_)).toEqual(signed.map(({ C_ }) => C_));
    expect(change.every((signature) => signature.dleq === undefined)).toBe(true);
  });

  it('change_foreign_keyset: really signed with another keyset, and spendable there', async () => {
    const { change, signed, prepared } = await meltUnder({ type: 'change_foreign_keyset' });
    expect(change).toEqual(signed);
    const foreign = change[0]?.id ?? '';
    expect(foreign).not.toBe(wallet.keysetId);
    const refreshed = await openPracticeWallet(mint.url);
    const { id, keys } = await refreshed.keyChain.ensureKeysetKeys(foreign);
    const coins = change.map((signature, index) => {
      const sent = { ...signature, amount: Amount.from(signature.amount) };
      return prepared.outputData[index]?.toProof(sent, { id, keys }) as Proof;
    });
    expect(sumProofs(coins).toNumber()).toBe(90);
    await expect(refreshed.receive(coins)).resolves.not.toHaveLength(0);
  });

  it('fee_above_reserve: really charged, and the books follow', async () => {
    const earlier = await mint.control.ledger();
    const { change } = await meltUnder({ type: 'fee_above_reserve', extra_sat: 5 });
    const later = await mint.control.ledger();
    expect(later.lightning_fees_sat - earlier.lightning_fees_sat).toBe(7);
    expect(change.reduce((sum, { amount }) => sum + amount, 0)).toBe(84);
    expect(ledgerCloses(later)).toBe(true);
  });

  it('several at once: shuffled and without proofs, on the quote too', async () => {
    const melt = await preparedMelt();
    await mint.control.setFaults([
      { endpoint: '/v1/melt/', phase: 'after', times: 0, action: { type: 'change_shuffled' } },
      { endpoint: '/v1/melt/', phase: 'after', times: 0, action: { type: 'change_without_dleq' } },
    ]);
    const answer = await askJson('/v1/melt/bolt11', melt.body);
    const read = await askJson(`/v1/melt/quote/bolt11/${melt.quote.quote}`);
    expect(read.change).toEqual(answer.change);
    await mint.control.clearFaults();
    const truth = await askJson(`/v1/melt/quote/bolt11/${melt.quote.quote}`);
    expect((truth.change as Change[]).map(({ C_ }) => C_)).not.toEqual(
      (answer.change as Change[]).map(({ C_ }) => C_),
    );
  });

  it('preimage_wrong: hides the right one', async () => {
    const { answer, preimage } = await meltUnder({ type: 'preimage_wrong' });
    expect(answer.payment_preimage).toMatch(/^[0-9a-f]{64}$/);
    expect(answer.payment_preimage).not.toBe(preimage);
  });
});

describe('lies about states and signatures', () => {
  const Ys = ['a', 'b', 'c'].map((secret) => coinPoint(secret).toHex(true));
  const [first, second, third] = Ys as [string, string, string];

  async function statesUnder(type: (Action & { type: `checkstate_${string}` })['type']) {
    await mint.control.setState([first], 'SPENT');
    await mint.control.setState([second], 'PENDING');
    await faultAfter('checkstate', { type });
    const { states } = await askJson('/v1/checkstate', { Ys });
    return (states as { Y: string; state: string }[]).map(({ Y, state }) => [Y, state]);
  }

  it('checkstate_short', async () => {
    const states = await statesUnder('checkstate_short');
    expect(states).toEqual([
      [first, 'SPENT'],
      [second, 'PENDING'],
    ]);
  });

  it('checkstate_reordered', async () => {
    const states = await statesUnder('checkstate_reordered');
    expect(states).toEqual([
      [third, 'UNSPENT'],
      [second, 'PENDING'],
      [first, 'SPENT'],
    ]);
  });

  it('checkstate_duplicated', async () => {
    const states = await statesUnder('checkstate_duplicated');
    expect(states.map(([Y]) => Y)).toEqual([first, second, first]);
  });

  it('checkstate_foreign', async () => {
    const states = await statesUnder('checkstate_foreign');
    expect(states).toHaveLength(3);
    expect(Ys).not.toContain(states[2]?.[0]);
  });

  it('checkstate_all_unspent', async () => {
    const states = await statesUnder('checkstate_all_unspent');
    expect(states).toEqual(Ys.map((Y) => [Y, 'UNSPENT']));
  });

  it('restore_empty', async () => {
    const melt = await preparedMelt();
    await ask('/v1/melt/bolt11', melt.body);
    await faultAfter('restore', { type: 'restore_empty' });
    const empty = await askJson('/v1/restore', { outputs: melt.outputs });
    expect(empty).toEqual({ outputs: [], signatures: [] });
    const full = await askJson('/v1/restore', { outputs: melt.outputs });
    expect(full.signatures).toHaveLength(4);
  });
});
