import type { CriticalDetails, ErrorDetails } from '../../domain/errors.ts';
import type { MeltOperation } from '../../domain/melt_operation.ts';
import { sumProofs } from '../../domain/proof.ts';
import { journalPlace } from '../../journal/place.ts';

type Named = Pick<MeltOperation, '_id' | 'quote_id' | 'transaction_id'>;
type NamedDetails = Required<
  Pick<ErrorDetails, 'operation_id' | 'quote_id' | 'transaction_id' | 'next_command'>
>;

/** Names an operation in an error, with the command that goes on with it. */
export function detailsOf({ _id, quote_id, transaction_id }: Named): NamedDetails {
  return {
    operation_id: _id,
    quote_id,
    transaction_id,
    next_command: `cashu-ops melt --resume ${_id}`,
  };
}

/**
 * All that a person needs where money moved and the record could not follow.
 *
 * @param journal the rescue journal
 */
export function criticalDetailsOf(
  operation: MeltOperation,
  journal: { dir: string },
  recommendation: string,
): CriticalDetails {
  const at_stake_sat = sumProofs(operation.inputs);
  const place = journalPlace(journal.dir, operation);
  const facts = { at_stake: at_stake_sat, at_stake_sat, journal: place };
  return { ...detailsOf(operation), recommendation, facts };
}
