import type { Observation } from './melt_operation.ts';

/*
 * How looks at the mint relate to each other. What is released rests on an unbroken row of looks
 * that agree, so neither a look that failed nor a list that grows may mend or lengthen that row.
 */

/** At most this many observations are kept. */
export const OBSERVATIONS_MAX = 20;

/** Two looks agree when they show the same: numbers of coins included, time excluded. */
export function agrees(a: Observation, b: Observation): boolean {
  return (
    a.quote === b.quote &&
    a.preimage_shown === b.preimage_shown &&
    a.inputs.unspent === b.inputs.unspent &&
    a.inputs.pending === b.inputs.pending &&
    a.inputs.spent === b.inputs.spent &&
    a.inputs.unknown === b.inputs.unknown
  );
}

/**
 * A look that lacks an answer, and whose other answers fit `beside`: it neither confirms nor
 * contradicts. A look that lacks the quote but shows a coin as pending does contradict a look that
 * shows it unspent.
 */
export function saysNothingBeside(look: Observation, beside: Observation): boolean {
  const quoteMissing = look.quote === 'UNKNOWN';
  if (!quoteMissing && look.inputs.unknown === 0) return false;
  const quoteFits = quoteMissing || look.quote === beside.quote;
  const preimageFits = quoteMissing
    ? !look.preimage_shown || beside.preimage_shown
    : look.preimage_shown === beside.preimage_shown;
  return (
    quoteFits &&
    preimageFits &&
    look.inputs.unspent <= beside.inputs.unspent &&
    look.inputs.pending <= beside.inputs.pending &&
    look.inputs.spent <= beside.inputs.spent
  );
}

/** A sign that a payment happened or is under way, or that the coins are in use. */
export function showsPayment({ quote, preimage_shown, inputs }: Observation): boolean {
  const inUse = inputs.pending + inputs.spent > 0;
  return quote === 'PAID' || quote === 'PENDING' || preimage_shown || inUse;
}

/**
 * The unbroken row of looks, ending with the newest, that show the same.
 *
 * @param earlier oldest first
 * @returns newest first, with `now` itself; looks that say nothing are left out
 */
export function agreeingRow(earlier: readonly Observation[], now: Observation): Observation[] {
  const row = [now];
  for (const look of earlier.toReversed()) {
    if (saysNothingBeside(look, now)) continue;
    if (!agrees(look, now)) break;
    row.push(look);
  }
  return row;
}

/**
 * Adds an observation and keeps the list short. What goes first is a look that no later decision
 * can miss; where there is none, the oldest of all, which can only delay a release. A look that
 * shows a change stays, or an interrupted row would seem unbroken.
 */
export function withObservation(earlier: readonly Observation[], next: Observation): Observation[] {
  const looks = [...earlier, next];
  while (looks.length > OBSERVATIONS_MAX) {
    const needless = looks.findIndex((_, at) => isNeedless(looks, at));
    looks.splice(Math.max(needless, 0), 1);
  }
  return looks;
}

/** Inside a row of the same looks, or with nothing that the look after it does not say as well. */
function isNeedless(looks: readonly Observation[], at: number): boolean {
  const [before, look, after] = [looks[at - 1], looks[at], looks[at + 1]];
  if (look === undefined || after === undefined) return false;
  if (saysNothingBeside(look, after)) return true;
  return before !== undefined && agrees(before, look) && agrees(look, after);
}
