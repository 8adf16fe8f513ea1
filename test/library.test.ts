import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { closeBooks, type MeltOutcome, openCashuOps, parseNpub } from 'cashu-ops';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('..', import.meta.url));

describe('the library', () => {
  it('is imported by its name, with types', () => {
    const status: MeltOutcome['status'] = 'paid';
    expect(status).toBe('paid');
    expect(typeof openCashuOps).toBe('function');
    expect(typeof parseNpub).toBe('function');
    const books = closeBooks({ inputs: 16, amount: 10, fee_reserve: 2, input_fee: 1, change: 4 });
    expect(books).toEqual({ closed: true, lightning_fee: 1 });
  });

  it('has no side effects on import: nothing is written, nothing stays open', async () => {
    const script = `
      const signs = () => [
        ...process.getActiveResourcesInfo().filter((name) => /Timeout|Wrap|Watcher/.test(name)),
        ...process.eventNames().map((name) => String(name) + process.listenerCount(name)),
      ].sort().join();
      // Node opens its own streams at the first look at them, which is no effect of ours.
      void [process.stdout, process.stderr];
      const before = signs();
      await import('cashu-ops');
      if (signs() !== before) throw new Error(before + ' became ' + signs());
    `;
    const { stdout, stderr } = await run(
      process.execPath,
      ['--input-type=module', '-e', script],
      // A home that is not there: whoever reads or writes files of the user would fail.
      { cwd: ROOT, env: { PATH: process.env.PATH ?? '', HOME: '/nonexistent' } },
    );
    expect([stdout, stderr]).toEqual(['', '']);
  });
});
