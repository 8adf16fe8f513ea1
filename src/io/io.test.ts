import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { testIo } from './test_io.ts';

const run = promisify(execFile);

describe('out and err', () => {
  test('go to their streams, each text as whole lines', () => {
    const io = testIo();
    io.out('{"ok":true}');
    io.out('a\nb\n');
    io.err('careful');
    expect(io.outText()).toBe('{"ok":true}\na\nb\n');
    expect(io.errText()).toBe('careful\n');
  });

  test('err hides secrets, out leaves data as it is', () => {
    const io = testIo();
    io.err('cannot reach mongodb://ops:hunter2@db.example');
    io.out('mongodb://ops:x@db.example');
    expect(io.errText()).toBe('cannot reach mongodb://ops:[hidden]@db.example\n');
    expect(io.outText()).toBe('mongodb://ops:x@db.example\n');
  });
});

describe('colour', () => {
  test('is decided for each stream by itself', () => {
    const io = testIo({ outIsTty: false, errIsTty: true });
    expect(io.color.out.red('x')).toBe('x');
    expect(io.color.err.red('x')).toBe('\u001b[31mx\u001b[39m');
    expect(io.with({ color: 'never' }).color.err.red('x')).toBe('x');
    expect(io.with({ color: 'always' }).color.out.level).toBe(1);
  });
});

describe('table', () => {
  test('goes to stdout, as wide as the terminal and never over 100', async () => {
    const row = ['x'.repeat(300)];
    for (const [columns, width] of [
      [60, 60],
      [200, 100],
    ] as const) {
      const io = testIo({ outIsTty: true, columns, env: { NO_COLOR: '1' } });
      await io.table([{ title: 'Text' }], [row]);
      const [first = ''] = io.outText().split('\n');
      expect(first).toHaveLength(width);
      expect(io.outText().endsWith('┘\n')).toBe(true);
    }
    const io = testIo();
    await io.table([{ title: 'Text' }], [row]);
    expect(io.outText().split('\n')[0]).toHaveLength(100);
  });
});

describe('canPrompt', () => {
  const terminal = { stdinIsTty: true, errIsTty: true };

  test('needs a terminal on stdin and stderr; stdout may be a file', () => {
    expect(testIo(terminal).canPrompt).toBe(true);
    expect(testIo({ ...terminal, outIsTty: true }).canPrompt).toBe(true);
    expect(testIo({ stdinIsTty: true }).canPrompt).toBe(false);
    expect(testIo({ errIsTty: true, outIsTty: true }).canPrompt).toBe(false);
  });

  test.each([
    { env: { CI: '1' } },
    { env: { TERM: 'dumb' } },
    { env: { CASHU_OPS_NO_INPUT: '1' } },
    { noInput: true },
    { columns: 0 },
  ])('not with %j', async (facts) => {
    const io = testIo({ ...terminal, ...facts });
    expect(io.canPrompt).toBe(false);
    for (const question of [io.confirm('Pay?'), io.confirmTyped('Pay?', '21')]) {
      await expect(question).rejects.toMatchObject({ code: 'CONFIRMATION_REQUIRED' });
    }
    expect(io.errText()).toBe('');
  });
});

describe('readStdin', () => {
  test('reads to the end, up to a limit', async () => {
    expect(await testIo({ stdin: 'lnbc1…\n' }).readStdin(100)).toBe('lnbc1…\n');
    expect(await testIo({ stdin: '12345' }).readStdin(5)).toBe('12345');
    await expect(testIo({ stdin: '123456' }).readStdin(5)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('longer than 5 bytes'),
    });
  });
});

describe('testIo', () => {
  test('answers in order, also after with, and runs out loudly', async () => {
    const io = testIo({ answers: [true, '21000', 'nonsense'] });
    expect(io.canPrompt).toBe(true);
    expect(await io.confirm('Pay?')).toBe(true);
    const same = io.with({ color: 'never' });
    expect(await same.confirmTyped('Amount?', '21000')).toBe(true);
    expect(await same.confirmTyped('Amount?', '21000')).toBe(false);
    await expect(io.confirm('More?')).rejects.toThrow('no answer is left');
    expect(io.errText()).toContain('Pay? true\n');
  });
});

test('loading the io loads nothing that draws', async () => {
  const entry = JSON.stringify(new URL('./io.ts', import.meta.url).href);
  const script = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
    const { createIo } = await import(${entry});
    const io = createIo(process);
    io.out('x');
    console.error(JSON.stringify(loaded.filter((url) => url.includes('node_modules'))));
    io.color.out;
    console.error(JSON.stringify(loaded.some((url) => url.includes('chalk'))));`;
  const { stderr } = await run(process.execPath, ['--input-type=module', '-e', script]);
  expect(stderr).toBe('[]\ntrue\n');
});
