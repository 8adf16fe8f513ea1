import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { arbitraryProgram } from './arbitrary.ts';
import { parseChaosArguments } from './arguments.ts';
import { type FailedRun, Lane } from './lane.ts';
import type { Program } from './program.ts';
import { chaosReport } from './report.ts';
import { Tally } from './tally.ts';

const REPORT = fileURLToPath(new URL('../../docs/chaos.md', import.meta.url));

const say = (line: string) => void process.stdout.write(`${line}\n`);
const again = (seed: number) => `npm run test:chaos -- --seed ${seed} --runs 1`;

const { runs, seed: base, lanes, program, write } = parseChaosArguments(process.argv.slice(2));
const programs =
  program === null
    ? arbitraryProgram
    : fc.constant<Program>(JSON.parse(await readFile(program, 'utf8')));
say(`${runs} runs from seed ${base}; run n has the seed ${base} + n.`);
const tally = new Tally();
const failures: FailedRun[] = [];
let next = 0;

/** Takes one run after the other, as long as there are any. */
async function work(): Promise<void> {
  const lane = new Lane(tally, programs, say);
  try {
    while (next < runs) {
      const number = next;
      next += 1;
      await one(lane, number);
    }
  } finally {
    await lane.stop();
  }
}

async function one(lane: Lane, number: number): Promise<void> {
  const seed = base + number;
  const name = `run ${number}, seed ${seed}`;
  say(`${name}: ${again(seed)}`);
  const startedAt = performance.now();
  const failed = await lane.run(seed);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  tally.add('runs', failed === null ? 'sound' : 'failed');
  if (failed === null) return say(`${name}: sound (${seconds} s)`);
  failures.push(failed);
  say(`${name}: FAILED (${seconds} s)\n${failed.error}`);
  say(`The smallest program found: ${JSON.stringify(failed.program)}`);
}

await Promise.all(Array.from({ length: Math.min(lanes, runs) }, work));
const report = chaosReport({ runs, base, tally, failures });
say(report);
if (write) await writeFile(REPORT, report);
for (const { seed, error } of failures) say(`FAILED: ${again(seed)}\n${error}\n`);
process.exitCode = failures.length === 0 && tally.total('runs') === runs ? 0 : 1;
