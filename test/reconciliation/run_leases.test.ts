import { describe, expect, it } from 'vitest';
import { AUDIT_LOG } from '../../src/store/collections.ts';
import type { TokenDocument } from '../../src/store/documents.ts';
import { acquireLeases } from '../../src/store/leases.ts';
import { withFailPoint } from '../support/fail_point.ts';
import { applying, expectRepairedOnce, slowMint, spentCoins } from '../support/lease_ground.ts';
import { fillWallets, ysOf } from '../support/many_wallets.ts';
import { codeOf } from '../support/melt_ground.ts';
import { applyPlan, planOf } from '../support/reconcile_plans.ts';
import {
  letLeasesRunOut,
  rawLeases,
  requestFor,
  untilHeld,
  watching,
} from '../support/reconcile_process.ts';
import { type RunGround, runGround } from '../support/run_ground.ts';
import { secondProcess } from '../support/second_process.ts';

describe('two runs that repair one wallet at once', () => {
  it('exactly one works, the other counts the wallet as held', async () => {
    const ground = await runGround();
    const other = await secondProcess(ground);
    const tokens = await spentCoins(ground, 20);
    await slowMint(ground, 1_000, 2);
    const runs = await Promise.all([
      ground.ops.reconciler.run(applying(), watching()),
      other.reconciler.run(applying(), watching()),
    ]);
    const [worked, held] = runs.toSorted((a, b) => b.counts.repaired - a.counts.repaired);
    expect(worked).toMatchObject({ partial: false, verdicts: ['blocked'] });
    expect(worked?.counts).toMatchObject({ repaired: 20, refused: 0, wallets_held: 0 });
    expect(held).toMatchObject({ partial: true, verdicts: ['conflict'] });
    expect(held?.counts).toMatchObject({ repaired: 0, proofs_checked: 0, wallets_checked: 0 });
    // The ground's own wallet, which is empty, is one of the two.
    expect(held?.counts.wallets_held).toBe(2);
    await expectRepairedOnce(ground, tokens);
  });

  it('one that waits works when the other is ready', async () => {
    const ground = await runGround();
    const other = await secondProcess(ground);
    const tokens = await spentCoins(ground, 5);
    await slowMint(ground, 1_500);
    const first = ground.ops.reconciler.run(applying(), watching());
    await untilHeld(ground);
    const late = await spentCoinsOfAnother(ground);
    const second = await other.reconciler.run(applying({ wait_lock_ms: 30_000 }), watching());
    expect((await first).counts.repaired).toBe(5);
    expect(second.counts).toMatchObject({ repaired: 1, wallets_held: 0, wallets_checked: 3 });
    expect(second).toMatchObject({ partial: false });
    await expectRepairedOnce(ground, [...tokens, ...late]);
  });

  /** A wallet that came while the first run was at work already, so only the second sees it. */
  async function spentCoinsOfAnother(ground: RunGround): Promise<TokenDocument[]> {
    const { url: mint_url, control } = ground.mint;
    const many = { mint_url, wallets: 1, tokens: 1, amounts: [4], prefix: 'npub1zlate' };
    const tokens = await fillWallets(ground.db, many);
    await control.setState(ysOf(tokens), 'SPENT');
    return tokens;
  }

  it('one that waits too short gives up', async () => {
    const ground = await runGround();
    const other = await secondProcess(ground);
    await spentCoins(ground, 1);
    await slowMint(ground, 2_000);
    const first = ground.ops.reconciler.run(applying(), watching());
    await untilHeld(ground);
    const second = await other.reconciler.run(applying({ wait_lock_ms: 300 }), watching());
    expect(second.verdicts).toEqual(['conflict']);
    expect(second.counts).toMatchObject({ repaired: 0, wallets_held: 2 });
    expect((await first).counts.repaired).toBe(1);
  });

  it('a plan leaves the rows of a wallet that another holds, and may be applied again', async () => {
    const ground = await runGround();
    const tokens = await spentCoins(ground, 2);
    const plan = await planOf(ground.ops);
    await takeAll(ground);
    const { run, findings } = await applyPlan(ground.ops, plan);
    expect(run).toMatchObject({ partial: true, verdicts: ['conflict'] });
    expect(findings.map(({ done }) => done)).toEqual([false, false]);
    expect(findings[0]?.note).toMatch(/another process/);
    await letLeasesRunOut(ground);
    await applyPlan(ground.ops, plan);
    await expectRepairedOnce(ground, tokens);
  });

  async function takeAll({ ops, mint }: RunGround): Promise<void> {
    const wallet = { npub: 'npub1many00000', mint_url: mint.url };
    const claim = { owner: 'somebody else', run_id: 'run_of_another', ttl_ms: 60_000 };
    await acquireLeases(ops.store, [wallet], claim, async () => {});
  }
});

describe('the leases of a run', () => {
  const OWNERLESS = { owner: null };

  it('are given back at its end, and their fences stay', async () => {
    const ground = await runGround();
    await spentCoins(ground, 1);
    await ground.ops.reconciler.run(applying(), watching());
    const leases = await rawLeases(ground);
    expect(leases).toMatchObject([OWNERLESS, OWNERLESS]);
    expect(leases.map(({ fence }) => fence)).toEqual([1, 1]);
    // Used by the one repair, of the one wallet that has coins.
    expect(leases.map(({ uses }) => uses).toSorted()).toEqual([0, 1]);
    await ground.ops.reconciler.run(applying(), watching());
    expect((await rawLeases(ground)).map(({ fence }) => fence)).toEqual([2, 2]);
  });

  it('are given back after a failure, and the next run completes it', async () => {
    const ground = await runGround();
    const tokens = await spentCoins(ground, 3);
    const failing = {
      failCommands: ['insert'],
      namespace: `${ground.db.databaseName}.${AUDIT_LOG}`,
      errorCode: 8,
      appName: 'cashu-ops/test',
    };
    // The first is that the run begins.
    const failed = await withFailPoint(ground.ops.store.client, failing, { skip: 1 }, () =>
      codeOf(ground.ops.reconciler.run(applying(), watching())),
    );
    expect(failed).not.toBe('nothing was thrown');
    expect(await rawLeases(ground)).toMatchObject([OWNERLESS, OWNERLESS]);
    expect(await ground.events('proof_state_reconciled')).toEqual([]);
    const next = await ground.ops.reconciler.run(applying(), watching());
    expect(next.counts).toMatchObject({ repaired: 3, wallets_held: 0 });
    await expectRepairedOnce(ground, tokens);
  });

  it('are not taken by a run that only reads, not even when another holds them', async () => {
    const ground = await runGround();
    await spentCoins(ground, 1);
    await ground.ops.reconciler.run(requestFor(), watching());
    expect(await rawLeases(ground)).toEqual([]);
    await slowMint(ground, 1_000);
    const first = ground.ops.reconciler.run(applying(), watching());
    await untilHeld(ground);
    const reading = await (await secondProcess(ground)).reconciler.run(requestFor(), watching());
    expect(reading.counts).toMatchObject({ wallets_held: 0, proofs_checked: 1 });
    await first;
  });
});
