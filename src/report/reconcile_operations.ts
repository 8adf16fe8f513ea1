import { ageText } from '../config/duration.ts';
import { groupDigits } from '../domain/amount.ts';
import type { Observation } from '../domain/melt_operation.ts';
import { printable } from '../domain/printable.ts';
import type { OpenOperationView } from '../domain/reconcile_run.ts';
import { cleanText } from './clean_text.ts';
import { labelledLines } from './labelled.ts';
import { counted, type Surface, walletText } from './reconcile_words.ts';

/** So many open operations are shown to a person; the JSON has all. */
export const OPERATIONS_SHOWN_MAX = 20;
/** Of its looks the newest: the older ones only led there. */
const LOOKS_SHOWN_MAX = 4;

/** Why the money of open operations is still locked, and what to type. */
export function operationLines(
  operations: readonly OpenOperationView[],
  surface: Surface,
): string[] {
  if (operations.length === 0) return [];
  return [
    surface.paint.bold('open payments: why is the money still locked?'),
    ...operations.flatMap((operation) => linesOf(operation, surface)),
  ];
}

function linesOf(operation: OpenOperationView, { width, paint }: Surface): string[] {
  const { operation_id, state, reserved, age_s, reason, missing, look_again_at } = operation;
  const facts = `${state}, holds ${groupDigits(reserved)} sat, ${ageText(age_s)} old`;
  return [
    `  ${paint.bold(printable(operation_id, 60))}  ${facts}`,
    ...labelledLines(
      [
        ['wallet', walletText(operation)],
        ['why', cleanText(reason)],
        ['missing', missing.length === 0 ? null : cleanText(missing.join('; '))],
        ...looksOf(operation.observations),
        ['look again', look_again_at === null ? null : `from ${secondsOf(look_again_at)} on`],
      ],
      width,
      '    ',
    ),
    // Not wrapped: it is there to be copied.
    `    next: ${printable(operation.next_command, 200)}`,
  ];
}

function looksOf(observations: readonly Observation[]): [string, string][] {
  const shown = observations.slice(-LOOKS_SHOWN_MAX);
  const earlier = observations.length - shown.length;
  return [
    ...(earlier > 0 ? [['looks', `${counted(earlier, 'earlier look')}`] as [string, string]] : []),
    ...shown.map((look, at): [string, string] => [
      at === 0 && earlier === 0 ? 'looks' : '',
      lookText(look),
    ]),
  ];
}

function lookText({ at, quote, inputs }: Observation): string {
  const { unspent, pending, spent, unknown } = inputs;
  const coins = Object.entries({ unspent, pending, spent, unknown })
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${groupDigits(count)} ${state}`);
  return `${secondsOf(at)}  quote ${quote}, coins: ${coins.join(', ') || 'none'}`;
}

function secondsOf(at: Date): string {
  return at.toISOString().replace(/\.\d+Z$/, 'Z');
}
