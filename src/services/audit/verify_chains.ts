import type { mongo } from 'mongoose';
import type { ChainBreak } from '../../domain/chain_check.ts';
import type { StateFault } from '../../domain/last_states.ts';
import type { AuditChains, ChainScope, Checkpoint } from '../../store/audit_chains.ts';
import {
  isSound,
  type OneChain,
  type OneResult,
  type VerifyDeps,
  verifyChain,
} from './verify_chain.ts';

/** What one chain, or all together, came to. */
export interface ChainsReport {
  chains: number;
  events: number;
  /** Taken out by `audit prune`; what is left still fits. */
  pruned: number;
  /** From before there were chains: nothing proves them. */
  unchained: number;
  /** In the order of chain and place. At most `BREAKS_KEPT_MAX` of them. */
  breaks: ChainBreak[];
  breaks_total: number;
  /** Operations whose state no event tells. */
  state_faults: StateFault[];
}

/** The newest event of a chain: who has written it down elsewhere can prove what was there. */
export interface ChainEnd {
  chain: string;
  seq: number;
  hash: string;
}

/** So many breaks are kept for the report: a log that was rewritten has one everywhere. */
export const BREAKS_KEPT_MAX = 1_000;

/**
 * Recomputes every chain in its order, and compares what its events say last of an operation with
 * the operation. Memory does not grow with the length of a chain.
 *
 * @param onChain told of each chain that was read to its end
 */
export async function verifyChains(
  { chains, states }: VerifyDeps,
  scope: ChainScope,
  onChain: (end: ChainEnd) => void = () => {},
): Promise<ChainsReport> {
  const report: ChainsReport = {
    chains: 0,
    events: 0,
    pruned: 0,
    unchained: await chains.countUnchained(scope),
    breaks: [],
    breaks_total: 0,
    state_faults: [],
  };
  const olderPruned = await chains.unchainedPrunedUntil();
  const judge = (one: OneChain, at?: mongo.FindOptions) =>
    verifyChain({ states }, one, { olderPruned, at });
  const take = async (one: OneChain) => {
    const first = await judge(one);
    // Whoever writes meanwhile makes the readings differ: what is wrong is looked at as of one moment.
    const sure = isSound(first) ? first : await again(chains, one.chain, judge);
    const { breaks, counts, faults, head } = sure;
    report.chains += 1;
    report.events += counts.events;
    report.pruned += counts.pruned;
    report.breaks_total += breaks.length;
    report.breaks.push(...breaks.slice(0, BREAKS_KEPT_MAX - report.breaks.length));
    report.state_faults.push(...faults);
    onChain({ chain: one.chain, ...head });
  };
  const seen = new Set<string>();
  for await (const one of chainByChain(chains, scope)) {
    seen.add(one.chain);
    await take(one);
  }
  // Of a chain that is gone as a whole only the operations tell.
  for (const chain of await states.chainsOfOperations(scope)) {
    if (!seen.has(chain)) await take({ chain, events: nothing(), pruned: [] });
  }
  return report;
}

function again(
  chains: AuditChains,
  chain: string,
  judge: (one: OneChain, at: mongo.FindOptions) => Promise<OneResult>,
): Promise<OneResult> {
  return chains.atOneMoment(async (at) => {
    const pruned = await chains.checkpointsOf(chain, at);
    return judge({ chain, events: chains.eventsOf(chain, at), pruned }, at);
  });
}

async function* nothing(): AsyncGenerator<never> {}

/** Two streams in the same order, put together by their chain. */
async function* chainByChain(chains: AuditChains, scope: ChainScope): AsyncGenerator<OneChain> {
  const events = new Peekable(chains.events(scope));
  const checkpoints = new Peekable(chains.checkpoints(scope));
  for (;;) {
    const heads = [await events.peek(), await checkpoints.peek()];
    const names = heads.flatMap((head) => head?.chain ?? []);
    const [chain] = names.toSorted();
    if (chain === undefined) return;
    const isOwn = (one: { chain: string }) => one.chain === chain;
    const pruned: Checkpoint[] = [];
    for await (const checkpoint of checkpoints.takeWhile(isOwn)) pruned.push(checkpoint);
    yield { chain, events: events.takeWhile(isOwn), pruned };
  }
}

/** A stream of which the next one can be looked at. */
class Peekable<T> {
  readonly #iterator: AsyncIterator<T>;
  #next: Promise<IteratorResult<T>> | null = null;

  constructor(source: AsyncIterable<T>) {
    this.#iterator = source[Symbol.asyncIterator]();
  }

  async peek(): Promise<T | undefined> {
    this.#next ??= this.#iterator.next();
    const { done, value } = await this.#next;
    return done ? undefined : value;
  }

  async *takeWhile(isWanted: (value: T) => boolean): AsyncGenerator<T> {
    for (;;) {
      const value = await this.peek();
      if (value === undefined || !isWanted(value)) return;
      this.#next = null;
      yield value;
    }
  }
}
