import { describe, expect, it } from 'vitest';
import { tokensOf, walletsOf } from '../../src/store/documents.ts';
import { judge } from '../support/melt_ground.ts';
import { briefly, runGround, typesOf } from '../support/run_ground.ts';
import { token } from '../support/tokens.ts';

const DAY_MS = 86_400_000;

describe('a run that only reads', () => {
  it('finds each spent coin of a token, and says what would be done', async () => {
    const ground = await runGround();
    const { proofs, _id } = await ground.stage([1, 2, 4, 8]);
    await ground.mint.control.setState([proofs[1]?.Y ?? '', proofs[3]?.Y ?? ''], 'SPENT');
    const { run, findings } = await ground.reconcile();
    const high = { type: 'DB_UNSPENT_MINT_SPENT', severity: 'HIGH', action: 'mark_spent' } as const;
    expect(findings.map(briefly).sort((a, b) => a.amount - b.amount)).toEqual([
      { ...high, amount: 2, done: false },
      { ...high, amount: 8, done: false },
    ]);
    expect(findings[0]).toMatchObject({ npub: ground.npub, mint_url: ground.mint.url });
    expect(findings[0]?.token_id).toBe(String(_id));
    expect(run).toMatchObject({
      state: 'done',
      partial: false,
      applied: false,
      drift: { over: 10, under: 0 },
      verdicts: ['blocked'],
    });
    expect(run.counts).toMatchObject({
      wallets_checked: 1,
      proofs_checked: 4,
      proofs_unknown: 0,
      severity_counts: { CRITICAL: 0, HIGH: 2, MEDIUM: 0, LOW: 0 },
      sats_at_risk: { CRITICAL: 0, HIGH: 10, MEDIUM: 0, LOW: 0 },
    });
    expect(run.mints).toMatchObject([{ mint_url: ground.mint.url, reachable: true, error: null }]);
  });

  it('calls old data clean: a coin of a spent token in a later live one, and empty deposits', async () => {
    const ground = await runGround();
    const { proofs } = await ground.stage([4, 8]);
    await ground.copy(proofs, { status: 'spent', createdAt: new Date(Date.now() - DAY_MS) });
    const { npub, mint_url } = ground.wallet;
    const deposit = token({
      npub,
      mint_url,
      proofs: [],
      status: 'pending',
      transaction_type: 'minted',
    });
    await tokensOf(ground.db).insertOne(deposit);
    const { run, findings } = await ground.reconcile();
    expect(findings).toEqual([]);
    expect(run).toMatchObject({ partial: false, verdicts: [] });
    // Both documents were looked at; the deposit holds no coin.
    expect(run.counts.proofs_checked).toBe(4);
  });

  it('finds doubles in two tokens, and in one', async () => {
    const ground = await runGround();
    await ground.allowDoubles();
    const first = await ground.stage([4]);
    await ground.copy(first.proofs);
    const twice = await ground.stage([2]);
    const both = [...twice.proofs, ...twice.proofs];
    await tokensOf(ground.db).updateOne(
      { _id: twice._id },
      { $set: { proofs: both, total_amount: 4 } },
    );
    const { findings } = await ground.reconcile();
    expect(findings.map(briefly).sort((a, b) => a.amount - b.amount)).toEqual([
      {
        type: 'DUPLICATE_LIVE_PROOF',
        severity: 'HIGH',
        amount: 2,
        action: 'remove_double',
        done: false,
      },
      {
        type: 'DUPLICATE_LIVE_PROOF',
        severity: 'HIGH',
        amount: 4,
        action: 'remove_double',
        done: false,
      },
    ]);
    const applied = await ground.reconcile({ apply: true });
    expect(applied.findings.every(({ done }) => done)).toBe(true);
    expect((await judge(ground)).live_twice).toEqual([]);
    expect(await ground.ops.wallets.calculateBalance(ground.npub)).toBe(6);
    expect((await ground.reconcile()).findings).toEqual([]);
  });

  it('leaves a coin that is live in two wallets to a person', async () => {
    const ground = await runGround();
    await ground.allowDoubles();
    const { proofs } = await ground.stage([4]);
    const other = await ground.copy(proofs, { npub: 'npub1other' });
    const { findings } = await ground.reconcile({ apply: true });
    expect(findings.map(briefly)).toEqual([
      { type: 'DUPLICATE_LIVE_PROOF', severity: 'HIGH', amount: 4, action: 'report', done: false },
    ]);
    expect(findings[0]?.note).toMatch(
      /live in another wallet too \(token [0-9a-f]{24} of npub1other\)/,
    );
    expect((await ground.read(other))?.status).toBe('unspent');
  });

  it('names coins that have no name, and keeps the names only when it may write', async () => {
    const ground = await runGround();
    const token = await ground.stage([4, 8]);
    const bare = token.proofs.map(({ Y: _, ...proof }) => proof);
    await tokensOf(ground.db).updateOne({ _id: token._id }, { $set: { proofs: bare } });
    await ground.mint.control.setState([token.proofs[0]?.Y ?? ''], 'PENDING');
    expect(typesOf((await ground.reconcile()).findings)).toEqual({ DB_UNSPENT_MINT_PENDING: 1 });
    expect((await ground.read(token))?.proofs).toEqual(bare);
    await ground.reconcile({ apply: true });
    expect((await ground.read(token))?.proofs.map(({ Y }) => Y)).toEqual(
      token.proofs.map(({ Y }) => Y),
    );
  });

  it('with deep trusts no name that was written down', async () => {
    const ground = await runGround();
    const token = await ground.stage([4]);
    const wrong = `02${'ab'.repeat(32)}`;
    await tokensOf(ground.db).updateOne({ _id: token._id }, { $set: { 'proofs.0.Y': wrong } });
    await ground.mint.control.setState([token.proofs[0]?.Y ?? ''], 'SPENT');
    expect((await ground.reconcile()).findings).toEqual([]);
    const dry = await ground.reconcile({ scope: { deep: true } });
    expect(typesOf(dry.findings)).toEqual({ DB_UNSPENT_MINT_SPENT: 1 });
    const { findings } = await ground.reconcile({ scope: { deep: true }, apply: true });
    expect(findings).toMatchObject([{ type: 'DB_UNSPENT_MINT_SPENT', done: true }]);
  });

  it('coins that are no coins are unknown, and stop nothing', async () => {
    const ground = await runGround();
    const good = await ground.stage([1]);
    const bad = await ground.stage([2, 4, 8]);
    const proofs = [null, { amount: 'x' }, { ...bad.proofs[2], amount: '8' }];
    await tokensOf(ground.db).updateOne({ _id: bad._id }, { $set: { proofs: proofs as never } });
    const ys = [...good.proofs, ...bad.proofs.slice(2)].map(({ Y }) => Y);
    await ground.mint.control.setState(ys, 'SPENT');
    const { run, findings } = await ground.reconcile({ apply: true });
    expect(run).toMatchObject({ partial: true, verdicts: ['blocked', 'unreachable'] });
    expect(run.counts).toMatchObject({ proofs_checked: 4, proofs_unknown: 2 });
    expect(findings.map(({ amount, done }) => ({ amount, done }))).toEqual(
      expect.arrayContaining([
        { amount: 1, done: true },
        { amount: 0, done: false },
      ]),
    );
  });

  it('documents with ids of another kind are checked, and left to a person', async () => {
    const ground = await runGround();
    const { _id, ...token } = await ground.stage([4]);
    await tokensOf(ground.db).deleteOne({ _id });
    const { createdAt: _, ...rest } = token;
    await tokensOf(ground.db).insertOne({ ...rest, _id: 'my-own-id' } as never);
    await ground.mint.control.setState([token.proofs[0]?.Y ?? ''], 'SPENT');
    const { findings } = await ground.reconcile({ apply: true });
    expect(findings).toMatchObject([{ type: 'DB_UNSPENT_MINT_SPENT', done: false }]);
    expect(findings[0]?.note).toMatch(/24 hex digits/);
  });

  it('leaves out what is younger than it is asked to look back', async () => {
    const ground = await runGround();
    const old = await ground.stage([1], { createdAt: new Date(Date.now() - DAY_MS) });
    const young = await ground.stage([2]);
    const ys = [...old.proofs, ...young.proofs].map(({ Y }) => Y);
    await ground.mint.control.setState(ys, 'SPENT');
    const { findings } = await ground.reconcile({ scope: { older_than_ms: 3_600_000 } });
    expect(findings.map(({ amount }) => amount)).toEqual([1]);
  });

  it('checks tokens of an owner without a wallet document', async () => {
    const ground = await runGround();
    const { proofs } = await ground.stage([4]);
    await walletsOf(ground.db).deleteMany({});
    await ground.mint.control.setState([proofs[0]?.Y ?? ''], 'SPENT');
    const { run, findings } = await ground.reconcile({ scope: { npubs: 'all' } });
    expect(run.counts.wallets_checked).toBe(1);
    expect(typesOf(findings)).toEqual({ DB_UNSPENT_MINT_SPENT: 1 });
  });

  it('counts the coins of an address that is none as unknown', async () => {
    const ground = await runGround();
    await ground.stage([4], { mint_url: 'not an address' });
    const { run, findings } = await ground.reconcile({ scope: { npubs: 'all' } });
    expect(findings).toEqual([]);
    expect(run).toMatchObject({ partial: true, verdicts: ['unreachable'] });
    expect(run.counts).toMatchObject({ proofs_checked: 1, proofs_unknown: 1 });
    const bad = run.mints.find(({ mint_url }) => mint_url === 'not an address');
    expect(bad).toMatchObject({ reachable: false, proofs_unknown: 1 });
    expect(bad?.error).not.toBeNull();
  });

  it('treats two spellings of one mint as one', async () => {
    const ground = await runGround();
    await ground.stage([4]);
    await ground.stage([8], { mint_url: `${ground.mint.url}/` });
    const { run } = await ground.reconcile({ scope: { mint_url: ground.mint.url } });
    expect(run.counts).toMatchObject({ wallets_checked: 2, proofs_checked: 2, proofs_unknown: 0 });
    expect(run.mints).toHaveLength(1);
  });

  it('an empty wallet is nothing to check', async () => {
    const ground = await runGround();
    const { run, findings } = await ground.reconcile();
    expect(findings).toEqual([]);
    expect(run).toMatchObject({ state: 'done', partial: false, verdicts: [] });
    expect(run.counts).toMatchObject({ wallets_checked: 1, proofs_checked: 0 });
  });
});

describe('an answer that cannot be trusted never turns into "unspent"', () => {
  const LIES = [
    ['checkstate_short', 1],
    ['checkstate_duplicated', 1],
    ['checkstate_foreign', 1],
  ] as const;

  it.each(LIES)('%s: %d coin is unknown, the run is partial', async (type, unknown) => {
    const ground = await runGround();
    // A failed token: were a missing answer taken for "unspent", it would be a finding.
    await ground.stage([1, 2, 4], { status: 'failed', mint_state: 'SPENT' });
    await ground.stage([8, 16, 32], { status: 'spent' });
    await ground.mint.control.setState(await spentYs(ground), 'SPENT');
    await ground.mint.control.setFaults([
      { endpoint: 'checkstate', phase: 'after', times: 0, action: { type } },
    ]);
    const { run, findings } = await ground.reconcile();
    expect(run).toMatchObject({ partial: true, verdicts: ['unreachable'] });
    expect(run.counts.proofs_unknown).toBe(unknown);
    expect(findings.filter(({ type }) => type === 'DB_SPENT_MINT_UNSPENT')).toEqual([]);
  });

  it('a reordered answer is read by Y', async () => {
    const ground = await runGround();
    const { proofs } = await ground.stage([1, 2, 4]);
    await ground.mint.control.setState([proofs[0]?.Y ?? ''], 'SPENT');
    await ground.mint.control.setFaults([
      {
        endpoint: 'checkstate',
        phase: 'after',
        times: 0,
        action: { type: 'checkstate_reordered' },
      },
    ]);
    const { run, findings } = await ground.reconcile();
    expect(run.partial).toBe(false);
    expect(findings.map(({ y }) => y)).toEqual([proofs[0]?.Y]);
  });

  it('a mint that answers nothing leaves every coin unknown and changes nothing', async () => {
    const ground = await runGround();
    await ground.stage([1, 2, 4]);
    await ground.mint.stop();
    const { run, findings } = await ground.reconcile({ apply: true });
    expect(findings).toEqual([]);
    expect(run).toMatchObject({ partial: true, verdicts: ['unreachable'] });
    expect(run.counts).toMatchObject({ proofs_checked: 3, proofs_unknown: 3 });
    expect(run.mints).toMatchObject([{ reachable: false, proofs_unknown: 3 }]);
    expect(run.mints[0]?.error).toMatch(/did not answer/);
  });
});

async function spentYs(ground: Awaited<ReturnType<typeof runGround>>): Promise<string[]> {
  const tokens = await ground.tokens();
  return tokens.flatMap(({ proofs }) => proofs.map(({ Y }) => Y ?? ''));
}
