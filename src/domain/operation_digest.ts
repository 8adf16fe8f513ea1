import { createHash } from 'node:crypto';
import { canonicalize } from 'json-canonicalize';
import { plain } from './audit_chain.ts';
import type { OperationBase } from './melt_operation.ts';

/** What of an operation never changes: what is paid, to whom, from whose wallet, by which quote. */
export const FIXED_FIELDS = [
  ...(['transaction_id', 'operation_hash', 'npub', 'mint_url', 'unit', 'invoice'] as const),
  ...(['payment_hash', 'quote_id', 'amount', 'fee_reserve'] as const),
];

/**
 * Binds an operation to the event with which it began. Shorter than a hash, so that no event has a
 * place where a preimage or a secret would fit.
 *
 * @returns 40 hex digits
 */
export function operationDigest(operation: Pick<OperationBase, (typeof FIXED_FIELDS)[number]>) {
  const fixed = Object.fromEntries(FIXED_FIELDS.map((field) => [field, operation[field]]));
  return createHash('sha256')
    .update(canonicalize(plain(fixed)))
    .digest('hex')
    .slice(0, 40);
}
