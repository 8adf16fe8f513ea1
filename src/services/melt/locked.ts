import { CashuOpsError, RecoverableError } from '../../domain/errors.ts';
import type { MeltOperation } from '../../domain/melt_operation.ts';
import { detailsOf } from './operation_details.ts';

/**
 * Once coins are claimed, "the database did not answer" also means "money is locked": the more
 * important of the two is told, with the operation and how to go on.
 *
 * @returns PAYMENT_PENDING for an unreachable or busy database and an unreachable mint, any other
 *   error unchanged
 */
export function lockedBy(error: unknown, operation: MeltOperation): unknown {
  if (!(error instanceof CashuOpsError)) return error;
  if (error.kind !== 'unreachable' && error.code !== 'DATABASE_BUSY') return error;
  return new RecoverableError(
    `Not known yet, the coins of operation ${operation._id} may be locked: ${error.message} Do not pay again; look at the operation first.`,
    detailsOf(operation),
    error,
  );
}
