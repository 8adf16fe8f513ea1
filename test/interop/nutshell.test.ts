import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Wallet } from '@cashu/cashu-ts';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Nutshell, prepareNutshell, startNutshell } from './nutshell.ts';

const quiet = () => {};
const started: Nutshell[] = [];

async function start(options: Partial<Parameters<typeof startNutshell>[0]> = {}) {
  const nutshell = await startNutshell({ log: quiet, ...options });
  started.push(nutshell);
  return nutshell;
}

afterEach(async () => {
  for (const nutshell of started.splice(0)) await nutshell.stop();
});

describe('prepareNutshell', () => {
  it('says nothing and takes no time when it is installed', async () => {
    await prepareNutshell(quiet);
    const lines: string[] = [];
    const startedAt = performance.now();
    const paths = await prepareNutshell((line) => lines.push(line));
    expect(performance.now() - startedAt).toBeLessThan(100);
    expect(lines).toEqual([]);
    expect(paths.mint).toMatch(/bin\/mint$/);
  });
});

describe('startNutshell', () => {
  it('charges the input fee that it is told', async () => {
    const nutshell = await start({ inputFeePpk: 250 });
    const wallet = new Wallet(nutshell.url);
    await wallet.loadMint();
    expect(wallet.getKeyset().fee).toBe(250);
    expect(wallet.getMintInfo().version).toBe('Nutshell/0.20.2');
  });

  it('keeps its address, its keys and its coins over a restart after a crash', async () => {
    const nutshell = await start();
    const wallet = new Wallet(nutshell.url);
    await wallet.loadMint();
    const quote = await wallet.createMintQuoteBolt11(8);
    const proofs = await wallet.mintProofsBolt11(8, await wallet.checkMintQuoteBolt11(quote.quote));
    const { pid } = nutshell;
    process.kill(pid, 'SIGKILL');
    await nutshell.restart();
    expect(nutshell.pid).not.toBe(pid);
    expect(await wallet.receive(proofs)).not.toHaveLength(0);
  });

  it('waits for its own port when somebody else has taken it', async () => {
    const nutshell = await start();
    const { pid, url } = nutshell;
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => isAlive(pid)).toBe(false);
    const thief = createServer().listen(Number(new URL(url).port), '127.0.0.1');
    await once(thief, 'listening');
    const late = setTimeout(() => thief.close(), 1_500);
    await nutshell.restart().finally(() => {
      clearTimeout(late);
      thief.close();
    });
    expect((await info(url)).name).toMatch(/^nutshell-/);
  });

  it('runs two mints side by side', async () => {
    const both = await Promise.all([start(), start()]);
    const names = await Promise.all(both.map(async ({ url }) => (await info(url)).name));
    expect(new Set(names).size).toBe(2);
  });

  it('ends with stop, and its address is free', async () => {
    const nutshell = await start();
    await nutshell.stop();
    expect(isAlive(nutshell.pid)).toBe(false);
    await expect(info(nutshell.url)).rejects.toThrow('fetch failed');
  });

  it('shows the last lines of a mint that does not start', async () => {
    await expect(start({ env: { MINT_BACKEND_BOLT11_SAT: 'NoSuchWallet' } })).rejects.toThrow(
      /did not start:.*NoSuchWallet/s,
    );
  });

  it('goes with its parent and leaves nothing, even when that is killed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'parent-'));
    const parent = spawnParent(folder);
    try {
      const [line] = (await once(lines(parent), 'data')) as [string];
      const pid = Number(line);
      expect(isAlive(pid)).toBe(true);
      parent.kill('SIGKILL');
      await expect.poll(() => isAlive(pid), { timeout: 5_000 }).toBe(false);
      expect(await readdir(folder)).toEqual([]);
    } finally {
      parent.kill('SIGKILL');
      await rm(folder, { recursive: true });
    }
  });
});

/** A process that starts a mint with its data below a folder, says its process id, and waits. */
function spawnParent(folder: string): ChildProcess {
  const module = new URL('./nutshell.ts', import.meta.url);
  const script = `
    const { startNutshell } = await import(${JSON.stringify(fileURLToPath(module))});
    const nutshell = await startNutshell({ log: () => {} });
    process.stdout.write(String(nutshell.pid));
    setInterval(() => {}, 1000);`;
  const args = ['--input-type=module', '--eval', script];
  return spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: folder },
  });
}

function lines(child: ChildProcess) {
  if (child.stdout === null) throw new Error('the parent has no output');
  return child.stdout.setEncoding('utf8');
}

async function info(url: string): Promise<{ name: string }> {
  const response = await fetch(`${url}/v1/info`);
  return z.object({ name: z.string() }).parse(await response.json());
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
