import type { MeltOperation } from '../domain/melt_operation.ts';
import type { NamedProof } from '../domain/proof.ts';
import type { TokenDocument } from './documents.ts';
import { changeMetadata } from './melt_atomic.ts';
import { newToken } from './new_token.ts';

/**
 * The token for coins that an exchange before a melt gave.
 *
 * @param reserved for the operation, whose payment follows; else spendable at once
 */
export function swapToken(
  operation: MeltOperation,
  transaction_id: string,
  proofs: NamedProof[],
  now: Date,
  reserved: boolean,
): TokenDocument {
  const { npub, wallet_id, mint_url } = operation;
  return newToken(
    {
      npub,
      wallet_id,
      mint_url,
      proofs,
      status: reserved ? 'pending' : 'unspent',
      transaction_type: 'change',
      transaction_id,
      metadata: changeMetadata(operation, operation.transaction_id, now),
      ...(reserved && { reserved_by: operation._id }),
    },
    now,
  );
}
