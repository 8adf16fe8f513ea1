import { describe, expect, it } from 'vitest';
import { type PracticeMint, startPracticeMint } from '../../src/practice/mint/client.ts';
import {
  AUDIT_LOG,
  LEASES,
  MELT_OPERATIONS,
  TOKENS,
  WALLETS,
} from '../../src/store/collections.ts';
import { type TokenDocument, tokensOf } from '../../src/store/documents.ts';
import { codesOf, killUnanswered, until } from '../melt/kill_points.ts';
import { fillWallets, ysOf } from '../support/many_wallets.ts';
import { expectSettledBooks } from '../support/melt_books.ts';
import { carelessGround, settlements } from '../support/melt_cli.ts';
import {
  hashesOf,
  rawRuns,
  requestFor,
  runReconcile,
  startReconcile,
  watching,
} from '../support/reconcile_process.ts';
import { type RunGround, runGround, typesOf } from '../support/run_ground.ts';

const PROCESSES = 8;

describe('eight processes with --apply on one open operation', () => {
  it('have one economic effect', async () => {
    const ground = await carelessGround();
    const killed = await killUnanswered(ground, 'melt', 'after');
    expect(killed).toMatchObject({ state: 'submitting', payments: 1 });
    const { mint } = ground;
    await mint.control.clearFaults();
    // The mint stands still until all of them are there.
    mint.suspend();
    const args = ['--all', '--apply', '--wait-lock', '2m'];
    const running = Array.from({ length: PROCESSES }, () => startReconcile(ground, args).ended);
    try {
      const areThere = async () => (await rawRuns(ground)).length === PROCESSES;
      await until(areThere, { withinMs: 25_000, what: 'the start of all' });
    } finally {
      mint.resume();
    }
    const ends = await Promise.all(running);
    // One has found and settled it; the others came when nothing was left.
    expect(codesOf(ends).toSorted()).toEqual([...Array(PROCESSES - 1).fill(0), 20]);
    expect(await settlements(ground)).toBe(1);
    await expectSettledBooks(ground, [killed.invoice.payment_hash]);
    const change = await tokensOf(ground.ops.store.db)
      .find({ 'metadata.parent_transaction_id': { $exists: true }, status: 'unspent' })
      .toArray();
    const ids = change.map(({ transaction_id }) => transaction_id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(await mint.control.paymentCount(killed.invoice.payment_hash)).toBe(1);
  });
});

describe('300 wallets on three mints, of which one is down', () => {
  const AT_EACH = { wallets: 100, tokens: 1, amounts: [1, 2] };
  const FOUND_AT_EACH = 10;

  async function threeMints() {
    const ground = await runGround();
    const [live, down] = await Promise.all([newMint(), newMint()]);
    const staged: [PracticeMint, TokenDocument[]][] = [];
    for (const mint of [ground.mint, live, down]) {
      const tokens = await fillWallets(ground.db, { mint_url: mint.url, ...AT_EACH });
      const some = tokens.filter((_, n) => n % (AT_EACH.wallets / FOUND_AT_EACH) === 0);
      await mint.control.setState(ysOf(some, 0), 'SPENT');
      staged.push([mint, tokens]);
    }
    await down.stop();
    return { ground, live, down, staged };
  }

  const newMint = () => startPracticeMint({ log: () => {} });

  it('the others are completed, and of the one nothing is known nor changed', async () => {
    const { ground, live, down } = await threeMints();
    const ofTheMint = () => tokensOf(ground.db).find({ mint_url: down.url }).toArray();
    const before = await ofTheMint();
    const run = await ground.ops.reconciler.run(requestFor({ apply: true }), watching());
    expect(run).toMatchObject({ state: 'done', partial: true });
    expect(run.verdicts).toContain('unreachable');
    expect(run.counts).toMatchObject({
      wallets_checked: 301,
      proofs_unknown: 200,
      repaired: 2 * FOUND_AT_EACH,
      severity_counts: { HIGH: 2 * FOUND_AT_EACH },
    });
    const mints = new Map(run.mints.map((mint) => [mint.mint_url, mint]));
    expect(mints.get(down.url)).toMatchObject({ reachable: false, proofs_unknown: 200 });
    expect(mints.get(down.url)?.error).toMatch(/\w/);
    for (const { url } of [ground.mint, live]) {
      expect(mints.get(url)).toMatchObject({ reachable: true, error: null, proofs_unknown: 0 });
      const spent = { mint_url: url, status: 'spent' } as const;
      expect(await tokensOf(ground.db).countDocuments(spent)).toBe(FOUND_AT_EACH);
    }
    expect(await ofTheMint()).toEqual(before);
    const events = await ground.events('proof_state_reconciled');
    expect(events.filter(({ mint_url }) => mint_url === down.url)).toEqual([]);
    // By the command, when nothing else is left to tell: 25, and the mint is named.
    const end = await runReconcile(ground, ['--all', '--apply']);
    expect(end.code).toBe(25);
    expect(end.json()).toMatchObject({ partial: true, findings: [] });
    expect(end.json().mints.filter(({ reachable }: { reachable: boolean }) => !reachable)).toEqual([
      expect.objectContaining({ mint_url: down.url }),
    ]);
    expect(await ofTheMint()).toEqual(before);
    await live.stop();
  });
});

describe('a mint that sets limits', () => {
  it('takes 100 coins at once and asks to slow down: every coin is asked about', async () => {
    const ground = await runGround({ mint: { settings: { max_ys: 100 } } });
    const { url: mint_url, control } = ground.mint;
    const many = { mint_url, wallets: 5, tokens: 50, amounts: [1, 2, 4, 8] };
    const tokens = await fillWallets(ground.db, many);
    await control.setState(ysOf(tokens.slice(0, 7), 3), 'SPENT');
    const slow = { type: 'status', status: 429, headers: { 'Retry-After': '1' } } as const;
    const large = { type: 'status', status: 413, body: '<html>too large</html>' } as const;
    await control.setFaults([
      { endpoint: 'checkstate', phase: 'before', occurrence: 1, action: large },
      { endpoint: 'checkstate', phase: 'before', occurrence: 8, times: 2, action: slow },
    ]);
    await control.resetRequests();
    const start = performance.now();
    const { run, findings } = await ground.reconcile({ scope: { npubs: 'all' } });
    expect(performance.now() - start).toBeGreaterThan(900);
    expect(run).toMatchObject({ state: 'done', partial: false });
    expect(run.counts).toMatchObject({ proofs_checked: 1_000, proofs_unknown: 0 });
    expect(typesOf(findings)).toEqual({ DB_UNSPENT_MINT_SPENT: 7 });
    expect(findings.map(({ y }) => y).toSorted()).toEqual(ysOf(tokens.slice(0, 7), 3).toSorted());
    // 16 of 62 or 63 coins are enough; beside them those that were refused.
    const { by_path } = await control.requests();
    expect(by_path['/v1/checkstate']).toBeLessThan(30);
  });

  it('always asks to slow down: what is not known is counted, and nothing is changed', async () => {
    const ground = await runGround();
    const token = await ground.stage([8]);
    await ground.mint.control.setState(ysOf([token]), 'SPENT');
    const slow = { type: 'status', status: 429, headers: { 'Retry-After': '0' } } as const;
    await ground.mint.control.setFaults([
      { endpoint: 'checkstate', phase: 'before', times: 0, action: slow },
    ]);
    const { run, findings } = await ground.reconcile({ apply: true });
    expect(run).toMatchObject({ partial: true, verdicts: ['unreachable'] });
    expect(run.counts.proofs_unknown).toBe(1);
    expect(findings).toEqual([]);
    expect(await ground.read(token)).toEqual({ ...token, proofs: token.proofs });
  });
});

describe('a run that only reads', () => {
  const MONEY = [TOKENS, WALLETS, MELT_OPERATIONS, LEASES];
  /** What the log tells beside the runs themselves. */
  const told = (ground: RunGround) => {
    const runs = { $in: ['reconcile_started', 'reconcile_run'] };
    return ground.db.collection(AUDIT_LOG).countDocuments({ type: { $not: runs } });
  };

  /** One finding of every type that a wallet can have. */
  async function everyKind(): Promise<RunGround> {
    const ground = await runGround({ ops: { melt_timeout_ms: 1_000 } });
    await paidNotSettled(ground);
    const { mint } = ground;
    const at = async (status: TokenDocument['status'], state: 'SPENT' | 'PENDING' | null) => {
      const token = await ground.stage([8], { status });
      if (state !== null) await mint.control.setState(ysOf([token]), state);
      return token;
    };
    await at('unspent', 'SPENT');
    await at('unspent', 'PENDING');
    await at('pending', 'SPENT');
    await at('pending', null);
    await at('spent', null);
    await at('spent', 'PENDING');
    await at('failed', null);
    await at('failed', 'SPENT');
    await ground.stage([16], { reserved_by: 'nobody', status: 'pending' });
    await ground.allowDoubles();
    const double = await ground.stage([32]);
    await ground.copy(double.proofs);
    return ground;
  }

  /** The mint has paid and nobody has booked it; the tokens are not reserved for it any more. */
  async function paidNotSettled(ground: RunGround): Promise<void> {
    await ground.addCoins(512, 256, 128, 64, 32, 16, 8, 4, 2, 1);
    const request = await ground.request(700);
    const { payment_hash } = request.invoice;
    const { control } = ground.mint;
    await control.setPaymentBehaviour(payment_hash, { outcome: 'hang', delay_ms: 600_000 });
    await ground.melt(request);
    await control.resolvePayment(payment_hash, 'succeed');
    const reserved = { reserved_by: { $exists: true } };
    await tokensOf(ground.db).updateMany(reserved, { $set: { reserved_by: 'another' } });
  }

  it.each([[[]], [['--deep']]])('changes nothing, whatever it finds %j', async (flags) => {
    const ground = await everyKind();
    const before = await hashesOf(ground.db, MONEY);
    const toldBefore = await told(ground);
    const { findings } = await ground.reconcile({ scope: { deep: flags.length > 0 } });
    expect(Object.keys(typesOf(findings))).toEqual([
      'DB_FAILED_MINT_SPENT',
      'DB_FAILED_MINT_UNSPENT',
      'DB_PENDING_MINT_SPENT',
      'DB_PENDING_MINT_UNSPENT',
      'DB_SPENT_MINT_PENDING',
      'DB_SPENT_MINT_UNSPENT',
      'DB_UNSPENT_MINT_PENDING',
      'DB_UNSPENT_MINT_SPENT',
      'DUPLICATE_LIVE_PROOF',
      'OPERATION_PAID_NOT_SETTLED',
      'OPERATION_WITHOUT_TOKENS',
      'TOKENS_WITHOUT_OPERATION',
    ]);
    expect(await hashesOf(ground.db, MONEY)).toEqual(before);
    const env = { CASHU_OPS_MELT_TIMEOUT: '1s' };
    const end = await runReconcile(ground, ['--all', ...flags], env);
    expect(end.code).toBe(23);
    expect(end.json().findings).toHaveLength(findings.length);
    expect(await hashesOf(ground.db, MONEY)).toEqual(before);
    expect(await told(ground)).toBe(toldBefore);
  });
});
