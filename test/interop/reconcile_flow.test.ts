import { Wallet } from '@cashu/cashu-ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CashuOps } from '../../src/cashu_ops.ts';
import type { StoredProof } from '../../src/domain/proof.ts';
import type { Finding, ReconcileRun } from '../../src/domain/reconcile_run.ts';
import type { ReconcileRequest } from '../../src/services/reconciliation/reconciler.ts';
import { MELT_OPERATIONS } from '../../src/store/collections.ts';
import { type TokenDocument, tokensOf } from '../../src/store/documents.ts';
import { listOf } from '../support/run_ground.ts';
import { MINTS, WalletGround } from './wallet_ground.ts';

/** The main scenarios of reconciliation, at a mint written by others and at our own. */
describe.each(MINTS)('reconcile at $name', ({ start }) => {
  let ground: WalletGround;
  beforeAll(async () => {
    ground = await WalletGround.start(start);
  });
  afterAll(() => ground.stop());

  it('clean: nothing differs, before and after a payment', async () => {
    const { ops, npub } = await ground.wallet();
    expect((await reconcile(ops, npub)).findings).toEqual([]);
    await ground.melt(ops, npub, { amountSat: 200, outcome: 'paid' });
    const { run, findings } = await reconcile(ops, npub, { apply: true });
    expect(findings).toEqual([]);
    expect(run).toMatchObject({ partial: false, verdicts: [] });
  });

  it('HIGH: a coin that was spent elsewhere is marked spent, alone', async () => {
    const { ops, npub, before } = await ground.wallet();
    await spendElsewhere(await coinOf(ops, npub, 256));
    const dry = await reconcile(ops, npub);
    expect(dry.findings).toMatchObject([
      { type: 'DB_UNSPENT_MINT_SPENT', severity: 'HIGH', amount: 256, done: false },
    ]);
    const { findings } = await reconcile(ops, npub, { apply: true });
    expect(findings).toMatchObject([{ type: 'DB_UNSPENT_MINT_SPENT', done: true }]);
    expect(await ops.wallets.calculateBalance(npub)).toBe(before - 256);
    expect((await reconcile(ops, npub, { apply: true })).findings).toEqual([]);
  });

  it('MEDIUM: spent here and free there is reported, and given back on request', async () => {
    const { ops, npub, before } = await ground.wallet();
    await tokensOf(ops.store.db).updateMany({ npub }, { $set: { status: 'spent' } });
    const { findings } = await reconcile(ops, npub, { apply: true });
    expect(findings.map(({ type }) => type)).toEqual(
      Array.from({ length: 10 }, () => 'DB_SPENT_MINT_UNSPENT'),
    );
    expect(await ops.wallets.calculateBalance(npub)).toBe(0);
    await reconcile(ops, npub, { apply: true, repair: ['DB_SPENT_MINT_UNSPENT'] });
    expect(await ops.wallets.calculateBalance(npub)).toBe(before);
  });

  it('MEDIUM: pending here and spent there, without an operation, is marked spent', async () => {
    const { ops, npub } = await ground.wallet('auto', 600_000, undefined, [64]);
    await spendElsewhere(await coinOf(ops, npub, 64));
    await tokensOf(ops.store.db).updateMany({ npub }, { $set: { status: 'pending' } });
    const { findings } = await reconcile(ops, npub, { apply: true });
    expect(findings).toMatchObject([
      { type: 'DB_PENDING_MINT_SPENT', severity: 'MEDIUM', action: 'mark_spent', done: true },
    ]);
  });

  it('CRITICAL: a payment that went through later is settled, its change recovered', async () => {
    const { ops, npub, before } = await ground.wallet();
    const hanging = await ground.melt(ops, npub, { amountSat: 90, outcome: 'pending' });
    expect(hanging.outcome.status).toBe('pending');
    const { _id, quote_id, payment_hash } = hanging.outcome.operation;
    const waiting = await reconcile(ops, npub);
    expect(waiting.findings).toEqual([]);
    expect(waiting.run.counts.operations_open).toBe(1);
    const payment = { invoice: hanging.invoice, payment_hash, quote: quote_id };
    await ground.mint.resolvePayment(payment, 'paid');
    const { findings } = await reconcile(ops, npub, { apply: true });
    expect(findings[0]).toMatchObject({ type: 'OPERATION_PAID_NOT_SETTLED', done: true });
    expect(findings.filter(({ done }) => !done)).toEqual([]);
    const paid = await ops.melts.get(_id);
    if (paid?.state !== 'paid') throw new Error(`the operation is ${paid?.state}`);
    expect(await ops.wallets.calculateBalance(npub)).toBe(
      before - 90 - paid.lightning_fee - paid.input_fee,
    );
    expect((await reconcile(ops, npub, { apply: true })).findings).toEqual([]);
  });

  it('LOW: a coin that the mint holds for a payment we know nothing of is watched', async () => {
    const { ops, npub, before } = await ground.wallet();
    await ground.melt(ops, npub, { amountSat: 20, outcome: 'pending' });
    // As a database that was restored from before the payment.
    await ops.store.db.collection(MELT_OPERATIONS).deleteMany({ npub });
    await tokensOf(ops.store.db).updateMany(
      { npub, status: 'pending' },
      { $set: { status: 'unspent' }, $unset: { reserved_by: '' } },
    );
    const { findings, run } = await reconcile(ops, npub, { apply: true });
    expect(findings.length).toBeGreaterThan(0);
    for (const finding of findings) {
      expect(finding).toMatchObject({ type: 'DB_UNSPENT_MINT_PENDING', severity: 'LOW' });
      expect(finding).toMatchObject({ action: 'watch', done: false });
    }
    expect(run.verdicts).toEqual([]);
    expect(await ops.wallets.calculateBalance(npub)).toBe(before);
  });

  async function reconcile(
    ops: CashuOps,
    npub: string,
    more: Partial<Omit<ReconcileRequest, 'scope'>> = {},
  ): Promise<{ run: ReconcileRun; findings: Finding[] }> {
    const scope = { npubs: [npub], mint_url: null, shard: null, deep: false, older_than_ms: null };
    const plain = { apply: false, repair: [], wait_lock_ms: 0, fail_on: 'HIGH', fail_above_sat: 0 };
    const request = { scope, ...plain, ...more } as ReconcileRequest;
    const watch = { interrupted: new AbortController().signal, onProgress: () => {} };
    const run = await ops.reconciler.run(request, watch);
    return { run, findings: await listOf(ops.reconciler.findings.findings(run._id)) };
  }

  async function spendElsewhere(coin: StoredProof): Promise<void> {
    const thief = new Wallet(ground.mint.url);
    await thief.loadMint();
    await thief.send(coin.amount / 2, [coin as never], { includeFees: true });
  }
});

function tokenOf(ops: CashuOps, npub: string): Promise<TokenDocument | null> {
  return tokensOf(ops.store.db).findOne({ npub });
}

async function coinOf(ops: CashuOps, npub: string, amount: number): Promise<StoredProof> {
  const coin = (await tokenOf(ops, npub))?.proofs.find((proof) => proof.amount === amount);
  if (coin === undefined) throw new Error(`no coin of ${amount} sat`);
  return coin;
}
