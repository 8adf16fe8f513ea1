import { describe, expect, it } from 'vitest';
import { SITUATIONS } from '../../src/practice/situations/index.ts';
import { HAS_PTY, KEYS, startOnTerminal } from '../support/pty.ts';
import { runCli } from '../support/run_cli.ts';
import { inShell } from '../support/shell.ts';

const STARTS_WITHIN_MS = 120_000;

describe('practice --situation', () => {
  it('lists every situation, and starts nothing for that', async () => {
    const { code, stdout, stderr } = await runCli(['practice', '--situation', 'list'], {});
    expect([code, stderr]).toEqual([0, 'Each has a page of its name in docs/runbooks.\n']);
    const named = stdout.trimEnd().split('\n');
    expect(named.map((line) => line.split(/ {2,}/))).toEqual(
      SITUATIONS.map(({ name, title }) => [name, title]),
    );
  });

  it('says which there are where one does not exist', async () => {
    const { code, stdout, stderr } = await runCli(['practice', '--situation', 'storm'], {});
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^error \[INVALID_ARGUMENT\] There is no such situation;/);
    expect(stderr).toMatch(/^next: cashu-ops practice --situation list$/m);
  });

  it.skipIf(!HAS_PTY)('is rehearsed from two terminals, with what is printed', async () => {
    const { PATH = '', HOME = '' } = process.env;
    const practice = startOnTerminal(['practice', '--situation', 'payment-pending'], {
      PATH,
      HOME,
    });
    await expect.poll(practice.text, { timeout: STARTS_WITHIN_MS }).toMatch(/Then it happens now/);
    const shown = practice.text();
    expect(shown).toMatch(/^ {2}docs\/runbooks\/payment-pending\.md$/m);
    const pasted = shown.split('\n').filter((line) => line.startsWith('export '));
    expect(pasted.join('\n')).toMatch(/^export OPERATION='[0-9a-f-]{36}'$/m);
    const look = () => inShell([...pasted, 'cashu-ops melt --resume $OPERATION'], {});
    expect(await look().ended).toBe(22);
    practice.type('y');
    await practice.shows(/It has happened: go on with the page\./);
    expect(await look().ended).toBe(0);
    practice.type(KEYS.ctrlC);
    expect(await practice.ended).toBe(0);
  });
});
