import type { mongo } from 'mongoose';
import { type ChainBreak, ChainCheck, type StoredLink } from '../../domain/chain_check.ts';
import { LastStates, type StateFault } from '../../domain/last_states.ts';
import { SignedCheckpoints } from '../../domain/signed_checkpoints.ts';
import type { AuditChains, Checkpoint } from '../../store/audit_chains.ts';
import type { StatesOfChain } from '../../store/states_of_chain.ts';

export interface VerifyDeps {
  chains: AuditChains;
  states: StatesOfChain;
}

export interface OneChain {
  chain: string;
  /** In their order. */
  events: AsyncIterable<StoredLink>;
  pruned: Checkpoint[];
}

export interface OneResult {
  breaks: ChainBreak[];
  faults: StateFault[];
  counts: ChainCheck['counts'];
  head: ChainCheck['head'];
}

interface VerifyOptions {
  /** Until when events from before there were chains were pruned; null where none were. */
  olderPruned: Date | null;
  /** The moment to read at, where one is given. */
  at?: mongo.FindOptions;
  /** Told of each event up to the first place where the chain does not hold. */
  onSound?(event: StoredLink): void;
}

export function isSound({ breaks, faults }: OneResult): boolean {
  return breaks.length === 0 && faults.length === 0;
}

/** Recomputes one chain, and compares what it says last of each operation with the operation. */
export async function verifyChain(
  { states }: Pick<VerifyDeps, 'states'>,
  { chain, events, pruned }: OneChain,
  { olderPruned, at, onSound }: VerifyOptions,
): Promise<OneResult> {
  const standing = await states.statesOf(chain, at);
  const check = new ChainCheck(chain, pruned);
  const last = new LastStates();
  const signed = new SignedCheckpoints(chain, pruned);
  const breaks: ChainBreak[] = [];
  for await (const event of events) {
    breaks.push(...check.next(event));
    last.next(event);
    signed.next(event);
    if (breaks.length === 0) onSound?.(event);
  }
  breaks.push(...check.end(), ...signed.end());
  const faults: StateFault[] = [];
  for (const fault of last.faults(standing, newest(pruned.map((range) => range.last)))) {
    const told = fault.told ?? (await states.toldBeforeChains(fault.operation_id));
    const updated_at = standing.get(fault.operation_id)?.updated_at;
    const mayBePruned = told === null && olderPruned !== null && updated_at !== undefined;
    if (!fault.changed && mayBePruned && updated_at <= olderPruned) continue;
    // Of an operation that ended before there were chains, older events tell.
    if (told !== fault.state || fault.changed) faults.push({ ...fault, told });
  }
  const { counts, head } = check;
  return { breaks, faults, counts, head };
}

function newest(moments: readonly Date[]): Date | null {
  return moments.toSorted((one, other) => one.getTime() - other.getTime()).at(-1) ?? null;
}
