import { groupDigits } from '../domain/amount.ts';
import type { ChainBreak } from '../domain/chain_check.ts';
import { assertNever } from '../domain/errors.ts';
import type { StateFault } from '../domain/last_states.ts';

/** What was done to a chain at one place, in words. */
export function breakWords({ kind, seq, to_seq, event_id }: ChainBreak): string {
  const event = `event ${groupDigits(seq)}${event_id === null ? '' : ` (${event_id})`}`;
  switch (kind) {
    case 'changed':
      return `${event} was changed after it was written`;
    case 'moved':
      return `${event} was written for another place in the chain`;
    case 'not_following':
      return `events ${groupDigits(seq)} and ${groupDigits(to_seq)} do not follow each other: one of them was written anew`;
    case 'missing':
      return seq === to_seq
        ? `${event} is missing`
        : `events ${groupDigits(seq)} to ${groupDigits(to_seq)} are missing`;
    case 'unsigned':
      return `events ${groupDigits(seq)} to ${groupDigits(to_seq)} were cleared away, and nobody signs for it`;
    case 'unknown_version':
      return `${event} is of another version than this tool knows, so it cannot be checked`;
    default:
      return assertNever(kind);
  }
}

/** An operation that stands otherwise than its events say, in words. */
export function faultWords({ operation_id, state, told, changed }: StateFault): string {
  if (changed) {
    return `operation ${operation_id} was changed: its invoice, amount, quote or owner is not what it began with`;
  }
  if (state === null) return `operation ${operation_id} is gone; its last event says ${told}`;
  if (told === null) return `operation ${operation_id} is ${state}, and no event says so`;
  return `operation ${operation_id} is ${state}; its last event says ${told}`;
}
