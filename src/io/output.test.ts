import { execFile } from 'node:child_process';
import { Writable } from 'node:stream';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { createOutput } from './output.ts';

const run = promisify(execFile);

function failingStream(code: string): Writable {
  return new Writable({
    write(_chunk, _encoding, done) {
      done(Object.assign(new Error(`write ${code}`), { code }));
    },
  });
}

describe('createOutput', () => {
  test('flush waits for a slow reader', async () => {
    const chunks: string[] = [];
    const slow = new Writable({
      decodeStrings: false,
      write(chunk, _encoding, done) {
        chunks.push(String(chunk));
        setTimeout(done, 2);
      },
    });
    const output = createOutput(slow);
    for (let at = 0; at < 20; at += 1) output.write(`${at} `);
    expect(chunks.length).toBeLessThan(20);
    await output.flush();
    expect(chunks.filter((chunk) => chunk !== '')).toHaveLength(20);
  });

  test('a reader that has gone is no error, and later writes are dropped', async () => {
    const output = createOutput(failingStream('EPIPE'));
    output.write('one');
    await output.flush();
    expect(output.readerGone()).toBe(true);
    output.write('two');
    await output.flush();
  });

  test('a full disk is told at the flush', async () => {
    const output = createOutput(failingStream('ENOSPC'));
    output.write('one');
    await expect(output.flush()).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
    expect(output.readerGone()).toBe(false);
  });

  test('a real pipe that closes early ends without a stack, with the exit code unchanged', async () => {
    const script = `
      import { createIo } from ${JSON.stringify(new URL('./io.ts', import.meta.url).href)};
      const io = createIo(process);
      process.exitCode = 22;
      for (let at = 0; at < 20000; at += 1) io.out('line ' + at);
      await io.flush();`;
    const shell = '"$0" --input-type=module -e "$1" | head -1; echo "exit $PIPESTATUS"';
    const { stdout, stderr } = await run('bash', ['-c', shell, process.execPath, script]);
    expect(stdout).toBe('line 0\nexit 22\n');
    expect(stderr).toBe('');
  });
});
