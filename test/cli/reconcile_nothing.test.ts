import { beforeAll, describe, expect, it } from 'vitest';
import { createPracticeWallet } from '../../src/practice/practice_ground.ts';
import { type CliGround, expectNoLeaks } from '../support/cli_ground.ts';
import { expectRefusal, onlyDocument } from '../support/cli_refusal.ts';
import { reconcileCliGround } from '../support/reconcile_cli.ts';

const NOBODY = 'npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg';

describe('reconcile, when there is nothing to tell', () => {
  let ground: CliGround;
  beforeAll(async () => {
    ground = await reconcileCliGround();
  });

  it('an empty wallet: 0, and it says so', async () => {
    const { code, stdout, stderr } = await ground.run(['reconcile', ...ground.owner]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^findings {4}none$/m);
    expect(stderr).toMatch(/^Nothing to check: /m);
    const machine = await ground.run(['reconcile', ...ground.owner, '--json']);
    expect(onlyDocument(machine.stdout)).toMatchObject({
      ok: true,
      wallets_checked: 1,
      proofs_checked: 0,
      findings: [],
      operations: [],
      verdicts: [],
      next_command: null,
    });
  });

  it('a clean wallet: 0, nothing differs; --only-new is silent on both streams', async () => {
    await ground.addCoins(8, 4, 2);
    const { code, stderr } = await ground.run(['reconcile', ...ground.owner]);
    expect([code, stderr]).toEqual([0, '- comparing with the mints\nNothing differs.\n']);
    const cron = await ground.run(['reconcile', ...ground.owner, '--only-new']);
    expect([cron.code, cron.stdout, cron.stderr]).toEqual([0, '', '']);
  });

  it('shards: together each wallet once, and one without wallets says so', async () => {
    for (let more = 0; more < 4; more += 1) {
      await createPracticeWallet(ground.ops.wallets, ground.mint.url);
    }
    let checked = 0;
    for (let index = 0; index < 3; index += 1) {
      const { stdout, code } = await ground.run([
        'reconcile',
        '--all',
        '--shard',
        `${index}/3`,
        '--json',
      ]);
      expect(code).toBe(0);
      const { wallets_checked, scope } = onlyDocument(stdout);
      expect(scope.shard).toEqual({ index, count: 3 });
      checked += wallets_checked;
    }
    expect(checked).toBe(5);
  });

  it('an owner whom nobody knows, and a mint where nobody has a wallet', async () => {
    await expectRefusal(ground, {
      args: ['reconcile', '--npub', NOBODY],
      code: 'WALLET_NOT_FOUND',
      exit: 21,
      says: new RegExp(`no wallet of ${NOBODY}, so nothing was checked`),
      next: /^cashu-ops balance --all$/,
    });
    await expectRefusal(ground, {
      args: ['reconcile', ...ground.owner, '--mint', 'https://mint.example'],
      code: 'WALLET_NOT_FOUND',
      exit: 21,
      says: [/no wallet at https:\/\/mint\.example/, new RegExp(ground.mint.url)],
      next: /^cashu-ops balance --all$/,
    });
  });

  it('a mint that is down: 25, and nothing is said that is not known', async () => {
    ground.mint.suspend();
    const env = { CASHU_OPS_REQUEST_TIMEOUT: '200ms' };
    const human = await ground.run(['reconcile', ...ground.owner], { env });
    const machine = await ground.run(['reconcile', ...ground.owner, '--json'], { env });
    ground.mint.resume();
    expect([human.code, machine.code]).toEqual([25, 25]);
    expect(human.stdout).toMatch(/^findings {4}none that is known$/m);
    expect(human.stdout).toMatch(/^mint {8}✗ no answer: \S+, \d+ round trips?, 3 coins unknown: /m);
    expect(human.stderr).toMatch(/^Not everything is known: the mint said nothing of 3 coins\.$/m);
    const told = onlyDocument(machine.stdout);
    expect(told).toMatchObject({
      ok: false,
      partial: true,
      proofs_unknown: 3,
      findings: [],
      mints: [{ reachable: false, error: expect.any(String) }],
      next_command: `cashu-ops doctor --mint ${ground.mint.url}`,
    });
  });

  it('nobody learned a secret', () => expectNoLeaks(ground));
});
