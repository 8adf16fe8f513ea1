import { beforeAll, describe, expect, it } from 'vitest';
import type { FindingType } from '../../src/domain/finding.ts';
import type { MintState, TokenStatus } from '../../src/domain/proof.ts';
import { startPracticeMint } from '../../src/practice/mint/client.ts';
import { coin } from '../support/coins.ts';
import { brief, type ReconcileGround, reconcileGround } from '../support/reconcile_ground.ts';

/** Layer 1: what `checkProofStates` finds, against a real mint. */
let ground: ReconcileGround;
beforeAll(async () => {
  ground = await reconcileGround();
});

const check = (...args: Parameters<ReconcileGround['ops']['reconciliation']['checkProofStates']>) =>
  ground.ops.reconciliation.checkProofStates(...args);

type Pair = [TokenStatus, MintState, FindingType | null, string | null];
const HOUR_MS = 3_600_000;

describe('checkProofStates, each pair of the table', () => {
  const PAIRS: Pair[] = [
    ['unspent', 'UNSPENT', null, null],
    ['unspent', 'PENDING', 'DB_UNSPENT_MINT_PENDING', 'LOW'],
    ['unspent', 'SPENT', 'DB_UNSPENT_MINT_SPENT', 'HIGH'],
    ['pending', 'UNSPENT', 'DB_PENDING_MINT_UNSPENT', 'LOW'],
    ['pending', 'PENDING', null, null],
    ['pending', 'SPENT', 'DB_PENDING_MINT_SPENT', 'MEDIUM'],
    ['spent', 'UNSPENT', 'DB_SPENT_MINT_UNSPENT', 'MEDIUM'],
    ['spent', 'PENDING', 'DB_SPENT_MINT_PENDING', 'MEDIUM'],
    ['spent', 'SPENT', null, null],
    ['failed', 'UNSPENT', 'DB_FAILED_MINT_UNSPENT', 'MEDIUM'],
    ['failed', 'PENDING', null, null],
    ['failed', 'SPENT', 'DB_FAILED_MINT_SPENT', 'LOW'],
  ];

  it.each(PAIRS)('database %s, mint %s: %s %s', async (status, state, type, severity) => {
    const token = await ground.stage([8], { status });
    const [proof] = token.proofs;
    await ground.mint.control.setState([proof?.Y ?? ''], state);
    const found = await check(ground.npub, token.proofs);
    const high = severity === 'HIGH' ? 1 : 0;
    expect(found).toMatchObject({
      checked: 1,
      unknown: 0,
      consistent: type === null,
      hasHighSeverity: high === 1,
      mintErrors: [],
    });
    expect([...found.states]).toEqual([[proof?.Y, state]]);
    expect(found.severityCounts.HIGH).toBe(high);
    expect(Object.values(found.severityCounts).reduce((sum, n) => sum + n, 0)).toBe(type ? 1 : 0);
    const finding = {
      type,
      severity,
      amount: 8,
      y: proof?.Y,
      npub: ground.npub,
      mint_url: ground.mint.url,
      token_id: String(token._id),
      operation_id: null,
      age_s: expect.any(Number),
    };
    expect(found.discrepancies).toEqual(type === null ? [] : [finding]);
  });

  it('a pending coin is LOW while young and MEDIUM when stale, counted from when it was locked', async () => {
    const createdAt = new Date(Date.now() - HOUR_MS);
    const reserved = { status: 'pending', reserved_by: 'op-1', createdAt } as const;
    const young = await ground.stage([1], { ...reserved, updatedAt: new Date() });
    const old = { status: 'pending', createdAt, updatedAt: createdAt } as const;
    const stale = await ground.stage([2], old);
    const found = await check(ground.npub, [...young.proofs, ...stale.proofs]);
    expect(found.discrepancies.map(brief)).toEqual([
      { type: 'DB_PENDING_MINT_UNSPENT', severity: 'LOW', amount: 1, operation_id: 'op-1' },
      { type: 'DB_PENDING_MINT_UNSPENT', severity: 'MEDIUM', amount: 2, operation_id: null },
    ]);
    expect(found.discrepancies[1]?.age_s).toBeGreaterThanOrEqual(3600);
  });

  it('finds each coin of a token by itself', async () => {
    const { proofs } = await ground.stage([1, 2, 4, 8]);
    const [one, two, four] = proofs.map(({ Y }) => Y);
    await ground.mint.control.setState([two ?? ''], 'SPENT');
    await ground.mint.control.setState([four ?? ''], 'PENDING');
    const found = await check(ground.npub, proofs);
    expect(found.discrepancies.map(({ y, type }) => [y, type])).toEqual([
      [two, 'DB_UNSPENT_MINT_SPENT'],
      [four, 'DB_UNSPENT_MINT_PENDING'],
    ]);
    expect(found.states.get(one ?? '')).toBe('UNSPENT');
  });
});

describe('checkProofStates, coins that the database does not hold', () => {
  const stranger = { type: 'PROOF_NOT_IN_DB', severity: 'LOW', amount: 4, operation_id: null };

  it('names them, whether or not the mint is named', async () => {
    const external = coin(4);
    for (const mintUrl of [ground.mint.url, null]) {
      const found = await check(ground.npub, [external], mintUrl);
      expect(found.discrepancies.map(brief)).toEqual([stranger]);
      expect(found.consistent).toBe(false);
      expect(found.checked).toBe(1);
    }
  });

  it('asks nobody where their mint can not be known, and says so', async () => {
    const own = await reconcileGround();
    const { npub } = own.wallet;
    const { _id, ...wallet } = { ...own.wallet, mint_url: 'https://second.test' };
    await own.db.collection('cashu_wallets').insertOne({ ...wallet, p2pk_privkey: 'none' });
    const found = await own.ops.reconciliation.checkProofStates(npub, [coin(4)]);
    expect(found.discrepancies.map(brief)).toEqual([stranger]);
    expect(found).toMatchObject({ checked: 1, unknown: 1, consistent: false });
    expect(found.mintErrors).toEqual([
      { mint_url: 'unknown', error: expect.stringContaining('no mint was named') },
    ]);
    expect((await own.mint.control.requests()).by_path['/v1/checkstate']).toBeUndefined();
  });

  it("takes another owner's coin for one that is not there", async () => {
    const { proofs } = await ground.stage([4], { npub: 'npub1another' });
    const found = await check(ground.npub, proofs, ground.mint.url);
    expect(found.discrepancies.map(brief)).toEqual([stranger]);
  });
});

describe('checkProofStates, old data', () => {
  it('a coin in a spent token and in a later live one is no finding: the live one decides', async () => {
    const old = await ground.stage([16, 32], { status: 'spent' });
    const [, kept] = old.proofs;
    await ground.copy(kept ? [kept] : []);
    await ground.mint.control.setState([old.proofs[0]?.Y ?? ''], 'SPENT');
    const found = await check(ground.npub, old.proofs);
    expect(found).toMatchObject({ consistent: true, discrepancies: [], checked: 2 });
  });

  it('and when the mint calls that coin spent, it is the live one that is wrong', async () => {
    const old = await ground.stage([64], { status: 'spent' });
    const live = await ground.copy(old.proofs);
    await ground.mint.control.setState(
      old.proofs.map(({ Y }) => Y),
      'SPENT',
    );
    const found = await check(ground.npub, old.proofs);
    expect(found.discrepancies.map(({ type, token_id }) => [type, token_id])).toEqual([
      ['DB_UNSPENT_MINT_SPENT', String(live._id)],
    ]);
  });

  it('knows coins that were stored without their public name', async () => {
    const { proofs, _id } = await ground.stage([8]);
    const bare = proofs.map(({ Y: _, ...proof }) => proof);
    await ground.db.collection('cashu_tokens').updateOne({ _id }, { $set: { proofs: bare } });
    await ground.mint.control.setState([proofs[0]?.Y ?? ''], 'SPENT');
    const found = await check(ground.npub, bare);
    expect(found.discrepancies.map(({ y }) => y)).toEqual([proofs[0]?.Y]);
  });

  it('pending deposits that were never minted are no finding', async () => {
    const own = await reconcileGround();
    const empty = { proofs: [], total_amount: 0, status: 'pending' as const };
    await own.stage([1], empty);
    await own.stage([2], empty);
    const found = await own.ops.reconciliation.checkWallet(own.npub, own.mint.url);
    expect(found).toMatchObject({ consistent: true, checked: 0, unknown: 0, discrepancies: [] });
  });

  it('two live documents for one coin are a finding, and it is counted once', async () => {
    const own = await reconcileGround();
    await own.allowDoubles();
    const { proofs } = await own.stage([8]);
    await own.copy(proofs);
    const found = await own.ops.reconciliation.checkProofStates(own.npub);
    expect(found.discrepancies.map(brief)).toEqual([
      { type: 'DUPLICATE_LIVE_PROOF', severity: 'HIGH', amount: 8, operation_id: null },
    ]);
    expect(found.checked).toBe(1);
  });
});

describe('checkProofStates, a mint that says too little', () => {
  it.each([
    { lie: 'checkstate_short', title: 'one state fewer' },
    { lie: 'checkstate_duplicated', title: 'one state twice, another not at all' },
    { lie: 'checkstate_foreign', title: 'a coin that nobody asked about' },
  ] as const)('$title: what is missing is unknown, never unspent', async ({ lie }) => {
    const own = await reconcileGround();
    const { proofs } = await own.stage([1, 2, 4], { status: 'pending' });
    const ys = proofs.map(({ Y }) => Y);
    const last = ys.at(-1) ?? '';
    await own.mint.control.setState(ys, 'PENDING');
    const rule = { endpoint: 'checkstate', phase: 'after', times: 0 } as const;
    await own.mint.control.setFaults([{ ...rule, action: { type: lie } }]);
    const found = await own.ops.reconciliation.checkWallet(own.npub, own.mint.url);
    expect(found).toMatchObject({ checked: 3, unknown: 1, consistent: false, discrepancies: [] });
    expect(found.states.has(last)).toBe(false);
    expect(found.states.size).toBe(2);
  });

  it('an unknown word for a state, too', async () => {
    const own = await reconcileGround();
    await own.stage([1]);
    const action = { type: 'set', fields: { 'states.0.state': 'LOST' } } as const;
    await own.mint.control.setFaults([{ endpoint: 'checkstate', phase: 'after', action }]);
    const found = await own.ops.reconciliation.checkWallet(own.npub, own.mint.url);
    expect(found).toMatchObject({ unknown: 1, consistent: false, discrepancies: [] });
  });

  it('batches that are too large are asked for in smaller ones', async () => {
    const own = await reconcileGround({ mint: { settings: { max_ys: 7 } } });
    const { proofs } = await own.stage(Array(25).fill(2));
    await own.mint.control.setState([proofs[24]?.Y ?? ''], 'SPENT');
    const found = await own.ops.reconciliation.checkWallet(own.npub, own.mint.url);
    expect(found).toMatchObject({ checked: 25, unknown: 0 });
    expect(found.discrepancies.map(({ y }) => y)).toEqual([proofs[24]?.Y]);
  });

  it('a coin that is asked about twice is one coin', async () => {
    const { proofs } = await ground.stage([4]);
    const found = await check(ground.npub, [...proofs, ...proofs], ground.mint.url);
    expect(found).toMatchObject({ checked: 1, unknown: 0, consistent: true });
  });

  it('one mint that is down leaves the others', async () => {
    const own = await reconcileGround({ ops: { request_timeout_ms: 1_000 } });
    const other = await startPracticeMint({ log: () => {} });
    const dead = other.url;
    await other.stop();
    const { proofs } = await own.stage([8, 16]);
    await own.stage([32], { mint_url: dead });
    await own.stage([64], { mint_url: 'no address at all' });
    await own.mint.control.setState([proofs[0]?.Y ?? ''], 'SPENT');
    const found = await own.ops.reconciliation.checkProofStates(own.npub);
    expect(found.discrepancies.map(({ y, type }) => [y, type])).toEqual([
      [proofs[0]?.Y, 'DB_UNSPENT_MINT_SPENT'],
    ]);
    expect(found).toMatchObject({ checked: 4, unknown: 2, consistent: false });
    expect(found.mintErrors.map(({ mint_url }) => mint_url).toSorted()).toEqual(
      [dead, 'no address at all'].toSorted(),
    );
  });
});
