import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';

export interface ChaosArguments {
  runs: number;
  /** Run n of them has the seed `seed + n`, counted from 0. */
  seed: number;
  /** So many runs at once, each lane with a database and a mint of its own. */
  lanes: number;
  /** A file with one program, as a failed run prints it: every run carries out this one. */
  program: string | null;
  /** Write the report into docs. */
  write: boolean;
}

const SEED_MAX = 2 ** 30;

/** @throws Error in words, for a flag that is none or a value that is no whole number */
export function parseChaosArguments(args: string[]): ChaosArguments {
  const { values } = parseArgs({
    args,
    options: {
      runs: { type: 'string', default: '10' },
      seed: { type: 'string', default: String(randomInt(SEED_MAX)) },
      lanes: { type: 'string', default: '2' },
      program: { type: 'string' },
      write: { type: 'boolean', default: false },
    },
  });
  return {
    runs: whole('runs', values.runs, 1),
    seed: whole('seed', values.seed, 0),
    lanes: whole('lanes', values.lanes, 1),
    program: values.program ?? null,
    write: values.write,
  };
}

function whole(name: string, text: string, min: number): number {
  const value = Number(text);
  if (/^\d{1,10}$/.test(text) && value >= min && value <= 2 * SEED_MAX) return value;
  throw new Error(`--${name} must be a whole number, at least ${min}.`);
}
