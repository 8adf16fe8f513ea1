import type { ErrorDetails } from '../../domain/errors.ts';
import type { MeltOperation } from '../../domain/melt_operation.ts';

/** Names an operation in an error, with the command that goes on with it. */
export function detailsOf({
  _id,
  quote_id,
  transaction_id,
}: Pick<MeltOperation, '_id' | 'quote_id' | 'transaction_id'>): ErrorDetails {
  return {
    operation_id: _id,
    quote_id,
    transaction_id,
    next_command: `cashu-ops melt --resume ${_id}`,
  };
}
