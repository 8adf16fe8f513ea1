import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type PracticeMint, practiceMintControl, startPracticeMint } from './client.ts';

const said: string[] = [];
const log = (line: string): void => void said.push(line);

async function answers(url: string): Promise<boolean> {
  const sent = fetch(`${url}/v1/info`, { signal: AbortSignal.timeout(500) });
  return sent.then(
    (response) => response.ok,
    () => false,
  );
}

/** Another process that starts a mint, tells its address and waits. */
function startParent(then: string) {
  const client = fileURLToPath(new URL('./client.ts', import.meta.url));
  const script = `
    const { startPracticeMint } = await import(${JSON.stringify(client)});
    const mint = await startPracticeMint({ log: () => {} });
    ${then}
    process.stdout.write(mint.url + '\\n');
    setInterval(() => {}, 1000);
  `;
  const args = ['--input-type=module', '--eval', script];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function killedParentOf(then: string): Promise<string> {
  const parent = startParent(then);
  const [url] = await once(createInterface({ input: parent.stdout }), 'line');
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  return String(url);
}

describe('the process of a practice mint', () => {
  it('starts, is controlled from elsewhere by its address, and stops', async () => {
    const mint = await startPracticeMint({ log });
    await expect(answers(mint.url)).resolves.toBe(true);
    const control = practiceMintControl(mint.url);
    await control.setState([`02${'0'.repeat(64)}`], 'SPENT');
    await expect(mint.control.ledger()).resolves.toMatchObject({ spent_count: 1 });
    await mint.stop();
    await expect(answers(mint.url)).resolves.toBe(false);
    await expect(control.ledger()).rejects.toMatchObject({ code: 'MINT_UNREACHABLE' });
    expect(said).toEqual([]);
  });

  it('stops although a request hangs', async () => {
    const mint = await startPracticeMint({ log });
    const action = { type: 'stall' } as const;
    await mint.control.setFaults([{ endpoint: 'info', phase: 'after', action }]);
    const hanging = fetch(`${mint.url}/v1/info`);
    const failed = expect(hanging).rejects.toThrow();
    await expect.poll(async () => (await mint.control.requests()).total).toBe(1);
    const started = performance.now();
    await mint.stop();
    expect(performance.now() - started).toBeLessThan(2500);
    await failed;
  });

  it('is killed at once, and starts again at the same address without its memory', async () => {
    const first = await startPracticeMint({ log, seed: '77'.repeat(32) });
    const port = Number(new URL(first.url).port);
    await first.control.setState([`02${'0'.repeat(64)}`], 'SPENT');
    await first.kill();
    const second = await startPracticeMint({ log, port, seed: '77'.repeat(32) });
    expect(second.url).toBe(first.url);
    await expect(second.control.ledger()).resolves.toMatchObject({ spent_count: 0 });
    await second.stop();
  });

  it('freezes and goes on with its memory', async () => {
    const mint = await startPracticeMint({ log });
    mint.suspend();
    await expect(answers(mint.url)).resolves.toBe(false);
    mint.resume();
    await expect(answers(mint.url)).resolves.toBe(true);
    mint.suspend();
    await mint.stop();
    await expect(answers(mint.url)).resolves.toBe(false);
  });

  it('says why it does not start', async () => {
    const first: PracticeMint = await startPracticeMint({ log });
    const port = Number(new URL(first.url).port);
    const second = startPracticeMint({ log: () => undefined, port });
    await expect(second).rejects.toMatchObject({
      code: 'MINT_UNREACHABLE',
      message: expect.stringContaining('EADDRINUSE'),
    });
    await first.stop();
  });

  it('ends with its parent, even when that is killed', async () => {
    const url = await killedParentOf('');
    await expect.poll(() => answers(url), { timeout: 5000 }).toBe(false);
  });

  it('ends with its parent even when it is frozen at that moment', async () => {
    const url = await killedParentOf('mint.suspend();');
    // A frozen mint still accepts connections; only a mint that is gone refuses them.
    const refused = async () =>
      fetch(url, { signal: AbortSignal.timeout(500) }).then(
        () => 'answered',
        (error: Error) => (error.cause as { code?: string } | undefined)?.code ?? error.name,
      );
    await expect.poll(refused, { timeout: 5000 }).toBe('ECONNREFUSED');
  });
});
