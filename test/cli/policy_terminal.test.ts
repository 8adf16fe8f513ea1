import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CliGround, cliGround, expectNoLeaks } from '../support/cli_ground.ts';
import { HAS_PTY, KEYS, startOnTerminal, type Terminal } from '../support/pty.ts';

/** A person at a terminal: asked before more melts run, and never before an emergency stop. */
describe.skipIf(!HAS_PTY)('policy at a terminal', () => {
  let ground: CliGround;
  beforeAll(async () => {
    ground = await cliGround({ coins: [64, 32] });
  });
  const documents = () => ground.db.collection<{ _id: string; enabled?: boolean }>('policies');
  beforeEach(() => documents().deleteMany({ _id: /^melt/ }));

  const start = (args: string[], columns = 100): Terminal => {
    const terminal = startOnTerminal(['policy', ...args], ground.env, columns);
    void terminal.ended.then(() => ground.heard(args.join('\n'), terminal.raw()));
    return terminal;
  };
  const isOn = async () => (await documents().findOne({ _id: 'melt' }))?.enabled ?? true;
  const stop = () => ground.ops.policy.set({ melts: 'off', rollout_percent: 30, reason: 'storm' });
  const on = ['set', '--melts', 'on', '--rollout', '100', '--reason', 'calm'];

  it('an emergency stop is done at once, without a question', async () => {
    const terminal = start(['set', '--melts', 'off', '--reason', 'storm']);
    expect(await terminal.ended).toBe(0);
    expect(terminal.text()).not.toMatch(/\?/);
    expect(terminal.raw()).toContain('\u001b[31mSTOPPED\u001b[39m');
    expect(await isOn()).toBe(false);
  });

  it('letting melts run shows before → after and asks; "y" does it', async () => {
    await stop();
    const terminal = start(on);
    await terminal.shows(/Let more melts run like this\?/);
    expect(terminal.text()).toMatch(/^changed {5}melts: off → on\n {12}rollout: 30 % → 100 %$/m);
    expect(terminal.text()).toMatch(/^wallets {5}0 → 1 of 1 may melt$/m);
    expect(await isOn()).toBe(false);
    terminal.type('y');
    expect(await terminal.ended).toBe(0);
    expect(terminal.text()).toMatch(/^melts run for everyone$/m);
    expect(await isOn()).toBe(true);
  });

  it('does not ask for more melts where a change lets nobody more run', async () => {
    await stop();
    const terminal = start(['set', '--rollout', '100', '--reason', 'next step']);
    await terminal.shows(
      /No more wallets may melt now than before\. Change the policy like this\?/,
    );
    terminal.type('y');
    expect(await terminal.ended).toBe(0);
    expect(await isOn()).toBe(false);
  });

  it.each([
    ['n', 'n'],
    ['Enter, because No is preselected', KEYS.enter],
    ['Ctrl-C', KEYS.ctrlC],
    ['Escape', '\u001b'],
  ])('%s changes nothing', async (_, keys) => {
    await stop();
    const before = await ground.standing();
    const terminal = start(on);
    await terminal.shows(/Let more melts run like this\?/);
    terminal.type(keys);
    expect(await terminal.ended).toBe(130);
    expect(terminal.text()).toMatch(/error \[INTERRUPTED\]/);
    expect(await ground.standing()).toEqual(before);
  });

  it('what changed while the person thought is not overwritten', async () => {
    await stop();
    const terminal = start(on);
    await terminal.shows(/Let more melts run like this\?/);
    await ground.ops.policy.set({ stop_npubs: [ground.npub], reason: 'stolen phone' });
    terminal.type('y');
    expect(await terminal.ended).toBe(24);
    const text = terminal.text().replaceAll('\n', ' ');
    expect(text).toMatch(/error \[POLICY_CHANGED\] Nothing was changed: .* by tester@test-host at/);
    expect(text).toMatch(/\(stolen phone\).*next: cashu-ops policy show/);
    expect(await isOn()).toBe(false);
  });

  it('--yes asks nobody, --no-input neither', async () => {
    await stop();
    const refused = start([...on, '--no-input']);
    expect(await refused.ended).toBe(2);
    const done = start([...on, '--yes']);
    expect(await done.ended).toBe(0);
    expect(done.text()).not.toMatch(/\?/);
  });

  it('show stays within a narrow terminal, and obeys no order in a reason', async () => {
    const reason = `${'many words about it '.repeat(10)}\u001b[2J\u202eend`;
    const document = { _id: 'melt', enabled: false, reason, set_by: '\u001b]0;owned\u0007' };
    await documents().insertOne(document);
    const terminal = start(['show', ...ground.owner], 60);
    expect(await terminal.ended).toBe(20);
    for (const raw of ['\u001b[2J', '\u001b]0;', '\u0007', '\u202e']) {
      expect(terminal.raw()).not.toContain(raw);
    }
    const tooLong = terminal
      .text()
      .split('\n')
      .filter((line) => line.length > 60 && line.trim().includes(' '));
    expect(tooLong.filter((line) => !line.includes('npub1'))).toEqual([]);
  });

  it('nobody learned a secret', () => expectNoLeaks(ground));
});
