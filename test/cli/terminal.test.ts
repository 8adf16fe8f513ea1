import { beforeAll, describe, expect, it } from 'vitest';
import { type CliGround, cliGround, expectNoLeaks } from '../support/cli_ground.ts';
import { judge, soundVerdict } from '../support/melt_ground.ts';
import { HAS_PTY, KEYS, startOnTerminal, type Terminal } from '../support/pty.ts';

/** A person at a terminal: what is shown before money moves, and what each answer does. */
describe.skipIf(!HAS_PTY)('at a terminal', () => {
  let ground: CliGround;
  beforeAll(async () => {
    ground = await cliGround();
  });

  const ask = async (amount_sat: number, more: { description?: string; columns?: number } = {}) => {
    const { description = 'two coffees', columns = 100 } = more;
    const { invoice, payment_hash } = await ground.invoice({ amount_sat, description });
    const terminal = start(['melt', invoice, ...ground.owner], columns);
    return { terminal, payment_hash };
  };
  const start = (args: string[], columns = 100): Terminal => {
    const terminal = startOnTerminal(args, ground.env, columns);
    void terminal.ended.then(() => ground.heard(args.join('\n'), terminal.raw()));
    return terminal;
  };
  const paid = (payment_hash: string) => ground.mint.control.paymentCount(payment_hash);

  it('shows amount, fees, destination, description, expiry and what stays; "y" pays', async () => {
    const { terminal, payment_hash } = await ask(1200);
    await terminal.shows(/Pay 1,200 sat\?/);
    const shown = terminal.text();
    for (const line of [
      /^amount {7}1,200 sat$/m,
      /^fee reserve {5}12 sat {2}what is not used comes back$/m,
      /^input fee {8}1 sat$/m,
      /^at most {6}1,213 sat$/m,
      /^stays {8}2,882 sat {2}at least$/m,
      /^to {11}0[23][0-9a-f]{64}$/m,
      /^description {2}two coffees$/m,
      /^expires {6}20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$/m,
      /^mint {9}http:\/\/127\.0\.0\.1:\d+ \(Practice mint\)$/m,
    ]) {
      expect(shown).toMatch(line);
    }
    expect(await paid(payment_hash)).toBe(0);
    terminal.type('y');
    expect(await terminal.ended).toBe(0);
    expect(terminal.text()).toMatch(/^status +paid$/m);
    expect(await paid(payment_hash)).toBe(1);
  });

  it.each([
    ['n', 'n'],
    ['Enter, because No is preselected', KEYS.enter],
    ['Ctrl-C', KEYS.ctrlC],
    ['Ctrl-D', KEYS.ctrlD],
    ['Escape', '\u001b'],
    ['Escape after Yes was chosen', '\u001b[D\u001b'],
  ])('%s pays nothing and changes nothing', async (_, keys) => {
    const before = await ground.standing();
    const { terminal, payment_hash } = await ask(100);
    await terminal.shows(/Pay 100 sat\?/);
    terminal.type(keys);
    expect(await terminal.ended).toBe(130);
    expect(terminal.text()).toMatch(/error \[INTERRUPTED\] .*nothing was (paid|done)/);
    // What stays on the screen is no consent: the answer No, or none.
    const answered = terminal.text().slice(terminal.text().lastIndexOf('Pay 100 sat?'));
    const saysNo = keys === 'n' || keys === KEYS.enter;
    expect(answered).toMatch(saysNo ? /^│ {2}No$/m : /Not confirmed\.$/m);
    // On a line of its own, wherever the cursor stood.
    expect(saysNo || terminal.raw().includes('\rNot confirmed.')).toBe(true);
    expect(answered).not.toMatch(/^│ +Yes$/m);
    expect(await ground.standing()).toEqual(before);
    expect(await paid(payment_hash)).toBe(0);
  });

  it('text by others never reaches the terminal raw', async () => {
    const hostile = '\u001b[2J\u001b]0;owned\u0007\u009b31m\u202etac\u0008\u0008 paid';
    await ground.mint.control.setInfo({ name: hostile });
    const { terminal } = await ask(100, { description: hostile });
    await terminal.shows(/Pay 100 sat\?/);
    terminal.type(KEYS.ctrlC);
    await terminal.ended;
    await ground.mint.control.resetInfo();
    for (const raw of ['\u001b[2J', '\u001b]0;', '\u0007', '\u009b', '\u202e', '\u0008']) {
      expect(terminal.raw()).not.toContain(raw);
    }
    const escaped = '\\x1b[2J\\x1b]0;owned\\x07\\x9b31m\\u{202e}tac\\x08\\x08 paid';
    expect(terminal.text()).toContain(`description  ${escaped}`);
    expect(terminal.text()).toContain(`(${escaped})`);
  });

  it('an invoice from the standard input is asked for, and then nobody can be asked', async () => {
    const refused = start(['melt', '-', ...ground.owner]);
    expect(await refused.ended).toBe(2);
    expect(refused.text()).toMatch(/CONFIRMATION_REQUIRED.* from standard input nobody can be/);
    const { invoice, payment_hash } = await ground.invoice({ amount_sat: 30 });
    const terminal = start(['melt', '-', ...ground.owner, '--yes']);
    await terminal.shows(/Reading the invoice from standard input: paste it, press Enter, then/);
    terminal.type(`${invoice}\n${KEYS.ctrlD}`);
    expect(await terminal.ended).toBe(0);
    expect(await paid(payment_hash)).toBe(1);
  });

  it('a long description stays within the terminal', async () => {
    const description = 'a description of many words '.repeat(6).trim();
    const { terminal } = await ask(100, { description });
    await terminal.shows(/Pay 100 sat\?/);
    terminal.type('n');
    await terminal.ended;
    const lines = terminal.text().split('\n');
    const at = lines.findIndex((line) => line.startsWith('description  a description of many'));
    expect(lines[at + 1]).toMatch(/^ {13}\w/);
    for (const line of lines.slice(at, at + 3)) expect(line.length).toBeLessThanOrEqual(100);
  });

  it('--no-input asks nobody, not even at a terminal', async () => {
    const { invoice } = await ground.invoice({ amount_sat: 100 });
    const terminal = start(['melt', invoice, ...ground.owner, '--no-input']);
    expect(await terminal.ended).toBe(2);
    expect(terminal.text()).toMatch(/error \[CONFIRMATION_REQUIRED\]/);
  });

  it('--json asks nobody either, and says why', async () => {
    const { invoice } = await ground.invoice({ amount_sat: 100 });
    const terminal = start(['melt', invoice, ...ground.owner, '--json']);
    expect(await terminal.ended).toBe(2);
    expect(JSON.parse(terminal.text()).error).toMatchObject({
      code: 'CONFIRMATION_REQUIRED',
      message: expect.stringMatching(/With --json nobody is asked/),
    });
  });

  it('NO_COLOR takes the colours away, and nothing else', async () => {
    const coloured = (raw: string) => raw.split('\u001b').some((part) => /^\[[0-9;]*m/.test(part));
    for (const NO_COLOR of ['', '1']) {
      const { invoice } = await ground.invoice({ amount_sat: 25 });
      const env = { ...ground.env, NO_COLOR };
      const terminal = startOnTerminal(['melt', invoice, ...ground.owner], env);
      await terminal.shows(/Pay 25 sat\?/);
      terminal.type('y');
      expect(await terminal.ended).toBe(0);
      ground.heard(terminal.raw());
      expect(coloured(terminal.raw())).toBe(NO_COLOR === '');
      expect(terminal.text()).toMatch(/✔ checking the coins, then asking the mint to pay 25 sat/);
    }
  });

  it('a sentence is broken between words, and commands are not broken at all', async () => {
    const nobody = 'npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg';
    const { invoice } = await ground.invoice({ amount_sat: 100 });
    const terminal = start(['melt', invoice, '--npub', nobody, '--yes'], 60);
    expect(await terminal.ended).toBe(21);
    const lines = terminal.text().split('\n');
    expect(lines).toContain(`next: cashu-ops balance --npub ${nobody}`);
    const sentence = lines.slice(
      lines.findIndex((line) => line.startsWith('error [')),
      lines.findIndex((line) => line.startsWith('next:')),
    );
    expect(sentence.length).toBeGreaterThan(2);
    const tooLong = sentence.filter((line) => line.length > 60 && line.includes(' '));
    expect(tooLong).toEqual([]);
  });

  it('Ctrl-C while the payment is under way: pending, and how to look again', async () => {
    await ground.mint.control.resetRequests();
    const { terminal, payment_hash } = await ask(90);
    await ground.mint.control.setPaymentBehaviour(payment_hash, {
      outcome: 'hang',
      delay_ms: 60_000,
    });
    await terminal.shows(/Pay 90 sat\?/);
    terminal.type('y');
    const sent = async () => (await ground.mint.control.meltRequests()).length;
    await expect.poll(sent, { timeout: 10_000 }).toBe(1);
    terminal.type(KEYS.ctrlC);
    expect(await terminal.ended).toBe(22);
    expect(terminal.text()).toMatch(/SIGINT: stopping at the next safe place/);
    const [, id = ''] = /^next: cashu-ops melt --resume (\S+)$/m.exec(terminal.text()) ?? [];
    await ground.mint.control.resolvePayment(payment_hash, 'succeed');
    const resumed = start(['melt', '--resume', id]);
    expect(await resumed.ended).toBe(0);
    expect(resumed.text()).toMatch(/^status +paid$/m);
    const verdict = await judge(ground);
    expect(verdict).toEqual(soundVerdict(verdict));
  });

  it('the cursor is shown again at the end, whatever the end', async () => {
    for (const keys of ['y', 'n', KEYS.ctrlC]) {
      const { terminal } = await ask(50);
      await terminal.shows(/Pay 50 sat\?/);
      terminal.type(keys);
      await terminal.ended;
      const raw = terminal.raw();
      expect(raw.lastIndexOf('\u001b[?25h')).toBeGreaterThan(raw.lastIndexOf('\u001b[?25l'));
    }
  });

  it('nobody learned a secret', () => expectNoLeaks(ground));
});
