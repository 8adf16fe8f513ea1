import { isBeingPaid, mayBePaidUntil } from '../../domain/being_paid.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import type { MintSide } from '../../domain/explanation.ts';
import {
  type FailedOperation,
  isOpen,
  isSettled,
  type MeltOperation,
  type Observation,
  type OpenOperation,
} from '../../domain/melt_operation.ts';
import type { MintState } from '../../domain/proof.ts';
import type { FateOfReleased, MintAnswer, OpenView } from '../../domain/safety.ts';
import { type Examination, isMintSilent, type ReleasedExamination } from '../melt/examine.ts';
import { waitsForChange, whyLocked } from '../melt/why_locked.ts';

/** What explaining needs of the melt and of the mints. */
export interface MintAsker {
  examine(operation: OpenOperation): Promise<Examination>;
  examineReleased(operation: FailedOperation): Promise<ReleasedExamination>;
  lookAt(operation: Exclude<MeltOperation, { state: 'prepared' }>): Promise<Observation>;
  /** @throws Error where the mint does not answer */
  checkStates(mintUrl: string, ys: readonly string[]): Promise<ReadonlyMap<string, MintState>>;
  /** How long a mint may take to answer a payment (ms). */
  melt_timeout_ms: number;
  clock: () => Date;
}

/** What was learned of one payment. */
export interface AskedMint {
  answer: MintAnswer;
  /** Null where nothing was asked, or no answer came. */
  observation: Observation | null;
  /** Of an open one: why it is so. */
  open: OpenView | null;
  /** Of one that was called off. */
  released: FateOfReleased;
}

/** The database alone must do. */
export const NOT_ASKED: AskedMint = {
  answer: 'not_asked',
  observation: null,
  open: null,
  released: 'not_asked',
};

/** Asks the mint how a payment stands now. Never throws for a mint that is down. */
export async function askMint(mint: MintAsker, operation: MeltOperation): Promise<AskedMint> {
  if (isOpen(operation)) return askOpen(mint, operation);
  if (isSettled(operation)) {
    const observation = await mint.lookAt(operation);
    return { ...NOT_ASKED, answer: answerOf(observation), observation };
  }
  const { view, observation } = await orSilent(
    () => mint.examineReleased(operation),
    () => ({ view: 'mint_silent' as const, observation: null }),
  );
  const answer = observation === null ? answerWithout(view) : answerOf(observation);
  return { answer, observation, open: null, released: view };
}

async function askOpen(mint: MintAsker, operation: OpenOperation): Promise<AskedMint> {
  const looked = await orSilent<Examination | null>(
    () => mint.examine(operation),
    () => null,
  );
  const observation = looked === null ? null : await shown(mint, operation, looked);
  const silent = looked === null || isMintSilent(looked);
  const answer = silent ? 'silent' : observation === null ? 'not_needed' : answerOf(observation);
  const open = openView(mint, operation, looked, answer);
  return { answer, observation, open, released: 'not_asked' };
}

/** What is kept of an earlier answer may decide; the page shows what the mint says now all the same. */
async function shown(
  mint: MintAsker,
  operation: OpenOperation,
  { observation }: Examination,
): Promise<Observation | null> {
  if (observation !== null || operation.state === 'prepared') return observation;
  return mint.lookAt(operation);
}

/** How an open payment stands, with what the mint has answered. */
function openView(
  { melt_timeout_ms, clock }: Pick<MintAsker, 'melt_timeout_ms' | 'clock'>,
  operation: OpenOperation,
  looked: Examination | null,
  mint: MintAnswer,
): OpenView {
  const isMade = looked?.decision.action === 'settle';
  if (isBeingPaid(operation, melt_timeout_ms, clock()) && !isMade) {
    const until = mayBePaidUntil(operation, melt_timeout_ms);
    return { reason: 'it may be under way right now', until, needs_person: false, mint };
  }
  const { reason: why, look_again_at } = whyLocked(operation, looked);
  // That the mint is silent is said beside.
  const reason = mint === 'silent' ? 'how it stands is not known' : why;
  const needs_person =
    operation.state === 'needs_attention' ||
    looked?.decision.action === 'attention' ||
    waitsForChange(operation) !== null;
  return { reason, until: look_again_at, needs_person, mint };
}

async function orSilent<T>(ask: () => Promise<T>, silent: () => T): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof CashuOpsError && error.kind === 'unreachable') return silent();
    throw error;
  }
}

function answerOf({ quote, inputs }: Observation): MintAnswer {
  return quote === 'UNKNOWN' || inputs.unknown > 0 ? 'silent' : 'answered';
}

/** Without a look: either nothing had to be asked, or an exchange was asked about. */
function answerWithout(view: FateOfReleased): MintAnswer {
  return view === 'mint_silent' ? 'silent' : 'not_needed';
}

/** What the mint showed, for a page. */
export function sideOf({ answer, observation }: AskedMint): MintSide {
  if (observation === null) return { answer, quote: null, coins: {} };
  const { unspent, pending, spent, unknown } = observation.inputs;
  const counts = { UNSPENT: unspent, PENDING: pending, SPENT: spent, UNKNOWN: unknown };
  const coins = Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
  return { answer, quote: observation.quote, coins };
}
