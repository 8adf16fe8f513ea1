import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { practiceLines } from '../src/practice/shell_lines.ts';
import { meltGround } from './support/melt_ground.ts';
import { examplesIn, inShell, ON_THE_PATH, PLAIN_PATH, ROOT } from './support/shell.ts';

const run = promisify(execFile);
const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

describe('the README', () => {
  it('shows commands that work, in its order, from a plain shell', async () => {
    const ground = await meltGround();
    const { invoice } = await ground.mint.control.createInvoice({ amount_sat: 100 });
    const env = { ...ground.env, INVOICE: invoice, NPUB: ground.npub };
    const shown = examplesIn(README);
    expect(shown.length).toBeGreaterThan(7);
    expect(README).toContain(`\n${ON_THE_PATH}\n`);
    const folder = await mkdtemp(join(tmpdir(), 'cashu-ops-readme-'));
    for (const { line, exit } of shown) {
      expect(line).toMatch(/^cashu-ops /);
      const own = line.replaceAll('/tmp/', `${folder}/`);
      const { ended, said } = inShell([ON_THE_PATH, own], env);
      expect(`${line}: exit ${await ended}\n${said()}`).toMatch(`${line}: exit ${exit}\n`);
    }
    await rm(folder, { recursive: true });
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
