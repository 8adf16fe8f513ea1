import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { TokenDocument } from '../../src/store/documents.ts';
import { type CliGround, cliGround, expectNoLeaks } from '../support/cli_ground.ts';
import { expectRefusal, refusedBoth } from '../support/cli_refusal.ts';
import { judge } from '../support/melt_ground.ts';

/** What stops a payment although nothing is wrong with it: the kill switch and findings. */
describe('a payment that is stopped', () => {
  let ground: CliGround;
  let melt: string[];
  beforeAll(async () => {
    ground = await cliGround({ coins: [256, 128, 64, 32, 16] });
    const { invoice } = await ground.invoice({ amount_sat: 20 });
    melt = ['melt', invoice, ...ground.owner, '--yes'];
  });

  describe('by the kill switch', () => {
    const policies = () => ground.db.collection<{ _id: string }>('policies');
    afterEach(() => policies().deleteMany({}));
    const set_at = new Date('2026-03-04T05:06:07.000Z');
    const set_by = 'ada@ops1';

    it('for everyone: who set it, when and why', async () => {
      const reason = 'mint under \u001b[31mmaintenance';
      await policies().insertOne({ _id: 'melt', enabled: false, reason, set_by, set_at } as never);
      await expectRefusal(ground, {
        args: melt,
        code: 'MELTS_STOPPED',
        exit: 20,
        says: [
          /Nothing was paid: melts are stopped for everyone/,
          /set by ada@ops1 at 2026-03-04T05:06:07\.000Z/,
          /\(mint under \\x1b\[31mmaintenance\)/,
        ],
      });
    });

    it.each([
      ['for the mint', () => ({ stopped_mints: [ground.mint.url] }), /stopped for the mint http/],
      ['for the wallet', () => ({ stopped_npubs: [ground.npub] }), /stopped for this wallet/],
      ['by the list', () => ({ allowed_npubs: [] }), /not on the list/],
      ['by the rollout', () => ({ rollout_percent: 0 }), /rolled out to 0 %/],
      ['by what nobody understands', () => ({ enabled: 'perhaps' }), /cannot be read/],
    ])('%s', async (_, policy, says) => {
      const document = { _id: 'melt', set_by, set_at, ...policy() };
      await policies().insertOne(document as never);
      await expectRefusal(ground, { args: melt, code: 'MELTS_STOPPED', exit: 20, says });
    });
  });

  describe('by a coin that the mint calls spent', () => {
    const tokenWith = async (amount: number) => {
      const tokens = await ground.tokens();
      const found = tokens.find(
        (t) => t.status === 'unspent' && t.proofs.some((p) => p.amount === amount),
      );
      if (found === undefined) throw new Error(`no unspent coin of ${amount} sat`);
      return found;
    };
    const nameOf = (token: TokenDocument, amount: number) =>
      token.proofs.find((proof) => proof.amount === amount)?.Y ?? '';

    it('a dry run says so and changes nothing', async () => {
      const { invoice } = await ground.invoice({ amount_sat: 480 });
      const before = await tokenWith(256);
      await ground.mint.control.setState([nameOf(before, 256)], 'SPENT');
      await expectRefusal(ground, {
        args: ['melt', invoice, ...ground.owner, '--dry-run'],
        code: 'PROOF_STATE_INCONSISTENCY',
        shownCode: 'HIGH_SEVERITY_DISCREPANCIES',
        exit: 20,
        says: [/would be blocked/, /Nothing was changed/],
      });
    });

    it('a payment is blocked, and the database corrected: that one coin, and no other', async () => {
      const { invoice, payment_hash } = await ground.invoice({ amount_sat: 480 });
      const args = ['melt', invoice, ...ground.owner, '--yes', '--json'];
      const { code, stdout } = await ground.run(args);
      expect(code).toBe(20);
      const { error } = JSON.parse(stdout);
      expect(error).toMatchObject({
        code: 'PROOF_STATE_INCONSISTENCY',
        severity: 'HIGH',
        operation_blocked: true,
        requires_manual_intervention: false,
        next_command: `cashu-ops balance --npub ${ground.npub} --verify`,
      });
      expect(error.message).toMatch(/1 coin worth 256 sat .*corrected,? and nothing was paid/);
      expect(await ground.mint.control.paymentCount(payment_hash)).toBe(0);
      expect(await ground.db.collection('melt_operations').countDocuments()).toBe(0);
      const [wallet] = (await ground.run(['balance', ...ground.owner, '--json'])).json().wallets;
      expect(wallet).toMatchObject({ spendable: 240, reserved: 0, spent: 256 });
      expect(await judge(ground)).toMatchObject({
        live_sat: 240,
        live_but_spent: [],
        live_twice: [],
      });
    });

    it('on a terminal without --json: the code, the sentence and the next command', async () => {
      const { invoice } = await ground.invoice({ amount_sat: 220 });
      const token = await tokenWith(128);
      await ground.mint.control.setState([nameOf(token, 128)], 'SPENT');
      const { code, stdout, stderr } = await ground.run([
        'melt',
        invoice,
        ...ground.owner,
        '--yes',
      ]);
      expect([code, stdout]).toEqual([20, '']);
      expect(stderr).toMatch(/^error \[HIGH_SEVERITY_DISCREPANCIES\] 1 coin worth 128 sat/m);
      expect(stderr).toMatch(/^what now: The database is corrected/m);
      expect(stderr).toContain(`next: cashu-ops balance --npub ${ground.npub} --verify\n`);
    });

    it('what is left then can be paid with', async () => {
      const { invoice, payment_hash } = await ground.invoice({ amount_sat: 100 });
      const { code } = await ground.run(['melt', invoice, ...ground.owner, '--yes']);
      expect(code).toBe(0);
      expect(await ground.mint.control.paymentCount(payment_hash)).toBe(1);
    });

    it('afterwards it is too little, and says so', async () => {
      const { invoice } = await ground.invoice({ amount_sat: 100 });
      const args = ['melt', invoice, ...ground.owner, '--yes'];
      await refusedBoth(ground, { args, code: 'INSUFFICIENT_FUNDS', exit: 21, says: /missing/ });
    });
  });

  it('nobody learned a secret', () => expectNoLeaks(ground));
});
