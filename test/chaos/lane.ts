import fc from 'fast-check';
import { ChaosFailure } from './failure.ts';
import { type ChaosGround, startChaosGround } from './ground.ts';
import type { Program } from './program.ts';
import { runProgram } from './run.ts';
import { Tally } from './tally.ts';

/** Keysets and documents pile up, so a lane begins anew after so many runs. */
const RUNS_OF_A_GROUND = 20;
/** Smaller programs that fail too are looked for in this time. */
const SHRINKING_MAX_MS = 120_000;

export interface FailedRun {
  seed: number;
  /** The smallest program found that fails, and how. */
  program: Program | null;
  error: string;
}

/** Runs programs one after the other, on a ground of its own. */
export class Lane {
  readonly #tally: Tally;
  readonly #programs: fc.Arbitrary<Program>;
  readonly #say: (line: string) => void;
  #ground: ChaosGround | null = null;
  #runs = 0;

  constructor(tally: Tally, programs: fc.Arbitrary<Program>, say: (line: string) => void) {
    this.#tally = tally;
    this.#programs = programs;
    this.#say = say;
  }

  /** @returns null when nothing was lost */
  async run(seed: number): Promise<FailedRun | null> {
    if (this.#runs >= RUNS_OF_A_GROUND) await this.stop();
    this.#runs += 1;
    let shrinksUntil: number | null = null;
    const property = fc.asyncProperty(this.#programs, async (program) => {
      // Out of time: all that is smaller counts as sound, and the smallest so far is it.
      if (shrinksUntil !== null && performance.now() > shrinksUntil) return;
      const tally = shrinksUntil === null ? this.#tally : new Tally();
      try {
        await this.#runOnce(program, tally);
      } catch (error) {
        if (shrinksUntil === null) this.#say(`seed ${seed} fails: ${textOf(error)}`);
        shrinksUntil ??= performance.now() + SHRINKING_MAX_MS;
        throw error;
      }
    });
    const found = await fc.check(property, { seed, numRuns: 1, unbiased: true });
    if (!found.failed) return null;
    const { errorInstance, counterexample } = found;
    return { seed, program: counterexample?.[0] ?? null, error: textOf(errorInstance) };
  }

  async stop(): Promise<void> {
    const ground = this.#ground;
    this.#ground = null;
    this.#runs = 0;
    await ground?.stop();
  }

  async #runOnce(program: Program, tally: Tally): Promise<void> {
    this.#ground ??= await startChaosGround();
    try {
      await runProgram(this.#ground, program, tally);
    } catch (error) {
      // What a failed run leaves behind would be held against the next one.
      await this.stop();
      throw error;
    }
  }
}

function textOf(error: unknown): string {
  if (error instanceof ChaosFailure) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
