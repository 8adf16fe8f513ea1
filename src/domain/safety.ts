import { groupDigits } from './amount.ts';
import {
  type FailedOperation,
  type Observation,
  type OpenOperation,
  type SettledOperation,
  totalInputFee,
} from './melt_operation.ts';
import { printable } from './printable.ts';
import { sumProofs } from './proof.ts';

/*
 * Is the money of one payment safe? The one line that a support person reads aloud. Pure: the
 * database was read and the mint was asked before.
 */

export const SAFETY_VERDICTS = ['safe', 'locked', 'at_risk', 'lost'] as const;
export type SafetyVerdict = (typeof SAFETY_VERDICTS)[number];

export interface Safety {
  verdict: SafetyVerdict;
  /** What is locked, at risk or lost (sat); 0 where the money is safe. */
  sat: number;
  /** Before then nothing changes; null where no time is known. */
  until: Date | null;
  /** Why, as half a sentence. */
  because: string;
  mint: MintAnswer;
  /** Trouble that a page of its own leads out of. */
  trouble: Trouble | null;
}

/** Not proven to the payee; made twice; held for a payment that is not there. */
export type Trouble = 'unproven' | 'paid_twice' | 'orphaned';

/** Whether the mint was asked, and has answered all: without it, only the database speaks. */
export type MintAnswer = 'answered' | 'silent' | 'not_asked' | 'not_needed';

/** What the mint shows of a payment that was made. */
export interface SeenAtMint {
  answer: MintAnswer;
  observation: Observation | null;
}

/** What the tokens hold of a payment's coins now (sat). */
export interface HeldSat {
  /** In no token at all. */
  missing: number;
  /** In the balance, free to be used. */
  free: number;
  /** Still reserved for this payment. */
  reserved: number;
}

/**
 * A payment that is booked as made.
 *
 * @param missing_sat so much of its change is in no token; below 0: so much more is there
 */
export function safetyOfPaid(
  operation: SettledOperation,
  seen: SeenAtMint,
  held: HeldSat,
  missing_sat: number,
): Safety {
  const mint = seen.answer;
  if (operation.state === 'paid_again') {
    const sat = operation.amount + operation.lightning_fee + totalInputFee(operation);
    const twice = 'the invoice was paid before, so the payee has it twice';
    return verdictOf('lost', sat, twice, mint, 'paid_twice');
  }
  if (missing_sat > 0) {
    return verdictOf('at_risk', missing_sat, 'so much of its change is in no token', mint);
  }
  if (missing_sat < 0) {
    const more = 'more change is stored than the payment left over';
    return verdictOf('at_risk', -missing_sat, more, mint);
  }
  const counted = held.free + held.reserved;
  if (counted > 0) {
    const twice = 'the payment is booked, and the balance still counts coins of it';
    return verdictOf('at_risk', counted, twice, mint);
  }
  const shown =
    mint !== 'answered' || seen.observation === null
      ? safe('the payment is booked', mint)
      : asTheMintShows(operation, seen.observation);
  if (shown.verdict !== 'safe' || operation.preimage_valid) return shown;
  // Mints show none of what they pay among themselves; one that does not fit is another matter.
  if (operation.preimage === null) {
    const because = `${shown.because}; the mint has shown no proof that the payee has it`;
    return { ...shown, because, trouble: 'unproven' };
  }
  const because =
    'it is booked as paid, and what the mint shows as its proof is none: ask the payee';
  return verdictOf('at_risk', operation.amount, because, mint, 'unproven');
}

function asTheMintShows(operation: SettledOperation, { quote, inputs }: Observation): Safety {
  const free = inputs.unspent + inputs.pending;
  const unpaid = quote === 'UNPAID' || quote === 'PENDING';
  if (!unpaid && free === 0) {
    return safe('the payment is booked, and the mint has taken the coins for it', 'answered');
  }
  const shown = free > 0 ? 'does not call all of its coins spent' : `calls it ${quote}`;
  const because = `it is booked as paid, and the mint ${shown}`;
  return verdictOf('at_risk', sumProofs(operation.inputs), because, 'answered');
}

/** What became of a payment that was called off. */
export type FateOfReleased = 'unpaid' | 'happened' | 'not_known' | 'mint_silent' | 'not_asked';

/** A payment that is booked as not made: its coins count as free. */
export function safetyOfFailed(
  operation: FailedOperation,
  fate: FateOfReleased,
  mint: MintAnswer,
  held: HeldSat,
): Safety {
  const sat = sumProofs(operation.inputs);
  if (fate === 'happened') {
    return verdictOf('at_risk', sat, 'it is booked as failed, and it went through late', mint);
  }
  if (fate === 'not_known') {
    const because =
      'it is booked as failed, and the mint does not say that it can no longer be paid';
    return verdictOf('at_risk', sat, because, mint);
  }
  if (held.missing > 0) {
    const because = 'the payment was called off, and coins of it are in no token';
    return verdictOf('at_risk', held.missing, because, mint);
  }
  if (held.reserved > 0) {
    const because = 'the payment was called off, and its coins are still reserved for it';
    return verdictOf('locked', held.reserved, because, mint);
  }
  return fate === 'unpaid'
    ? safe('nothing was paid, and its coins were freed', mint)
    : safe('it is booked as not paid, and its coins were freed', mint);
}

/** What is known of an open payment. */
export interface OpenView {
  /** Why it is still open. */
  reason: string;
  until: Date | null;
  /** Nothing that anybody waits for will end it. */
  needs_person: boolean;
  mint: MintAnswer;
}

/** A payment that is not at its end: its coins are neither spent nor free. */
export function safetyOfOpen(operation: OpenOperation, view: OpenView, held: HeldSat): Safety {
  const sat = sumProofs(operation.inputs);
  if (held.free > 0) {
    const because = 'it has not ended, and the balance counts coins of it as free';
    return verdictOf('at_risk', held.free, because, view.mint);
  }
  if (held.missing > 0) {
    const because = 'it has not ended, and coins of it are in no token';
    return verdictOf('at_risk', held.missing, because, view.mint);
  }
  const verdict = view.needs_person ? 'at_risk' : 'locked';
  const { until, reason: because, mint } = view;
  return { verdict, sat, until, because, mint, trouble: null };
}

/** A payment of which only events are left. @param sat as the newest of them says */
export function safetyOfGone(sat: number): Safety {
  const because =
    'the audit log tells of this payment, and the payment itself is not in the database';
  return verdictOf('at_risk', sat, because, 'not_asked');
}

/** Coins that count as held for payments that are not there. @param sat what they are worth */
export function safetyOfOrphans(sat: number, mint: MintAnswer): Safety {
  const because = 'they are held for a payment that is not in the database';
  return verdictOf('at_risk', sat, because, mint, 'orphaned');
}

/** Another try of the same invoice is booked as paid, and this one went through late. */
export function safetyOfLateSecond(safety: Safety): Safety {
  const because =
    'it is booked as failed, and it went through late; another try has paid the same invoice, so the payee may have it twice';
  return { ...safety, because, trouble: 'paid_twice' };
}

/** The worst of several; where one mint is silent, that is said of all. */
export function gravest(one: Safety, ...others: readonly Safety[]): Safety {
  const all = [one, ...others];
  const rank = ({ verdict }: Safety) => SAFETY_VERDICTS.indexOf(verdict);
  const worst = all.reduce((known, next) => (rank(next) > rank(known) ? next : known));
  const silent = all.some(({ mint }) => mint === 'silent');
  return silent ? { ...worst, mint: 'silent' } : worst;
}

function safe(because: string, mint: MintAnswer): Safety {
  return verdictOf('safe', 0, because, mint);
}

export function verdictOf(
  verdict: SafetyVerdict,
  sat: number,
  because: string,
  mint: MintAnswer,
  trouble: Trouble | null = null,
): Safety {
  return { verdict, sat, until: null, because, mint, trouble };
}

const BECAUSE_MAX = 500;

/** The verdict as one line, without colours. */
export function safetyLine(safety: Safety): string {
  const { because, mint } = safety;
  return `${verdictText(safety)} (${printable(because, BECAUSE_MAX)}${LIMITS[mint]})`;
}

/** `safe`, `locked: 1 200 sat until …`, `at risk: 1 200 sat`. */
export function verdictText({ verdict, sat, until }: Safety): string {
  const amount = verdict === 'safe' ? '' : `: ${groupDigits(sat)} sat`;
  const time = until === null ? '' : ` until ${until.toISOString().slice(0, 19)}Z at least`;
  return `${verdictWord(verdict)}${amount}${time}`;
}

export function verdictWord(verdict: SafetyVerdict): string {
  return verdict === 'at_risk' ? 'at risk' : verdict;
}

const LIMITS: Readonly<Record<MintAnswer, string>> = {
  answered: '',
  not_needed: '',
  silent: '; so says the database, and the mint did not answer',
  not_asked: '; so says the database, and the mint was not asked',
};
