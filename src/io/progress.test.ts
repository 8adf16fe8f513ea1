import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { testIo } from './test_io.ts';

describe('progress in a log', () => {
  test('is one line, whatever the task reports', async () => {
    const io = testIo();
    const result = await io.progress('Asking 3 mints', async (step) => {
      for (let at = 0; at < 1000; at += 1) step.update(`${at} proofs`);
      return 7;
    });
    expect(result).toBe(7);
    expect(io.errText()).toBe('- Asking 3 mints\n');
    expect(io.outText()).toBe('');
  });

  test('says in a long silence that it is still at it, and how far', async () => {
    const io = testIo({ heartbeat_ms: 20 });
    await io.progress('Asking', async (step) => {
      await sleep(50);
      step.update('200 of 900 \u001b[2Jproofs');
      await sleep(50);
    });
    const lines = io.errText().trimEnd().split('\n');
    expect(lines[1]).toBe('- Asking: still at it (0 s)');
    expect(lines.at(-1)).toBe('- Asking: 200 of 900 \\x1b[2Jproofs (0 s)');
    await sleep(50);
    expect(io.errText().trimEnd().split('\n')).toEqual(lines);
  });

  test('lets the error through and stops', async () => {
    const io = testIo({ heartbeat_ms: 5 });
    const task = io.progress('Asking', () => Promise.reject(new Error('mint is down')));
    await expect(task).rejects.toThrow('mint is down');
    await sleep(20);
    expect(io.errText()).toBe('- Asking\n');
  });

  test('is silent when asked to be', async () => {
    const io = testIo({ errIsTty: true }).with({ quiet: true });
    expect(await io.progress('Asking', async () => 1)).toBe(1);
    expect(io.errText()).toBe('');
  });

  test.each([{ env: { CI: 'true' } }, { env: { TERM: 'dumb' } }, { columns: 0 }])(
    'also on a terminal with %j',
    async (facts) => {
      const io = testIo({ errIsTty: true, ...facts });
      await io.progress('Asking', async () => 1);
      expect(io.errText()).toBe('- Asking\n');
    },
  );
});

describe('progress on a terminal', () => {
  test('spins, leaves its outcome, and paints by our decision', async () => {
    const io = testIo({ errIsTty: true, env: { NO_COLOR: '1' } });
    await io.progress('Asking', async (step) => {
      step.update('now');
      await sleep(150);
    });
    expect(io.errText()).toContain('Asking now');
    expect(io.errText()).toContain('✔ Asking\n');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with it.
    expect(io.errText()).not.toMatch(/\u001b\[\d+m/);
    expect(io.outText()).toBe('');
  });

  test('marks a failure', async () => {
    const io = testIo({ errIsTty: true });
    const task = io.progress('Asking', () => Promise.reject(new Error('mint is down')));
    await expect(task).rejects.toThrow('mint is down');
    expect(io.errText()).toContain('\u001b[31m✖\u001b[39m Asking\n');
  });
});
