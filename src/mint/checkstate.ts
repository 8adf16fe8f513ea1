import type { MintState } from '../domain/proof.ts';
import { mintState, statesAnswer } from './answers.ts';
import { MintHttpError } from './errors.ts';

/** Mints take about 1,000 at once; proxies before them sometimes far fewer. */
export const BATCH_MAX = 1000;

type Ask = (ys: readonly string[]) => Promise<unknown>;

/**
 * Asks for the states of coins in batches that shrink where the mint refuses their size (NUT-07).
 *
 * States are matched by Y: a short, reordered, doubled or foreign answer leaves coins out, and
 * what is left out is unknown.
 *
 * @param ys public names of the coins, without doubles
 * @returns states by Y, only of coins that were asked for and answered without contradiction
 * @throws MintNetworkError, MintHttpError when the mint does not answer even a single coin
 */
export async function checkStatesInBatches(
  ys: readonly string[],
  ask: Ask,
): Promise<ReadonlyMap<string, MintState>> {
  const states = new Map<string, MintState>();
  let size = BATCH_MAX;
  for (let start = 0; start < ys.length; ) {
    const batch = ys.slice(start, start + size);
    try {
      for (const [y, state] of readStates(batch, await ask(batch))) states.set(y, state);
      start += batch.length;
    } catch (error) {
      if (!isTooLarge(error) || batch.length === 1) throw error;
      size = Math.ceil(batch.length / 2);
    }
  }
  return states;
}

function readStates(asked: readonly string[], answer: unknown): Map<string, MintState> {
  const wanted = new Set(asked);
  const seen = new Map<string, string>();
  const contradicted = new Set<string>();
  for (const { Y, state } of statesAnswer.parse(answer).states) {
    if (!wanted.has(Y)) continue;
    if (seen.has(Y) && seen.get(Y) !== state) contradicted.add(Y);
    seen.set(Y, state);
  }
  const states = new Map<string, MintState>();
  for (const [y, text] of seen) {
    const state = mintState.safeParse(text);
    if (state.success && !contradicted.has(y)) states.set(y, state.data);
  }
  return states;
}

/** Refusals of a size come as 400, 413, 422 or a proxy's 5xx; "slow down" (429) is none. */
function isTooLarge(error: unknown): boolean {
  return error instanceof MintHttpError && error.status >= 400 && error.status !== 429;
}
