import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ChaosFailure } from '../chaos/failure.ts';
import { type ChaosGround, startChaosGround } from '../chaos/ground.ts';
import { Tally } from '../chaos/tally.ts';
import { KINDS, plannedRound } from './kinds.ts';
import { type FailoverRun, failoverReport } from './report.ts';
import { failoverRound, NotHeld } from './round.ts';

const REPORT = fileURLToPath(new URL('../../docs/failover.md', import.meta.url));

const ATTEMPTS_MAX = 4;

const { values } = parseArgs({
  options: {
    /** Rounds; every kind once by default. */
    times: { type: 'string', default: String(KINDS.length) },
    /** The first round's kind, counted from 0. */
    from: { type: 'string', default: '0' },
    write: { type: 'boolean', default: false },
  },
});
const say = (line: string) => void process.stdout.write(`${line}\n`);
const times = Number(values.times);
const from = Number(values.from);
if (!Number.isSafeInteger(times) || times < 1) throw new Error('--times must be a whole number.');
if (!Number.isSafeInteger(from) || from < 0) throw new Error('--from must be a whole number.');

const tally = new Tally();
const results: FailoverRun['results'][number][] = [];
const failures: FailoverRun['failures'][number][] = [];
let ground: ChaosGround | null = null;
try {
  for (let round = from; round < from + times; round += 1) {
    ground ??= await startChaosGround(3);
    ground = await one(ground, round);
  }
} finally {
  await ground?.stop();
}
const secrets = tally.total('secrets');
const report = failoverReport({ times, results, failures, secrets });
say(report);
if (values.write) await writeFile(REPORT, report);
for (const { round, error } of failures) {
  say(`FAILED: npm run test:failover -- --from ${round} --times 1\n${error}\n`);
}
process.exitCode = failures.length === 0 && results.length === times ? 0 : 1;

/** @returns the ground for the next round; null when it must be a new one */
async function one(on: ChaosGround, round: number): Promise<ChaosGround | null> {
  const { kind, fate } = plannedRound(round);
  const name = `round ${round}: ${kind.name}, the payment ${fate}`;
  const startedAt = performance.now();
  const seconds = () => ((performance.now() - startedAt) / 1000).toFixed(1);
  try {
    const result = await untilHeld(() => failoverRound(on, kind, fate, tally));
    results.push(result);
    const { exit, left, end } = result;
    say(`${name}: ${exit}, ${left}, then ${end} (${seconds()} s)`);
    return on;
  } catch (error) {
    const text = error instanceof ChaosFailure ? error.message : textOf(error);
    failures.push({ round, kind, error: text });
    say(`${name}: FAILED (${seconds()} s)\n${text}`);
    await on.stop();
    return null;
  }
}

/** A busy machine elects a new primary now and then without being asked. */
async function untilHeld<T>(attempt: () => Promise<T>): Promise<T> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof NotHeld) || attempts === ATTEMPTS_MAX) throw error;
    }
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
