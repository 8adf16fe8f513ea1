import { type OpenOperation, PAID_BUT } from '../../domain/melt_operation.ts';
import type { OpenOperationView } from '../../domain/reconcile_run.ts';
import type { Examination } from './examine.ts';
import { reasonText } from './outcome.ts';

export type WhyLocked = Pick<OpenOperationView, 'reason' | 'missing' | 'look_again_at'>;

/** What was written down about a payment whose change is not told or does not add up. */
export function waitsForChange(operation: OpenOperation): string | null {
  const isWaiting = 'reason' in operation && operation.reason.startsWith(PAID_BUT);
  return isWaiting ? operation.reason : null;
}

/**
 * Why the money of an open operation is still locked.
 *
 * @param looked null where the mint could not be asked
 */
export function whyLocked(operation: OpenOperation, looked: Examination | null): WhyLocked {
  const nothing = { missing: [], look_again_at: null };
  if (looked === null) {
    return { ...nothing, reason: reasonText('MINT_UNKNOWN'), missing: ['the mint must answer'] };
  }
  const { decision } = looked;
  switch (decision.action) {
    case 'wait':
      return {
        reason: reasonText(decision.because),
        missing: decision.missing,
        look_again_at: decision.releasableAt,
      };
    case 'settle':
      return {
        ...nothing,
        reason: waitsForChange(operation) ?? 'the mint shows the payment; it is to be booked',
      };
    case 'finish':
      return { ...nothing, reason: 'its coins were exchanged; the new ones are to be stored' };
    case 'release':
      return { ...nothing, reason: `${reasonText(decision.because)}; its coins are to be freed` };
    case 'attention':
      return {
        ...nothing,
        reason: reasonText(decision.because),
        missing: ['a person must decide'],
      };
  }
}
