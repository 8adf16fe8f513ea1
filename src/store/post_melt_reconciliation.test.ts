import { describe, expect, it } from 'vitest';
import { coin, coins } from '../../test/support/coins.ts';
import { TEST_ACTOR, testStore } from '../../test/support/test_store.ts';
import { MINT, NPUB, token } from '../../test/support/tokens.ts';
import { generateTransactionId } from '../domain/transaction_id.ts';
import { auditLog } from './audit_log.ts';
import { AUDIT_LOG } from './collections.ts';
import { type TokenDocument, tokensOf } from './documents.ts';
import {
  type ExpectedMeltState,
  type MeltCheckName,
  performPostMeltReconciliation,
} from './post_melt_reconciliation.ts';

const store = await testStore();
const tokens = tokensOf(store.db);
const audit = auditLog(store, { actor: TEST_ACTOR });

/** A melt of 64 sat that paid 50, cost 1 + 2 and left 11, as it should stand in the database. */
async function finishedMelt() {
  const tx = generateTransactionId('melt');
  const change = (suffix: string, amount: number) =>
    token({
      transaction_id: `${tx}_${suffix}`,
      transaction_type: 'change',
      metadata: { source: 'change', parent_transaction_id: tx },
      proofs: [coin(amount)],
    });
  const sources = [
    token({ status: 'spent', proofs: coins(32, 16) }),
    token({ status: 'spent', proofs: coins(16) }),
  ];
  const [keep, meltChange] = [change('keep', 100), change('melt_change', 11)];
  await tokens.insertMany([...sources, keep, meltChange]);
  const expected: ExpectedMeltState = {
    operation_id: `op_${tx}`,
    quote_id: `quote_${tx}`,
    source_token_ids: sources.map(({ _id }) => String(_id)),
    change_tokens: [
      { transaction_id: keep.transaction_id, amount: 100 },
      { transaction_id: meltChange.transaction_id, amount: 11 },
    ],
    inputs: 64,
    amount: 50,
    fee_reserve: 4,
    input_fee: 1,
    change: 11,
    balance: { before: 500, after: 447 },
    timings_ms: { melt: 1234 },
  };
  const set = ({ _id }: TokenDocument, $set: Partial<TokenDocument>) =>
    tokens.updateOne({ _id }, { $set });
  const look = (changes: Partial<ExpectedMeltState> = {}) =>
    performPostMeltReconciliation({ store, audit }, tx, { ...expected, ...changes }, NPUB, MINT);
  return { tx, sources, keep, meltChange, expected, set, look };
}

type Melt = Awaited<ReturnType<typeof finishedMelt>>;

describe('performPostMeltReconciliation', () => {
  it('finds a melt in order, and writes that down', async () => {
    const { tx, look } = await finishedMelt();
    const result = await look();
    expect(result).toMatchObject({ success: true, transaction_id: tx });
    expect(result.checks).toEqual([
      { name: 'completeness', ok: true, detail: '4 tokens are there' },
      { name: 'balance', ok: true, detail: '53 sat left the wallet' },
      { name: 'statuses', ok: true, detail: '2 source tokens are spent' },
      { name: 'change', ok: true, detail: '2 change tokens belong to the melt' },
    ]);
    expect(result.timings_ms).toEqual({ melt: 1234, reconciliation: expect.any(Number) });
    const events = await store.db.collection(AUDIT_LOG).find({ transaction_id: tx }).toArray();
    expect(events).toMatchObject([
      {
        type: 'post_melt_reconciliation',
        severity: 'INFO',
        operation_id: `op_${tx}`,
        quote_id: `quote_${tx}`,
        amounts: { inputs: 64, amount: 50, change: 11, balance_before: 500, balance_after: 447 },
        after: 'consistent',
        timings_ms: { melt: 1234 },
        note: null,
      },
    ]);
  });

  const defects: [string, MeltCheckName, RegExp, (melt: Melt) => Promise<unknown>][] = [
    [
      'a source token that is not there',
      'completeness',
      /^1 source tokens are not there/,
      ({ sources: [first] }) => tokens.deleteOne({ _id: first?._id }),
    ],
    [
      'change that is not there',
      'completeness',
      /_melt_change is not there/,
      ({ meltChange }) => tokens.deleteOne({ _id: meltChange._id }),
    ],
    [
      'change of another amount',
      'completeness',
      /_keep holds 99 sat instead of 100/,
      ({ keep, set }) => set(keep, { total_amount: 99 }),
    ],
    [
      'source tokens that hold something else',
      'balance',
      /hold 66 sat, the inputs were 64 sat/,
      ({ sources: [, second], set }) => set(second ?? token(), { proofs: coins(18) }),
    ],
    [
      'a source token that is not spent',
      'statuses',
      /^source token [0-9a-f]{24} is pending$/,
      ({ sources: [first], set }) => set(first ?? token(), { status: 'pending', spent_at: null }),
    ],
    [
      'a source token without the time of spending',
      'statuses',
      /is spent$/,
      ({ sources: [first], set }) => set(first ?? token(), { spent_at: null }),
    ],
    [
      'change of another type',
      'change',
      /_keep is received/,
      ({ keep, set }) => set(keep, { transaction_type: 'received' }),
    ],
    [
      'change of another melt',
      'change',
      /_keep names another parent/,
      ({ keep, set }) => set(keep, { metadata: { parent_transaction_id: 'tx_other' } }),
    ],
    [
      'a melted coin in the change',
      'change',
      /_keep holds a coin that was melted/,
      ({ keep, sources: [first], set }) => set(keep, { proofs: first?.proofs.slice(0, 1) ?? [] }),
    ],
  ];

  it.each(defects)('finds %s', async (_, name, detail, spoil) => {
    const melt = await finishedMelt();
    await spoil(melt);
    const { success, checks } = await melt.look();
    expect(success).toBe(false);
    expect(checks.find((check) => check.name === name)).toEqual({
      name,
      ok: false,
      detail: expect.stringMatching(detail),
    });
    const filter = { transaction_id: melt.tx };
    const event = await store.db.collection(AUDIT_LOG).findOne(filter);
    expect(event).toMatchObject({ severity: 'HIGH', after: 'inconsistent' });
    expect(event?.note).toMatch(`${name}: `);
    const said = JSON.stringify([event, checks]);
    const known = [...melt.sources, melt.keep, melt.meltChange].flatMap(({ proofs }) => proofs);
    for (const { secret } of known) expect(said).not.toContain(secret);
  });

  it.each([
    ['books that do not close', { change: 4, balance: undefined }, /5 sat of change are missing/],
    ['too much change', { change: 20, balance: undefined }, /more change than the payment left/],
    ['a wallet that lost more', { balance: { before: 500, after: 400 } }, /lost 100 sat.* took 53/],
  ])('finds %s', async (_, changes, detail) => {
    const { look } = await finishedMelt();
    const { checks } = await look(changes);
    expect(checks[1]).toEqual({
      name: 'balance',
      ok: false,
      detail: expect.stringMatching(detail),
    });
  });

  it('counts what a swap cost', async () => {
    const { look } = await finishedMelt();
    const { success } = await look({ swap_fee: 3, balance: { before: 500, after: 444 } });
    expect(success).toBe(true);
  });

  it('does not blame a melt for change that somebody used since', async () => {
    const { keep, set, look } = await finishedMelt();
    const updatedAt = new Date(keep.updatedAt.getTime() + 1);
    await set(keep, { status: 'pending', proofs: coins(10), total_amount: 10, updatedAt });
    expect(await look()).toMatchObject({ success: true });
  });

  it('asks for no tokens of a melt that names none: a restored database got it back', async () => {
    const { look } = await finishedMelt();
    expect(await look({ source_token_ids: [] })).toMatchObject({ success: true });
  });

  it('sees nothing of another wallet', async () => {
    const { tx, expected } = await finishedMelt();
    const deps = { store, audit };
    const other = await performPostMeltReconciliation(deps, tx, expected, 'npub1other', MINT);
    expect(other.checks[0]).toMatchObject({ name: 'completeness', ok: false });
  });
});
