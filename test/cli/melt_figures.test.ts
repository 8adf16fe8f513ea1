import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliGround, cliGround, expectNoLeaks } from '../support/cli_ground.ts';
import { expectRefusal, onlyDocument } from '../support/cli_refusal.ts';
import { HAS_PTY, startOnTerminal } from '../support/pty.ts';

/** What the command shows of a payment's cost before it pays, when coins are exchanged or taken. */
describe('the figures before a payment', () => {
  let ground: CliGround;
  beforeAll(async () => {
    ground = await cliGround({
      coins: [4096],
      ops: { swap: 'always' },
      mint: { inputFeePpk: 1000, settings: { lightning_fee_sat: 2 } },
    });
  });
  afterAll(() => expectNoLeaks(ground));

  const ALWAYS = { CASHU_OPS_SWAP: 'always' };

  const holdAll = async () => {
    const free = (await ground.tokens()).filter(({ status }) => status === 'unspent');
    const ys = free.flatMap(({ proofs }) => proofs.map(({ Y }) => Y ?? ''));
    await ground.mint.control.setState(ys, 'PENDING');
    return () => ground.mint.control.setState(ys, 'UNSPENT');
  };

  it('hold both fees of an exchange: in a dry run, in its document, and in what is left', async () => {
    const { invoice } = await ground.invoice({ amount_sat: 100 });
    const melt = ['melt', invoice, ...ground.owner];
    const human = await ground.run([...melt, '--dry-run'], { env: ALWAYS });
    expect(human.code).toBe(0);
    for (const line of [
      /^input fee +5 sat {2}with the exchange of coins before$/m,
      /^at most +107 sat$/m,
      /^stays +3,989 sat {2}at least$/m,
    ]) {
      expect(human.stdout).toMatch(line);
    }
    const machine = await ground.run([...melt, '--dry-run', '--json'], { env: ALWAYS });
    const figures = { input_fee: 5, keep_amount: 3989 };
    expect(onlyDocument(machine.stdout)).toMatchObject({ status: 'dry_run', ...figures });
    const paid = await ground.run([...melt, '--yes', '--json'], { env: ALWAYS });
    expect(onlyDocument(paid.stdout)).toMatchObject({ status: 'paid', ...figures });
    const spendable = await ground.ops.wallets.calculateBalance(ground.npub, ground.mint.url);
    expect(spendable).toBe(3989);
  });

  it('say where a fraction of a sat was rounded up', async () => {
    const { invoice } = await ground.invoice({ amount_msat: 1_500 });
    const { stdout } = await ground.run(['melt', invoice, ...ground.owner, '--dry-run']);
    expect(stdout).toMatch(/^amount +2 sat {2}rounded up from a fraction of a sat$/m);
  });

  it('a dry run whose coins the mint holds for another payment is refused', async () => {
    const { invoice } = await ground.invoice({ amount_sat: 100 });
    const release = await holdAll();
    await expectRefusal(ground, {
      args: ['melt', invoice, ...ground.owner, '--dry-run'],
      code: 'INSUFFICIENT_FUNDS',
      exit: 21,
      says: [
        /holds or has taken \d+ coins worth [\d,]+ sat/,
        /nothing was changed; try again when/,
      ],
      next: /^cashu-ops balance --npub \S+ --verify$/,
    });
    await release();
  });

  it.skipIf(!HAS_PTY)('who agreed to a sum does not pay more: other coins are dearer', async () => {
    const { invoice, payment_hash } = await ground.invoice({ amount_sat: 100 });
    const terminal = startOnTerminal(['melt', invoice, ...ground.owner], {
      ...ground.env,
      CASHU_OPS_SWAP: 'never',
    });
    await terminal.shows(/Pay 100 sat\?/);
    const shown = Number(/^input fee +(\d+) sat$/m.exec(terminal.text())?.[1]);
    const release = await holdAll();
    await ground.addCoins(...Array.from({ length: 100 }, () => 2));
    await ground.addCoins(...Array.from({ length: 100 }, () => 2));
    terminal.type('y');
    expect(await terminal.ended).toBe(24);
    ground.heard(terminal.raw());
    await release();
    expect(shown).toBeLessThan(10);
    expect(terminal.text().replaceAll(/\s+/g, ' ')).toMatch(
      /TOKENS_NOT_AVAILABLE\] .* sat of input fees, more than the \d sat that were agreed to\. Nothing was paid/,
    );
    expect(await ground.mint.control.paymentCount(payment_hash)).toBe(0);
  });
});
