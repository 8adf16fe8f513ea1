import type { DatabaseSide, Sum } from '../../domain/explanation.ts';
import {
  isOpen,
  isSettled,
  type MeltOperation,
  type OpenOperation,
} from '../../domain/melt_operation.ts';
import {
  type HeldSat,
  type OpenView,
  type Safety,
  safetyOfFailed,
  safetyOfOpen,
  safetyOfPaid,
} from '../../domain/safety.ts';
import type { AskedMint } from './ask_mint.ts';

/** Is the money of a payment safe, by what the database holds and what the mint has said? */
export function judge(
  operation: MeltOperation,
  asked: AskedMint,
  database: DatabaseSide,
  sum: Sum | null,
): Safety {
  const held = heldOf(database);
  if (isOpen(operation)) {
    return safetyOfOpen(operation, asked.open ?? asWritten(operation), held);
  }
  if (isSettled(operation)) return safetyOfPaid(operation, asked, held, sum?.difference ?? 0);
  return safetyOfFailed(operation, asked.released, asked.answer, held);
}

function heldOf({ coins }: DatabaseSide): HeldSat {
  const { unspent, pending, reserved, missing } = coins;
  const free = (unspent?.sat ?? 0) + (pending?.sat ?? 0);
  return { free, reserved: reserved?.sat ?? 0, missing: missing?.sat ?? 0 };
}

/** Why it is open, by the database alone. */
function asWritten(operation: OpenOperation): OpenView {
  const needs_person = operation.state === 'needs_attention';
  return { reason: reasonOf(operation), until: null, needs_person, mint: 'not_asked' };
}

function reasonOf(operation: OpenOperation): string {
  switch (operation.state) {
    case 'prepared':
      return 'its coins are set aside, and the mint was not asked to pay yet';
    case 'swapping':
      return 'an exchange of its coins was asked for, and no answer is written down';
    case 'submitting':
      return 'the mint was asked to pay, and no answer is written down';
    case 'pending':
    case 'needs_attention':
      return operation.reason;
  }
}
