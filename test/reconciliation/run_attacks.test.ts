import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { MeltOperation } from '../../src/domain/melt_operation.ts';
import { yOf } from '../../src/domain/proof_y.ts';
import { MELT_OPERATIONS } from '../../src/store/collections.ts';
import { tokensOf } from '../../src/store/documents.ts';
import { coin } from '../support/coins.ts';
import { releasedMelt, sendLate } from '../support/late_requests.ts';
import { codeOf, judge, soundVerdict } from '../support/melt_ground.ts';
import { type RunGround, type RunOptions, runGround, typesOf } from '../support/run_ground.ts';

/* What attacks have shown: each once lost a sat, or said what was not known. */

const COINS = [1, 2, 4, 8, 16, 32, 64, 128];
const HASTY = { coins: COINS, ops: { quiet_period_ms: 1 } };
const APPLY = { apply: true } as const;
const GIVE_BACK = { apply: true, repair: ['DB_SPENT_MINT_UNSPENT'] } as const;

function operations({ db }: RunGround) {
  return db.collection<MeltOperation>(MELT_OPERATIONS);
}

async function lateMelt(ground: RunGround) {
  const released = await releasedMelt(ground, await ground.request(100));
  expect(await sendLate(ground.mint.url, released)).toBe(200);
  return released;
}

describe('a payment that came through after its release', () => {
  const SILENT = [
    [
      'its quote',
      [{ endpoint: 'quote', phase: 'before', times: 0, action: { type: 'status', status: 503 } }],
    ],
    [
      'its change',
      [
        { endpoint: 'restore', phase: 'before', times: 0, action: { type: 'status', status: 503 } },
        { endpoint: 'quote', phase: 'after', times: 0, action: { type: 'change_missing' } },
      ],
    ],
  ] as const;

  it.each(SILENT)(
    'is not lost when the mint says nothing of %s at that moment',
    async (_, faults) => {
      const ground = await runGround(HASTY);
      const released = await lateMelt(ground);
      await ground.mint.control.setFaults(faults);
      const first = await ground.reconcile(APPLY);
      expect(first.run.verdicts).not.toEqual([]);
      expect(first.run.partial).toBe(true);
      expect(
        first.findings.filter(({ type, done }) => type === 'DB_UNSPENT_MINT_SPENT' && done),
      ).toEqual([]);
      await ground.mint.control.clearFaults();
      const then = await ground.reconcile(APPLY);
      expect(then.findings.filter(({ done }) => !done)).toEqual([]);
      expect(await operations(ground).findOne({ _id: released._id })).toMatchObject({
        state: 'paid',
      });
      const verdict = await judge(ground);
      expect(verdict).toEqual(soundVerdict(verdict));
      expect((await ground.reconcile(APPLY)).findings).toEqual([]);
    },
  );

  it('is found although its coins are marked spent already', async () => {
    const ground = await runGround(HASTY);
    const released = await lateMelt(ground);
    await ground.ops.reconciliation.reconcileProofStates(ground.npub, await ground.findings());
    const dry = await ground.reconcile();
    expect(dry.findings).toMatchObject([
      { type: 'OPERATION_PAID_NOT_SETTLED', severity: 'CRITICAL', operation_id: released._id },
    ]);
    const { findings } = await ground.reconcile(APPLY);
    expect(findings).toMatchObject([{ type: 'OPERATION_PAID_NOT_SETTLED', done: true }]);
    const verdict = await judge(ground);
    expect(verdict).toEqual(soundVerdict(verdict));
  });
});

describe('a name that is written down wrongly', () => {
  it('never makes a coin spent that is not', async () => {
    const ground = await runGround();
    const [good, other] = [await ground.stage([16]), await ground.stage([2])];
    await ground.mint.control.setState([other.proofs[0]?.Y ?? ''], 'SPENT');
    await tokensOf(ground.db).deleteOne({ _id: other._id });
    const wrong = { 'proofs.0.Y': other.proofs[0]?.Y };
    await tokensOf(ground.db).updateOne({ _id: good._id }, { $set: wrong });
    const { findings } = await ground.reconcile(APPLY);
    expect(findings).toMatchObject([{ type: 'DB_UNSPENT_MINT_SPENT', done: false }]);
    expect(findings[0]?.note).toMatch(/run --deep/);
    expect(await ground.ops.wallets.calculateBalance(ground.npub)).toBe(16);
    expect((await ground.reconcile({ ...APPLY, scope: { deep: true } })).findings).toEqual([]);
    const [proof] = (await ground.read(good))?.proofs ?? [];
    expect(proof?.Y).toBe(yOf(proof?.secret ?? ''));
  });
});

describe('what is given back', () => {
  it('is live nowhere else, in no wallet', async () => {
    const ground = await runGround();
    await ground.allowDoubles();
    const token = await ground.stage([32], { status: 'spent' });
    await ground.copy(token.proofs, { npub: 'npub1other' });
    const { findings } = await ground.reconcile(GIVE_BACK);
    expect(findings).toMatchObject([{ action: 'give_back', done: false }]);
    expect(findings[0]?.note).toMatch(/is live in token/);
    expect(await ground.read(token)).toMatchObject({ status: 'spent' });
  });

  it('was never sent to somebody', async () => {
    const ground = await runGround();
    const token = await ground.stage([32], { status: 'spent', transaction_type: 'sent' });
    const { findings } = await ground.reconcile(GIVE_BACK);
    expect(findings).toMatchObject([
      { type: 'DB_SPENT_MINT_UNSPENT', action: 'watch', done: false },
    ]);
    expect(findings[0]?.note).toMatch(/sent to somebody/);
    expect(await ground.read(token)).toMatchObject({ status: 'spent' });
  });

  it('is no finding where another spelling of the mint holds it live', async () => {
    const ground = await runGround();
    const token = await ground.stage([32]);
    await tokensOf(ground.db).updateOne(
      { _id: token._id },
      { $set: { mint_url: `${ground.mint.url}/` } },
    );
    await ground.copy(token.proofs, { status: 'spent' });
    expect((await ground.reconcile(GIVE_BACK)).findings).toEqual([]);
  });
});

it('a look from before a token became pending does not count towards its release', async () => {
  const ground = await runGround({ ops: { quiet_period_ms: 60_000 } });
  const hour = 3_600_000;
  const token = await ground.stage([4], {
    status: 'pending',
    mint_state: 'UNSPENT',
    mint_checked_at: new Date(Date.now() - 2 * hour),
    updatedAt: new Date(Date.now() - hour),
  });
  const { findings } = await ground.reconcile(APPLY);
  expect(findings).toMatchObject([{ action: 'release', done: false }]);
  expect(await ground.read(token)).toMatchObject({ status: 'pending' });
});

it('a reply that the journal holds is not overruled: not by the mint, not by a person', async () => {
  const ground = await runGround({ coins: COINS });
  const request = await ground.request(50);
  const { payment_hash } = request.invoice;
  await ground.mint.control.setPaymentBehaviour(payment_hash, { outcome: 'hang' });
  const { operation } = await ground.melt(request);
  await ground.mint.control.resolvePayment(payment_hash, 'succeed');
  const { journal, mint } = {
    journal: ground.journalDir,
    mint: ground.ops.mintOf(ground.mint.url),
  };
  const { RescueJournal } = await import('../../src/journal/rescue_journal.ts');
  const reading = await mint.readMeltQuote(operation.quote_id);
  await new RescueJournal(journal).append(operation._id, { kind: 'reply', reading });
  const unpaid = { state: 'UNPAID', payment_preimage: null, change: [] };
  await ground.mint.control.setFaults([
    { endpoint: 'quote', phase: 'after', times: 0, action: { type: 'set', fields: unpaid } },
    {
      endpoint: 'checkstate',
      phase: 'after',
      times: 0,
      action: { type: 'checkstate_all_unspent' },
    },
  ]);
  expect(await codeOf(ground.ops.melt.releaseByHand(operation._id))).toBe('RELEASE_REFUSED');
  expect(typesOf((await ground.reconcile()).findings)).toMatchObject({
    OPERATION_PAID_NOT_SETTLED: 1,
  });
  await ground.mint.control.clearFaults();
  await ground.reconcile(APPLY);
  const verdict = await judge(ground);
  expect(verdict).toEqual(soundVerdict(verdict));
});

describe('operations', () => {
  async function prepared(ground: RunGround) {
    const request = await ground.request(50);
    const drop = { endpoint: 'melt', phase: 'before', action: { type: 'drop' } } as const;
    await ground.mint.control.setFaults([drop]);
    const { operation } = await ground.melt(request);
    await ground.mint.control.clearFaults();
    return operation;
  }

  it('that were never sent are released, and what is spent of their coins is marked so at once', async () => {
    const ground = await runGround({ coins: COINS });
    const { _id, inputs } = await prepared(ground);
    const old = new Date(Date.now() - 3_600_000);
    await operations(ground).updateOne(
      { _id },
      { $set: { state: 'prepared', created_at: old, updated_at: old, observations: [] } },
    );
    // The journal would know better than the record that its request had left.
    await rm(join(ground.journalDir, `${_id}.jsonl`));
    await ground.mint.control.setState([inputs[0]?.Y ?? ''], 'SPENT');
    const { findings } = await ground.reconcile(APPLY);
    expect(findings.filter(({ done }) => !done)).toEqual([]);
    expect(typesOf(findings)).toMatchObject({ DB_UNSPENT_MINT_SPENT: 1 });
    expect(await judge(ground)).toMatchObject({ live_but_spent: [], live_twice: [] });
    expect((await ground.reconcile(APPLY)).findings).toEqual([]);
  });

  it('are looked at however they spell their mint', async () => {
    const ground = await runGround({ coins: COINS });
    const { _id } = await prepared(ground);
    await operations(ground).updateOne({ _id }, { $set: { mint_url: `${ground.mint.url}/` } });
    expect((await ground.reconcile()).operations).toMatchObject([{ operation_id: _id }]);
  });

  it.each([
    ['no inputs', { $unset: { inputs: '' } }],
    ['ids that are none', { $set: { source_token_ids: ['odd'] } }],
    ['a state that nobody knows', { $set: { observations: 'odd' } }],
  ] as const)('with %s are not known, and stop nothing', async (_, change) => {
    const ground = await runGround({ coins: COINS });
    const { _id } = await prepared(ground);
    await operations(ground).updateOne({ _id }, change as never);
    const token = await ground.stage([256]);
    await ground.mint.control.setState([token.proofs[0]?.Y ?? ''], 'SPENT');
    const { run, findings } = await ground.reconcile(APPLY);
    expect(findings.find(({ amount }) => amount === 256)).toMatchObject({ done: true });
    expect(run).toMatchObject({ partial: true });
    expect(run.verdicts).toContain('unreachable');
  });
});

describe('documents of an odd make', () => {
  const ODD = [
    ['a date that is a text', { createdAt: '2026-01-01' }, 0],
    ['a status that nobody knows', { status: 'UNSPENT' }, 1],
    ['coins that are no list', { proofs: { a: 1 } }, 1],
    ['a state that nobody knows', { status: 'spent', mint_state: 'spent' }, 0],
    [
      'a look at a time that is none',
      { status: 'pending', mint_state: 'UNSPENT', mint_checked_at: 'x' },
      0,
    ],
    ['a reservation that is null', { reserved_by: null }, 0],
    ['no mint', { mint_url: null }, 1],
  ] as const;

  it.each(ODD)(
    '%s: it stops nothing, and what is not known is counted',
    async (_, fields, unknown) => {
      const ground = await runGround();
      const good = await ground.stage([1]);
      const odd = await ground.stage([2]);
      await tokensOf(ground.db).updateOne({ _id: odd._id }, { $set: fields as never });
      await ground.mint.control.setState([good.proofs[0]?.Y ?? ''], 'SPENT');
      const { run, findings } = await ground.reconcile({ ...APPLY, scope: { npubs: 'all' } });
      expect(findings.find(({ amount }) => amount === 1)).toMatchObject({ done: true });
      expect(run.counts.proofs_unknown).toBe(unknown);
      expect(run.partial).toBe(unknown > 0);
    },
  );

  it('sums beyond what can be counted are told as the largest that can', async () => {
    const ground = await runGround();
    const proofs = [coin(1), coin(1)].map((each) => ({ ...each, amount: Number.MAX_SAFE_INTEGER }));
    const token = await ground.stage([1]);
    await tokensOf(ground.db).updateOne({ _id: token._id }, { $set: { proofs, status: 'spent' } });
    const { run } = await ground.reconcile();
    expect(run.counts.sats_at_risk.MEDIUM).toBe(Number.MAX_SAFE_INTEGER);
  });
});

it('--older-than leaves young payments alone, but hides nothing CRITICAL', async () => {
  const ground = await runGround({ coins: COINS });
  const request = await ground.request(50);
  await ground.mint.control.setPaymentBehaviour(request.invoice.payment_hash, { outcome: 'hang' });
  const { operation } = await ground.melt(request);
  const young: RunOptions = { scope: { older_than_ms: 3_600_000 } };
  await ground.reconcile({ ...young, ...APPLY });
  expect(await operations(ground).findOne({ _id: operation._id })).toMatchObject({
    rev: operation.rev,
  });
  await ground.mint.control.resolvePayment(request.invoice.payment_hash, 'succeed');
  expect((await ground.reconcile(young)).run.verdicts).toContain('critical');
});

it('a mint that need not be asked is not called reachable', async () => {
  const ground = await runGround();
  await ground.mint.stop();
  const { run } = await ground.reconcile();
  expect(run.mints).toMatchObject([{ reachable: null, requests: 0, error: null }]);
});
