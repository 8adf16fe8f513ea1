import { randomBytes } from 'node:crypto';
import { bech32 } from '@scure/base';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CliGround, cliGround, expectNoLeaks } from '../support/cli_ground.ts';
import { ESCAPES, expectRefusal, onlyDocument } from '../support/cli_refusal.ts';

const IMPATIENT = { CASHU_OPS_MELT_TIMEOUT: '1s' };

/** After an outage: payments that ended in every way, and what one command says of all of them. */
describe('melt --resume-all', () => {
  let ground: CliGround;
  const hashes: string[] = [];

  beforeAll(async () => {
    ground = await cliGround({ coins: [] });
    for (const amount_sat of [1000, 500, 250]) {
      await ground.addCoins(1024, 16, 8, 4, 2, 1, 1);
      const { invoice, payment_hash } = await ground.invoice({ amount_sat });
      const hang = { outcome: 'hang', delay_ms: 120_000 } as const;
      await ground.mint.control.setPaymentBehaviour(payment_hash, hang);
      const { code } = await ground.run(['melt', invoice, ...ground.owner, '--yes'], {
        env: IMPATIENT,
      });
      expect(code).toBe(22);
      hashes.push(payment_hash);
    }
  });

  const resumed = (...args: string[]) => ground.run(['melt', '--resume-all', ...args]);

  it.each([
    [['lnbc1'], /only --npub, --mint and --json/],
    [['--resume', 'x'], /only --npub, --mint and --json/],
    [['--wait', '1m'], /only --npub, --mint and --json/],
    [['--dry-run'], /only --npub, --mint and --json/],
    [['--max-fee', '5'], /only --npub, --mint and --json/],
  ])('goes with nothing that is about one payment: %j', async (more, says) => {
    const args = ['melt', '--resume-all', ...more];
    await expectRefusal(ground, { args, code: 'INVALID_ARGUMENT', exit: 2, says });
  });

  it.each([
    ['--npub', 'npub1nobody', 'INVALID_NPUB', /npub/],
    ['--mint', 'ftp://mint', 'INVALID_MINT_URL', /http/],
  ])('refuses a wrong %s', async (flag, value, code, says) => {
    const args = ['melt', '--resume-all', flag, value];
    await expectRefusal(ground, { args, code, exit: 2, says });
  });

  it('says of each payment that is under way that it is, and how to look again', async () => {
    const { code, stdout, stderr } = await resumed();
    expect(code).toBe(22);
    expect(stdout.match(/│ pending /g)).toHaveLength(3);
    expect(stdout.match(/^ {2}what +Not known yet: /gm)).toHaveLength(3);
    expect(stdout).not.toMatch(ESCAPES);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
    expect(stderr).toMatch(
      /3 pending\. Read: the database, and the rescue journal .* \(3 operations\)/,
    );
    expect(stderr).toContain('next: cashu-ops melt --resume-all\n');
  });

  it('leaves out what is of others, and at other mints', async () => {
    const nobody = bech32.encode('npub', bech32.toWords(randomBytes(32)));
    for (const args of [
      ['--mint', 'https://elsewhere.example'],
      ['--npub', nobody],
    ]) {
      const { code, stdout, stderr } = await resumed(...args);
      expect([code, stdout]).toEqual([0, '']);
      expect(stderr).toContain('No payment is open.');
    }
  });

  it('settles one, frees another, waits for the third: one document, exit 22', async () => {
    const [paid = '', failed = ''] = hashes;
    await ground.mint.control.resolvePayment(paid, 'succeed');
    await ground.mint.control.resolvePayment(failed, 'fail');
    const { code, stdout } = await ground.run(['melt', '--resume-all', '--json'], {
      env: { CASHU_OPS_QUIET_PERIOD: '1s' },
    });
    expect(code).toBe(22);
    const document = onlyDocument(stdout);
    expect(document).toMatchObject({
      schema: 'cashu-ops/melt-resume-all@1',
      ok: false,
      brought_back: 0,
      counts: { paid: 1, critical: 0, unknown: 0 },
      errors: [],
      next_command: 'cashu-ops melt --resume-all',
    });
    expect(document.operations).toHaveLength(3);
    expect(document.operations[0].status).toBe('pending');
    expect(await ground.mint.control.paymentCount(paid)).toBe(1);
  });

  it('does not say what it does not know while the mint is away', async () => {
    ground.mint.suspend();
    const { code, stdout } = await ground.run(['melt', '--resume-all', '--json'], {
      env: { CASHU_OPS_REQUEST_TIMEOUT: '1s' },
    });
    ground.mint.resume();
    expect([22, 25]).toContain(code);
    const { counts } = onlyDocument(stdout);
    expect([counts.paid, counts.failed, counts.critical]).toEqual([0, 0, 0]);
  });

  it('ends with 0 when nothing is open any more', async () => {
    const [, , last = ''] = hashes;
    await ground.mint.control.resolvePayment(last, 'succeed');
    const env = { CASHU_OPS_QUIET_PERIOD: '1s' };
    const codes: (number | null)[] = [];
    await expect
      .poll(
        async () => {
          codes.push((await ground.run(['melt', '--resume-all'], { env })).code);
          return codes.at(-1);
        },
        { timeout: 60_000, interval: 1_100 },
      )
      .toBe(0);
    const { code, stdout, stderr } = await resumed();
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toContain('No payment is open.');
    expect(await ground.mint.control.payments()).toEqual({
      [hashes[0] ?? '']: 1,
      [last]: 1,
    });
  });

  it('never shows a secret', () => expectNoLeaks(ground));
});
