import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../bin/cashu-ops.js', import.meta.url));
const PRINT_PEAK = new URL('./print_peak.js', import.meta.url).href;

export interface CommandRun {
  code: number;
  /** The report of `--json`. */
  report: unknown;
  peakMiB: number;
  ms: number;
}

/**
 * Runs `cashu-ops reconcile --json` as an operator does, and watches its memory.
 *
 * @param args whose wallets
 * @param codes exit codes that are as wanted
 */
export async function reconcileCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  codes: readonly number[],
): Promise<CommandRun> {
  const started = performance.now();
  const child = spawn(
    process.execPath,
    ['--import', PRINT_PEAK, BIN, 'reconcile', ...args, '--json'],
    { env: { PATH: process.env.PATH ?? '', ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  const [, kib] = /^peak (\d+) KiB$/m.exec(stderr) ?? [];
  if (!codes.includes(code) || kib === undefined) {
    throw new Error(`reconcile ${args.join(' ')} ended with ${code}: ${stderr} ${stdout}`);
  }
  const ms = performance.now() - started;
  return { code, report: JSON.parse(stdout), peakMiB: Number(kib) / 1024, ms };
}

export const mib = (value: number): string => `${value.toFixed(1)} MiB`;
