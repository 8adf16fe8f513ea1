import { describe, expect, it } from 'vitest';
import type { AuditEvent } from '../../src/domain/audit_event.ts';
import type { FaultRule } from '../../src/practice/mint/client.ts';
import { openPracticeWallet } from '../../src/practice/mint/practice_wallet.ts';
import { AUDIT_LOG } from '../../src/store/collections.ts';
import { expectSettledBooks } from '../support/melt_books.ts';
import { onlyOperation } from '../support/melt_cli.ts';
import {
  codeOf,
  judge,
  type MeltGround,
  meltGround,
  soundVerdict,
} from '../support/melt_ground.ts';

/** Change and proof of payment when the mint answers wrongly: booked only when it is certain. */

const always = (endpoint: FaultRule['endpoint'], action: FaultRule['action']): FaultRule => ({
  endpoint,
  phase: 'after',
  times: 0,
  action,
});

interface Lie {
  title: string;
  action: FaultRule['action'];
}

/** Longer than a mint that fails to restore is asked patiently. */
const QUIET_MS = 6_000;
const NO_RESTORE = always('restore', { type: 'status', status: 500 });

/** One coin of 1024 pays 300: reserve 3, input fee 1, so 720 to 723 come back. */
async function lyingMint(...faults: FaultRule[]) {
  const ground = await meltGround({ coins: [1024], ops: { quiet_period_ms: QUIET_MS } });
  const request = await ground.request(300);
  const { payment_hash } = request.invoice;
  await ground.mint.control.setPaymentBehaviour(payment_hash, { outcome: 'succeed', fee_sat: 3 });
  await ground.mint.control.setFaults(faults);
  return { ground, request, payment_hash };
}

const resume = async (ground: MeltGround) =>
  ground.ops.melt.resume((await onlyOperation(ground))._id);

/** Coins that are given to the mint stay locked, and nothing is said to be change or fee. */
async function expectOpen(ground: MeltGround): Promise<void> {
  const operation = await onlyOperation(ground);
  expect(['submitting', 'pending', 'needs_attention']).toContain(operation.state);
  expect(operation).not.toHaveProperty('lightning_fee');
  const tokens = await ground.tokens();
  expect(tokens.map((t) => [t.status, t.reserved_by, t.total_amount])).toEqual([
    ['pending', operation._id, 1024],
  ]);
}

const events = ({ ops }: MeltGround, type: AuditEvent['type']) =>
  ops.store.db.collection<AuditEvent>(AUDIT_LOG).find({ type }).toArray();

describe('change that the answer lacks', () => {
  it.each([
    { title: 'is left out', action: { type: 'change_missing' } },
    { title: 'is short by its first coin', action: { type: 'omit', fields: ['change.0'] } },
    { title: 'is short by its last coin', action: { type: 'omit', fields: ['change.3'] } },
    { title: 'comes without proofs', action: { type: 'change_without_dleq' } },
    { title: 'comes in another order', action: { type: 'change_shuffled' } },
    { title: 'has a signature of zero too many', action: { type: 'change_zero_signature' } },
  ] satisfies Lie[])('$title: restored by its blank outputs', async ({ action }) => {
    const everywhere = [always('melt', action), always('quote', action)];
    const { ground, request, payment_hash } = await lyingMint(...everywhere);
    const outcome = await ground.melt(request);
    expect(outcome).toMatchObject({
      status: 'paid',
      operation: { lightning_fee: 3, change_amount: 720 },
    });
    await expectSettledBooks(ground, [payment_hash]);
  });

  it('comes in another order and without proofs: no signature is taken for its place', async () => {
    const lies = [{ type: 'change_shuffled' }, { type: 'change_without_dleq' }] as const;
    const { ground, request } = await lyingMint(...lies.map((lie) => always('melt', lie)));
    expect((await ground.melt(request)).status).toBe('paid');
    // A signature on the wrong blank makes a coin that looks right and that no mint takes.
    const live = (await ground.tokens()).filter((token) => token.status === 'unspent');
    const change = live.flatMap(({ proofs }) => proofs);
    const purse = await openPracticeWallet(ground.mint.url);
    const bare = change.map(({ id, amount, secret, C }) => ({ id, amount, secret, C }));
    const fresh = await purse.receive(bare);
    expect(fresh.reduce((sum, { amount }) => sum + amount.toNumber(), 0)).toBe(720 - 1);
  });

  it('is signed with another keyset: taken all the same', async () => {
    const action = { type: 'change_foreign_keyset' } as const;
    const rule = { ...always('melt', action), phase: 'before' } as const;
    const { ground, request, payment_hash } = await lyingMint(rule);
    const outcome = await ground.melt(request);
    if (outcome.status !== 'paid') await resume(ground);
    await expectSettledBooks(ground, [payment_hash]);
  });

  it('short everywhere: not booked as fee; recovered when the mint tells', async () => {
    const short: FaultRule['action'] = { type: 'omit', fields: ['change.0'] };
    const everywhere = [always('melt', short), always('quote', short), NO_RESTORE];
    const { ground, request, payment_hash } = await lyingMint(...everywhere);
    expect(await codeOf(ground.melt(request))).toBe('BOOKS_DO_NOT_CLOSE');
    await expectOpen(ground);
    expect(await codeOf(resume(ground))).toBe('BOOKS_DO_NOT_CLOSE');
    await expectOpen(ground);
    const [told] = await events(ground, 'melt_needs_attention');
    expect(told).toMatchObject({ severity: 'CRITICAL' });
    expect(told?.note).toContain('of change are missing');

    await ground.mint.control.clearFaults();
    expect((await resume(ground)).status).toBe('paid');
    await expectSettledBooks(ground, [payment_hash]);
  });

  it('missing everywhere: waited for first, and a person is called after the quiet period', async () => {
    const missing = { type: 'change_missing' } as const;
    const everywhere = [always('melt', missing), always('quote', missing), NO_RESTORE];
    const { ground, request, payment_hash } = await lyingMint(...everywhere);
    const outcome = await ground.melt(request);
    expect(outcome.status).toBe('pending');
    expect(outcome.message).not.toContain('missing');
    await expectOpen(ground);
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS + 100));
    expect(await codeOf(resume(ground))).toBe('BOOKS_DO_NOT_CLOSE');
    await expectOpen(ground);
    const [told] = await events(ground, 'melt_needs_attention');
    expect(told).toMatchObject({ severity: 'CRITICAL' });
    expect(told?.note).toContain('does not say what change it gave');
    expect(await codeOf(resume(ground))).toBe('BOOKS_DO_NOT_CLOSE');

    await ground.mint.control.clearFaults();
    expect((await resume(ground)).status).toBe('paid');
    await expectSettledBooks(ground, [payment_hash]);
  });

  it('is found in the quote where the mint restores nothing', async () => {
    const missing = always('melt', { type: 'change_missing' });
    const { ground, request, payment_hash } = await lyingMint(missing, NO_RESTORE);
    expect((await ground.melt(request)).status).toBe('paid');
    await expectSettledBooks(ground, [payment_hash]);
  });

  it('is found in the quote later, although the kept reply lacks it', async () => {
    const lie = { type: 'change_missing' } as const;
    const everywhere = [always('melt', lie), always('quote', lie), NO_RESTORE];
    const { ground, request, payment_hash } = await lyingMint(...everywhere);
    expect((await ground.melt(request)).status).toBe('pending');
    await ground.mint.control.setFaults([NO_RESTORE]);
    expect((await resume(ground)).status).toBe('paid');
    await expectSettledBooks(ground, [payment_hash]);
  });

  it('is more than can be: a fee above the reserve is never booked', async () => {
    const action = { type: 'fee_above_reserve', extra_sat: 5 } as const;
    const rule = { ...always('melt', action), phase: 'before' } as const;
    const { ground, request } = await lyingMint(rule);
    expect(await codeOf(ground.melt(request))).toBe('BOOKS_DO_NOT_CLOSE');
    expect(await codeOf(resume(ground))).toBe('BOOKS_DO_NOT_CLOSE');
    await expectOpen(ground);
    expect((await onlyOperation(ground)).state).toBe('needs_attention');
  });
});

describe('the proof of payment', () => {
  it.each(['wrong', 'missing'] as const)('%s: settled all the same, HIGH', async (preimage) => {
    const { ground, request, payment_hash } = await lyingMint();
    const payment = { outcome: 'succeed', preimage } as const;
    await ground.mint.control.setPaymentBehaviour(payment_hash, payment);
    const outcome = await ground.melt(request);
    expect(outcome).toMatchObject({ status: 'paid', severity: 'HIGH' });
    expect(outcome.message).toMatch(/preimage/);
    expect(outcome.operation).toMatchObject({ state: 'paid', preimage_valid: false });
    const [paid] = await events(ground, 'melt_paid');
    expect(paid).toMatchObject({ severity: 'HIGH', compliance_level: 'HIGH' });
    await expectSettledBooks(ground, [payment_hash]);
  });

  it('right: no finding', async () => {
    const { ground, request } = await lyingMint();
    const outcome = await ground.melt(request);
    expect(outcome).toMatchObject({ status: 'paid', severity: null });
    expect(outcome.operation).toMatchObject({ preimage_valid: true });
    expect((await events(ground, 'melt_paid'))[0]).toMatchObject({ severity: 'INFO' });
  });

  it('lost with the quote: settled from the spent coins, HIGH', async () => {
    const gone = { type: 'status', status: 400 } as const;
    const notFound = { ...gone, body: { detail: 'quote not found', code: 50000 } };
    const { ground, request, payment_hash } = await lyingMint(
      always('melt', { type: 'drop' }),
      always('melt_quote_state', notFound),
    );
    const outcome = await ground.melt(request);
    expect(outcome).toMatchObject({ status: 'paid', severity: 'HIGH' });
    expect(outcome.operation).toMatchObject({ preimage: null, change_amount: 720 });
    await expectSettledBooks(ground, [payment_hash]);
  });
});

describe('a mint that contradicts itself', () => {
  it('PAID with unspent coins: never released, a person is called, settled when it agrees', async () => {
    const unspent = always('checkstate', { type: 'checkstate_all_unspent' });
    const { ground, request, payment_hash } = await lyingMint(unspent);
    const payment = { outcome: 'succeed', fee_sat: 3, preimage: 'missing' } as const;
    await ground.mint.control.setPaymentBehaviour(payment_hash, payment);
    expect((await ground.melt(request)).status).toBe('pending');
    await expectOpen(ground);
    expect((await resume(ground)).status).toBe('pending');
    expect((await resume(ground)).status).toBe('critical');
    await expectOpen(ground);
    expect((await onlyOperation(ground)).state).toBe('needs_attention');
    await ground.mint.control.clearFaults();
    expect((await resume(ground)).status).toBe('paid');
    await expectSettledBooks(ground, [payment_hash]);
  });

  it('UNPAID with spent coins: never released, never booked', async () => {
    const { ground, request } = await lyingMint(
      always('melt', { type: 'drop' }),
      always('melt_quote_state', {
        type: 'set',
        fields: { state: 'UNPAID', payment_preimage: null, change: null },
      }),
    );
    expect((await ground.melt(request)).status).toBe('pending');
    expect((await resume(ground)).status).toBe('critical');
    await expectOpen(ground);
  });

  it('UNPAID with a proof of payment: waited for, then settled', async () => {
    const { ground, request, payment_hash } = await lyingMint(
      always('melt', { type: 'drop' }),
      always('melt_quote_state', { type: 'set', fields: { state: 'UNPAID' } }),
    );
    expect((await ground.melt(request)).status).toBe('pending');
    await expectOpen(ground);
    await ground.mint.control.clearFaults();
    expect((await resume(ground)).status).toBe('paid');
    await expectSettledBooks(ground, [payment_hash]);
  });
});

describe('a payment that arrives after its release', () => {
  /** The request reaches the mint only after everything spoke for "it never will". */
  async function releasedThenPaid() {
    const time = { ahead_ms: 0 };
    const clock = () => new Date(Date.now() + time.ahead_ms);
    const ground = await meltGround({ coins: [1024], ops: { clock, melt_timeout_ms: 300 } });
    const request = await ground.request(300);
    const late: FaultRule = {
      endpoint: 'melt',
      phase: 'before',
      action: { type: 'delay', ms: 2_500 },
    };
    await ground.mint.control.setFaults([late]);
    expect((await ground.melt(request)).status).toBe('pending');
    time.ahead_ms = 601_000;
    expect((await resume(ground)).status).toBe('failed');
    const { payment_hash } = request.invoice;
    await expect
      .poll(() => ground.mint.control.paymentCount(payment_hash), { timeout: 10_000 })
      .toBe(1);
    return { ground, payment_hash };
  }

  it('is booked with its change by --resume of the failed operation', async () => {
    const { ground, payment_hash } = await releasedThenPaid();
    expect((await resume(ground)).status).toBe('paid');
    await expectSettledBooks(ground, [payment_hash]);
  });

  it('is booked with its change even after a check has marked the coins spent', async () => {
    const { ground, payment_hash } = await releasedThenPaid();
    const { npub, mint_url } = ground.wallet;
    const { reconciliation } = ground.ops;
    const { discrepancies } = await reconciliation.checkWallet(npub, mint_url);
    expect(discrepancies.map(({ type }) => type)).toEqual(['DB_UNSPENT_MINT_SPENT']);
    await reconciliation.reconcileProofStates(npub, discrepancies);
    expect((await ground.tokens()).map(({ status }) => status)).toEqual(['spent']);
    expect((await resume(ground)).status).toBe('paid');
    const verdict = await judge(ground);
    expect(verdict).toEqual(soundVerdict(verdict));
    expect(verdict.live_sat).toBe(722);
    await expectSettledBooks(ground, [payment_hash]);
  });
});
