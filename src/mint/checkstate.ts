import { MINT_STATES, type MintState } from '../domain/proof.ts';
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

/**
 * Reads an answer about states, by hand: a schema takes three times as long, and refuses a whole
 * answer for one broken row. Here such a row is left out, and its coin is unknown.
 *
 * @param asked public names of the coins, in lower case
 * @returns states by Y, only of coins that were asked for and answered without contradiction
 * @throws Error when not one row has the form of NUT-07, so that no mint has answered
 */
export function readStates(asked: readonly string[], answer: unknown): Map<string, MintState> {
  return statesInOrder(asked, answer) ?? statesByName(asked, answer);
}

/**
 * The states of an answer that has one sound row for each coin, in the order of the question. Most
 * mints answer so, and then no row need be looked up by its name.
 *
 * @returns null for any other answer
 */
function statesInOrder(asked: readonly string[], answer: unknown): Map<string, MintState> | null {
  const { states: rows } = (answer ?? {}) as { states?: unknown };
  if (!Array.isArray(rows) || rows.length !== asked.length || !rows.some(isOfMint)) return null;
  const states = new Map<string, MintState>();
  for (const [at, y] of asked.entries()) {
    const row: unknown = rows[at];
    if (!isRow(row) || row.Y !== y || !isMintState(row.state)) return null;
    states.set(y, row.state);
  }
  return states;
}

function statesByName(asked: readonly string[], answer: unknown): Map<string, MintState> {
  const wanted = new Set(asked);
  const states = new Map<string, MintState>();
  /** Of these the answer names several states, or one that does not exist. */
  const doubtful = new Set<string>();
  for (const { Y, state } of rowsOf(answer)) {
    const y = wanted.has(Y) ? Y : Y.toLowerCase();
    if (!wanted.has(y)) continue;
    const before = states.get(y);
    if (before === undefined && isMintState(state)) states.set(y, state);
    else if (before === undefined || before !== state) doubtful.add(y);
  }
  for (const y of doubtful) states.delete(y);
  return states;
}

interface Row {
  Y: string;
  /** Anything: what is no state contradicts the other rows of its coin. */
  state: unknown;
}

function rowsOf(answer: unknown): Row[] {
  const { states } = (answer ?? {}) as { states?: unknown };
  if (!Array.isArray(states)) throw new Error('the answer has no list of states');
  const rows = states.filter(isRow);
  if (states.length > 0 && !rows.some(isOfMint)) {
    throw new Error('the list of states names no coin with a state');
  }
  return rows;
}

function isRow(row: unknown): row is Row {
  return typeof row === 'object' && row !== null && 'Y' in row && typeof row.Y === 'string';
}

const POINT = /^0[23][0-9a-f]{64}$/i;

function isOfMint(row: unknown): boolean {
  if (!isRow(row)) return false;
  const { Y, state } = row;
  return typeof state === 'string' && POINT.test(Y);
}

function isMintState(state: unknown): state is MintState {
  return MINT_STATES.some((known) => known === state);
}

/** Refusals of a size come as 400, 413, 422 or a proxy's 5xx; "slow down" (429) is none. */
export function isTooLarge(error: unknown): boolean {
  return error instanceof MintHttpError && error.status >= 400 && error.status !== 429;
}
