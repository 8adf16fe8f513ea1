import { beforeAll, describe, expect, it } from 'vitest';
import { type CliGround, cliGround, expectNoLeaks } from '../support/cli_ground.ts';
import { expectRefusal, onlyDocument } from '../support/cli_refusal.ts';
import { judge, soundVerdict } from '../support/melt_ground.ts';
import { RECONCILE_ENV } from '../support/reconcile_cli.ts';

const ENV = { CASHU_OPS_ACTOR: 'ada@ops1' };

/** What a policy does to payments: judged by the mint's own books and the raw database. */
describe('a stopped melt', () => {
  let ground: CliGround;
  beforeAll(async () => {
    ground = await cliGround();
  });

  const policy = (...args: string[]) => ground.run(['policy', ...args], { env: ENV });
  const set = async (...args: string[]) => {
    const { code, stderr } = await policy('set', '--yes', ...args);
    expect([code, stderr]).toEqual([0, expect.any(String)]);
  };
  const paid = (payment_hash: string) => ground.mint.control.paymentCount(payment_hash);

  it.each([
    ['for everyone', () => ['--melts', 'off'], () => ['--melts', 'on'], /stopped for everyone/],
    [
      'for the mint',
      () => ['--stop-mint', `${ground.mint.url}/`],
      () => ['--start-mint', ground.mint.url],
      /stopped for the mint http/,
    ],
    [
      'for the wallet',
      () => ['--stop-npub', ground.npub],
      () => ['--start-npub', ground.npub],
      /stopped for this wallet/,
    ],
    ['by the rollout', () => ['--rollout', '0'], () => ['--rollout', '100'], /rolled out to 0 %/],
  ])('%s: 20, who, when and why, nothing moved; then it is paid', async (_, stop, start, says) => {
    const { invoice, payment_hash } = await ground.invoice({ amount_sat: 20 });
    const args = ['melt', invoice, ...ground.owner, '--yes'];
    await set(...stop(), '--reason', 'noon: payments get lost');
    // Somebody else changes something else: it is still said who stopped this one.
    const other = ['policy', 'set', '--stop-mint', 'https://other.test', '--reason', 'another'];
    await ground.run(other, { env: { CASHU_OPS_ACTOR: 'bob@ops2' } });
    const { error } = await expectRefusal(ground, {
      args,
      code: 'MELTS_STOPPED',
      exit: 20,
      says: [
        says,
        /set by ada@ops1 at 20\S+Z \(noon: payments get lost\)/,
        /may still be resolved/,
      ],
    });
    expect(error.next_command).toBe(
      `cashu-ops policy show --npub ${ground.npub} --mint ${ground.mint.url}`,
    );
    const shown = await ground.run(error.next_command.split(' ').slice(1));
    expect([shown.code, shown.stdout]).toEqual([20, expect.stringMatching(/may NOT melt/)]);
    expect(await paid(payment_hash)).toBe(0);
    await set(...start(), '--start-mint', 'https://other.test', '--reason', 'well again');
    expect([(await ground.run(args)).code, await paid(payment_hash)]).toEqual([0, 1]);
  });

  it('by a list: only who is on it may melt', async () => {
    const other = 'npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg';
    const { invoice, payment_hash } = await ground.invoice({ amount_sat: 21 });
    const args = ['melt', invoice, ...ground.owner, '--yes'];
    await set('--allow-npub', other, '--reason', 'a trial');
    const says = /not on the list that may melt, set by ada@ops1/;
    await expectRefusal(ground, { args, code: 'MELTS_STOPPED', exit: 20, says });
    // The list decides alone: nobody waits for the rollout who is on it.
    await set('--allow-npub', ground.npub, '--rollout', '0', '--reason', 'the next');
    expect([(await ground.run(args)).code, await paid(payment_hash)]).toEqual([0, 1]);
    await set('--allow-all', '--rollout', '100', '--reason', 'for all');
  });

  it('an open payment is resolved all the same, by melt --resume and by reconcile', async () => {
    const ids: string[] = [];
    for (const amount_sat of [30, 31]) {
      const { invoice, payment_hash } = await ground.invoice({ amount_sat });
      const hang = { outcome: 'hang', delay_ms: 600_000 } as const;
      await ground.mint.control.setPaymentBehaviour(payment_hash, hang);
      const args = ['melt', invoice, ...ground.owner, '--yes', '--json'];
      const { stdout, code } = await ground.run(args, { env: RECONCILE_ENV });
      expect(code).toBe(22);
      ids.push(onlyDocument(stdout).operation_id);
      await ground.mint.control.resolvePayment(payment_hash, 'succeed');
    }
    const everything = ['--stop-mint', ground.mint.url, '--stop-npub', ground.npub];
    await set('--melts', 'off', ...everything, '--rollout', '0', '--reason', 'storm');
    const [first = '', second = ''] = ids;
    const resumed = await ground.run(['melt', '--resume', first, '--json']);
    expect([resumed.code, onlyDocument(resumed.stdout).status]).toEqual([0, 'paid']);
    await ground.run(['reconcile', ...ground.owner, '--apply'], { env: RECONCILE_ENV });
    expect((await ground.ops.melts.find(second))?.state).toBe('paid');
    // Also where nobody can say what the policy is.
    await ground.db
      .collection<{ _id: string }>('policies')
      .updateOne({ _id: 'melt' }, { $set: { enabled: 'perhaps' } });
    expect((await ground.run(['melt', '--resume', second])).code).toBe(0);
    const verdict = await judge(ground);
    expect(verdict).toEqual(soundVerdict(verdict));
    await set('--melts', 'on', '--replace', '--reason', 'calm');
  });

  it('a stop between the question and the answer stops the payment', async () => {
    const request = await ground.request(25);
    const plan = await ground.ops.melt.plan(request);
    if ('status' in plan) throw new Error(plan.message);
    await ground.ops.policy.set({ melts: 'off', reason: 'just now' });
    const paying = ground.ops.melt.pay(plan, new AbortController().signal);
    await expect(paying).rejects.toMatchObject({
      code: 'MELTS_STOPPED',
      message: expect.stringMatching(/set by tester@test-host at .* \(just now\)/),
    });
    expect(await paid(request.invoice.payment_hash)).toBe(0);
    await ground.ops.policy.set({ back: true, reason: 'calm' });
    expect((await ground.melt(request)).status).toBe('paid');
  });

  it('the library shows, sets and lists like the command', async () => {
    const { policy } = ground.ops;
    const set = await policy.set({ stop_npubs: [ground.npub], reason: 'library' });
    expect(set).toMatchObject({ changed: true, policy: { set_by: 'tester@test-host' } });
    const view = await policy.show({ npub: ground.npub, mint_url: ground.mint.url });
    expect(view.wallet).toMatchObject({ may_melt: false, why: expect.stringMatching(/library/) });
    const { versions } = await policy.history({ limit: 1 });
    expect(versions[0]).toMatchObject({ rev: set.policy.rev, changes: set.changes });
    await policy.set({ back: true, reason: 'end' });
  });

  it('nobody learned a secret', () => expectNoLeaks(ground));
});
