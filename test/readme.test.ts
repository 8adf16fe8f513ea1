import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { practiceLines } from '../src/practice/shell_lines.ts';
import { meltGround } from './support/melt_ground.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
/** How the README puts the command on the PATH in a checkout. */
const ON_THE_PATH = 'export PATH="$PWD/bin:$PATH"';
/** A PATH as anybody has it: what the tests run with holds the checkout's own programs. */
const PLAIN_PATH = '/usr/local/bin:/usr/bin:/bin';

interface Example {
  line: string;
  exit: number;
}

/** The commands of the README's `sh` blocks; `# exit N` says how one ends when it is not 0. */
function examples(): Example[] {
  const blocks = [...README.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
  return blocks
    .flatMap((block) => block.split('\n'))
    .filter((line) => line !== '')
    .map((line) => ({ line, exit: Number(/# exit (\d+)/.exec(line)?.[1] ?? 0) }));
}

/** Lines as a person types them into a shell of their own, in the checkout. */
function inShell(lines: string[], env: Record<string, string>) {
  const child = spawn('sh', ['-c', lines.join('\n')], {
    cwd: ROOT,
    env: { PATH: PLAIN_PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const output: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
  const said = () => Buffer.concat(output).toString('utf8');
  return { child, said, ended: once(child, 'close').then(([code]) => code as number | null) };
}

describe('the README', () => {
  it('shows commands that work, in its order, from a plain shell', async () => {
    const ground = await meltGround();
    const { invoice } = await ground.mint.control.createInvoice({ amount_sat: 100 });
    const env = { ...ground.env, INVOICE: invoice, NPUB: ground.npub };
    const shown = examples();
    expect(shown.length).toBeGreaterThan(7);
    expect(README).toContain(`\n${ON_THE_PATH}\n`);
    for (const { line, exit } of shown) {
      expect(line).toMatch(/^cashu-ops /);
      const { ended, said } = inShell([ON_THE_PATH, line], env);
      expect(`${line}: exit ${await ended}\n${said()}`).toMatch(`${line}: exit ${exit}\n`);
    }
  });

  it('puts a command on the PATH that keeps the exit code of a payment in flight', async () => {
    const ground = await meltGround();
    const { control } = ground.mint;
    const { invoice, payment_hash } = await control.createInvoice({ amount_sat: 100 });
    await control.setPaymentBehaviour(payment_hash, { outcome: 'hang', delay_ms: 60_000 });
    const line = `exec cashu-ops melt ${invoice} --npub ${ground.npub} --yes`;
    // As `cashu-ops practice` prints it to paste.
    const { child, said, ended } = inShell([practiceLines(ground.env), 'cd /', line], {});
    await expect
      .poll(async () => (await control.meltRequests()).length, { timeout: 20_000 })
      .toBe(1);
    // Ctrl-C reaches every process in the foreground.
    process.kill(-(child.pid ?? Number.NaN), 'SIGINT');
    expect(await ended).toBe(22);
    const [, next = ''] = /^next: (cashu-ops melt --resume \S+)$/m.exec(said()) ?? [];
    await control.resolvePayment(payment_hash, 'succeed');
    const resumed = inShell([ON_THE_PATH, next], ground.env);
    expect([await resumed.ended, resumed.said()]).toEqual([
      0,
      expect.stringMatching(/^status +paid$/m),
    ]);
  });

  it('shows a program that compiles as it stands, runs, and pays', async () => {
    const ground = await meltGround();
    const { invoice, payment_hash } = await ground.mint.control.createInvoice({ amount_sat: 100 });
    const [, program = ''] = /```ts\n([\s\S]*?)```/.exec(README) ?? [];
    await mkdir(join(ROOT, '.cache'), { recursive: true });
    // Below the checkout, where the package is found by its name.
    const folder = await mkdtemp(join(ROOT, '.cache', 'readme-'));
    try {
      await writeFile(join(folder, 'example.ts'), program);
      const config = { extends: '../../tsconfig.json', include: ['example.ts'] };
      await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
      const tsc = join(ROOT, 'node_modules', '.bin', 'tsc');
      const compiled = await run(tsc, ['-p', folder]).catch((error) => error);
      expect(compiled.stdout).toBe('');
      const env = { ...ground.env, PATH: PLAIN_PATH, INVOICE: invoice, NPUB: ground.npub };
      const { stdout } = await run(process.execPath, [join(folder, 'example.ts')], { env });
      expect(stdout).toMatch(/^paid: Paid 100 sat .*\nleft: \d+ sat\n$/);
      expect(await ground.mint.control.paymentCount(payment_hash)).toBe(1);
      const again = await run(process.execPath, [join(folder, 'example.ts')], { env });
      expect(again.stdout).toMatch(/^conflict: /);
      expect(await ground.mint.control.paymentCount(payment_hash)).toBe(1);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('names every exit code of the program', async () => {
    const { EXIT } = await import('../src/cli/exit_codes.ts');
    for (const code of Object.values(EXIT)) {
      expect(README).toMatch(new RegExp(`^\\| (\\d+, )?${code}(, \\d+)? \\|`, 'm'));
    }
  });

  it('names every setting', async () => {
    const { SETTING_RULES } = await import('../src/config/rules.ts');
    for (const { name, env } of Object.values(SETTING_RULES)) {
      expect(README).toContain(`\`${name}\``);
      expect(README).toContain(`\`${env}\``);
    }
  });
});
