import { type ChainBreak, ChainCheck, type StoredLink } from '../../domain/chain_check.ts';
import { LastStates, type StateFault } from '../../domain/last_states.ts';
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
 * the operation. Memory does not grow with the log.
 *
 * @param onChain told of each chain that was read to its end
 */
export async function verifyChains(
  { chains, states: standing }: VerifyDeps,
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
  const keep = (breaks: readonly ChainBreak[]) => {
    report.breaks_total += breaks.length;
    report.breaks.push(...breaks.slice(0, BREAKS_KEPT_MAX - report.breaks.length));
  };
  for await (const { chain, events, pruned } of chainByChain(chains, scope)) {
    const check = new ChainCheck(chain, pruned);
    const states = new LastStates();
    const signed = new SignedCheckpoints(chain, pruned);
    for await (const event of events) {
      keep(check.next(event));
      states.next(event);
      signed.next(event);
    }
    keep([...check.end(), ...signed.end()]);
    const { counts, head } = check;
    report.chains += 1;
    report.events += counts.events;
    report.pruned += counts.pruned;
    const faults = states.faults(await standing.statesOf(chain), counts.pruned > 0);
    report.state_faults.push(...(await withoutOlder(standing, faults)));
    onChain({ chain, ...head });
  }
  return report;
}

/** Of an operation that ended before there were chains, older events tell. */
async function withoutOlder(
  standing: StatesOfChain,
  faults: readonly StateFault[],
): Promise<StateFault[]> {
  const left: StateFault[] = [];
  for (const fault of faults) {
    const told = fault.told ?? (await standing.toldBeforeChains(fault.operation_id));
    if (told !== fault.state) left.push({ ...fault, told });
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
