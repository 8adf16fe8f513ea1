import type { mongo } from 'mongoose';
import { type ChainBreak, ChainCheck, type StoredLink } from '../../domain/chain_check.ts';
import { LastStates, type StandingState, type StateFault } from '../../domain/last_states.ts';
import { SignedCheckpoints } from '../../domain/signed_checkpoints.ts';
import type { AuditChains, ChainScope, Checkpoint } from '../../store/audit_chains.ts';
import type { StatesOfChain } from '../../store/states_of_chain.ts';

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

export interface VerifyDeps {
  chains: AuditChains;
  states: StatesOfChain;
}

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
  const judge = async (one: OneChain, at?: mongo.FindOptions) =>
    verifyChain(one, await states.statesOf(one.chain, at), olderPruned);
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
    report.state_faults.push(...(await withoutOlder(states, faults)));
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

interface OneResult {
  breaks: ChainBreak[];
  faults: StateFault[];
  counts: ChainCheck['counts'];
  head: ChainCheck['head'];
}

function isSound({ breaks, faults }: OneResult): boolean {
  return breaks.length === 0 && faults.length === 0;
}

/** @param standing how the operations of its wallet stand, read when the events are: see `again` */
async function verifyChain(
  { chain, events, pruned }: OneChain,
  standing: ReadonlyMap<string, StandingState>,
  olderPruned: Date | null,
): Promise<OneResult> {
  const check = new ChainCheck(chain, pruned);
  const states = new LastStates();
  const signed = new SignedCheckpoints(chain, pruned);
  const breaks: ChainBreak[] = [];
  for await (const event of events) {
    breaks.push(...check.next(event));
    states.next(event);
    signed.next(event);
  }
  breaks.push(...check.end(), ...signed.end());
  const moments = [...pruned.map(({ last }) => last), ...(olderPruned ? [olderPruned] : [])];
  const latest = moments.toSorted((one, other) => one.getTime() - other.getTime()).at(-1) ?? null;
  const { counts, head } = check;
  return { breaks, faults: states.faults(standing, latest), counts, head };
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

/** Of an operation that ended before there were chains, older events tell. */
async function withoutOlder(
  standing: StatesOfChain,
  faults: readonly StateFault[],
): Promise<StateFault[]> {
  const left: StateFault[] = [];
  for (const fault of faults) {
    const told = fault.told ?? (await standing.toldBeforeChains(fault.operation_id));
    if (told !== fault.state || fault.changed) left.push({ ...fault, told });
  }
  return left;
}

interface OneChain {
  chain: string;
  events: AsyncIterable<StoredLink>;
  pruned: Checkpoint[];
}

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
