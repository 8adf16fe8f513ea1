import type { mongo } from 'mongoose';
import { CashuOpsError } from '../domain/errors.ts';
import { type NamedProof, type StoredProof, sumProofs } from '../domain/proof.ts';
import { tokenIdsOf } from '../domain/transaction_id.ts';
import { TOKENS } from './collections.ts';
import type { TokenDocument } from './documents.ts';
import { newToken } from './new_token.ts';

/** Whose coins they are and what the melt belongs to. */
export interface AtomicMeltMetadata {
  npub: string;
  wallet_id: string | mongo.ObjectId;
  mint_url: string;
  parent_transaction_id?: string;
  operation_hash?: string;
  /** Set when the source tokens are reserved by this operation. */
  operation_id?: string;
}

export interface AtomicMeltParams {
  sourceTokenIds: readonly mongo.ObjectId[];
  keepProofs: readonly NamedProof[];
  meltChangeProofs: readonly NamedProof[];
  transactionId: string;
  metadata: AtomicMeltMetadata;
}

/** One document that the melt changed or wrote. */
export type AtomicMeltStep =
  | { operation: 'mark_source_tokens_spent'; count: number; token_ids: string[] }
  | {
      operation: 'store_keep_proofs' | 'store_melt_change_proofs';
      token_id: string;
      amount: number;
    };

export interface AtomicMeltWrites {
  keep: TokenDocument | null;
  meltChange: TokenDocument | null;
  steps: AtomicMeltStep[];
}

/**
 * The writes of a melt that happened, inside the caller's transaction: source tokens become spent,
 * what came back is stored as change, nothing else is written. A keep proof that is an untouched
 * coin of a source leaves the source first, so that no coin stands twice.
 *
 * @throws CashuOpsError TOKENS_NOT_AVAILABLE when not every source was live and free (or reserved
 *   by `metadata.operation_id`), INVALID_TOKEN for a keep proof that is not the coin it names: the
 *   caller's transaction rolls back
 */
export async function applyAtomicMelt(
  db: mongo.Db,
  session: mongo.ClientSession,
  params: AtomicMeltParams,
  now: Date,
): Promise<AtomicMeltWrites> {
  const tokens = db.collection<TokenDocument>(TOKENS);
  await detachUntouched(tokens, session, params, now);
  const { sourceTokenIds } = params;
  const spent = await tokens.updateMany(
    sourceFilter(params),
    { $set: { status: 'spent', spent_at: now, updatedAt: now }, $unset: { reserved_by: '' } },
    { session },
  );
  if (spent.modifiedCount !== sourceTokenIds.length) {
    throw notAvailable(sourceTokenIds.length, spent.modifiedCount);
  }
  const ids = tokenIdsOf(params.transactionId);
  const keep = changeToken(params, ids.keep, params.keepProofs, now);
  const meltChange = changeToken(params, ids.meltChange, params.meltChangeProofs, now);
  for (const token of [keep, meltChange]) {
    // One by one: an error of a bulk write does not name the coin that is live elsewhere.
    if (token !== null) await tokens.insertOne(token, { session });
  }
  const token_ids = sourceTokenIds.map(String);
  return {
    keep,
    meltChange,
    steps: [
      { operation: 'mark_source_tokens_spent', count: spent.modifiedCount, token_ids },
      ...stepOf('store_keep_proofs', keep),
      ...stepOf('store_melt_change_proofs', meltChange),
    ],
  };
}

function stepOf(
  operation: 'store_keep_proofs' | 'store_melt_change_proofs',
  token: TokenDocument | null,
): AtomicMeltStep[] {
  if (token === null) return [];
  return [{ operation, token_id: String(token._id), amount: token.total_amount }];
}

/** Live sources of this wallet and mint; reserved by the operation, or by nobody. */
function sourceFilter({ sourceTokenIds, metadata }: AtomicMeltParams): mongo.Filter<TokenDocument> {
  const { npub, mint_url, operation_id } = metadata;
  const free: mongo.Filter<TokenDocument> = operation_id
    ? { status: 'pending', reserved_by: operation_id }
    : { status: 'unspent', reserved_by: { $exists: false } };
  return { _id: { $in: [...sourceTokenIds] }, npub, mint_url, ...free };
}

async function detachUntouched(
  tokens: mongo.Collection<TokenDocument>,
  session: mongo.ClientSession,
  params: AtomicMeltParams,
  now: Date,
): Promise<void> {
  const kept = new Map(params.keepProofs.map((proof) => [proof.secret, proof]));
  if (kept.size === 0) return;
  const sources = await tokens.find(sourceFilter(params), { session }).toArray();
  for (const source of sources) {
    const melted = source.proofs.filter((proof) => !kept.has(proof.secret));
    if (melted.length === source.proofs.length) continue;
    for (const stored of source.proofs) assertSameCoin(stored, kept.get(stored.secret));
    if (melted.length === 0) {
      throw new CashuOpsError(
        'INVALID_TOKEN',
        `Source token ${source._id} would keep all of its coins, so nothing of it was melted; leave it out of the sources.`,
      );
    }
    const total_amount = sumProofs(melted);
    await tokens.updateOne(
      { _id: source._id },
      { $set: { proofs: melted, total_amount, updatedAt: now } },
      { session },
    );
  }
}

/** A coin that stays is stored as the caller gave it, so it must be what it was. */
function assertSameCoin(stored: StoredProof, kept: NamedProof | undefined): void {
  if (kept === undefined) return;
  const same = kept.amount === stored.amount && kept.id === stored.id && kept.C === stored.C;
  if (same) return;
  throw new CashuOpsError(
    'INVALID_TOKEN',
    `The keep proof ${kept.Y} is a coin of a source token, but not with the same amount, keyset and signature. Nothing was changed.`,
  );
}

function changeToken(
  { metadata, transactionId }: AtomicMeltParams,
  transaction_id: string,
  proofs: readonly NamedProof[],
  now: Date,
): TokenDocument | null {
  if (proofs.length === 0) return null;
  return newToken(
    {
      npub: metadata.npub,
      wallet_id: metadata.wallet_id,
      mint_url: metadata.mint_url,
      proofs,
      status: 'unspent',
      transaction_type: 'change',
      transaction_id,
      metadata: changeMetadata(metadata, transactionId, now),
    },
    now,
  );
}

/** What a change document says of its origin. */
export function changeMetadata(
  metadata: Pick<AtomicMeltMetadata, 'parent_transaction_id' | 'operation_hash'>,
  transactionId: string,
  now: Date,
): TokenDocument['metadata'] {
  return {
    source: 'change',
    parent_transaction_id: metadata.parent_transaction_id ?? transactionId,
    ...(metadata.operation_hash && { operation_hash: metadata.operation_hash }),
    atomic_operation: true,
    operation_timestamp: now,
  };
}

function notAvailable(wanted: number, got: number): CashuOpsError {
  return new CashuOpsError(
    'TOKENS_NOT_AVAILABLE',
    `Only ${got} of ${wanted} source tokens were free: another operation was faster, or they are not in this wallet. Nothing was changed.`,
  );
}
