import type { mongo } from 'mongoose';
import { AUDIT_YS_MAX } from '../domain/audit_event.ts';
import { CashuOpsError } from '../domain/errors.ts';
import { type NamedProof, type StoredProof, sumProofs } from '../domain/proof.ts';
import { named } from '../domain/proof_y.ts';
import { tokenIdsOf, transactionIdProblems } from '../domain/transaction_id.ts';
import type { AuditEntry, AuditLog } from './audit_log.ts';
import type { Store } from './connection.ts';
import { tokensOf } from './documents.ts';
import {
  type AtomicMeltMetadata,
  type AtomicMeltParams,
  type AtomicMeltStep,
  applyAtomicMelt,
} from './melt_atomic.ts';
import { bookHashOnce, duplicateBooking, findBookedToken } from './melt_duplicates.ts';
import { toObjectId } from './new_token.ts';

/** What a melt wrote; the names are those of the wallet service's contract. */
export interface AtomicMeltResult {
  success: true;
  transaction_id: string;
  source_tokens_spent: number;
  keep_token_id: mongo.ObjectId | null;
  /** sat */
  keep_amount: number;
  melt_change_token_id: mongo.ObjectId | null;
  /** sat */
  melt_change_amount: number;
  operations: AtomicMeltStep[];
  audit_log: AuditEntry;
}

/** Is a transaction id fit for an operation that begins now? */
export interface TransactionIdCheck {
  valid: boolean;
  problems: string[];
}

/**
 * Checks form, length and uniqueness of a transaction id.
 *
 * @param operationType only named in the sentence
 * @throws CashuOpsError DATABASE_UNREACHABLE
 */
export async function validateTransactionId(
  { db }: Pick<Store, 'db'>,
  transactionId: string,
  operationType = 'melt',
): Promise<TransactionIdCheck> {
  const problems = formProblems(transactionId);
  if (problems.length === 0) {
    const { keep, meltChange } = tokenIdsOf(transactionId);
    const taken = await tokensOf(db).findOne(
      { transaction_id: { $in: [transactionId, keep, meltChange] } },
      { projection: { _id: 1 } },
    );
    if (taken !== null) problems.push(`in use by another ${operationType} or token already`);
  }
  return { valid: problems.length === 0, problems };
}

/** The id itself must be sound, and so must the longer ids of the tokens that carry it. */
function formProblems(transactionId: unknown): string[] {
  if (typeof transactionId !== 'string') return ['not a text'];
  const own = transactionIdProblems(transactionId);
  const { meltChange } = tokenIdsOf(transactionId);
  if (own.length > 0 || transactionIdProblems(meltChange).length === 0) return own;
  return ['so long that the ids of its tokens ("…_melt_change") would not fit'];
}

/**
 * Books a melt that the mint has carried out, all or nothing: source tokens become spent, keep and
 * change proofs are stored as `change` (`<tx>_keep`, `<tx>_melt_change`), with one audit event. A
 * keep proof that is an untouched coin of a source leaves the source in the same transaction.
 * Never writes a `melted` document, never a consumed proof into a new one.
 *
 * @param sourceTokenIds tokens whose coins were melted; live and free, or reserved by
 *   `metadata.operation_id`
 * @param keepProofs coins that came back from a swap before the melt, or were not used
 * @param meltChangeProofs change of the melt itself (NUT-08)
 * @param metadata whose coins; `operation_hash` makes a second call within five minutes a duplicate
 * @throws CashuOpsError INVALID_ARGUMENT, INVALID_TRANSACTION_ID, INVALID_TOKEN,
 *   DUPLICATE_OPERATION, DUPLICATE_LIVE_PROOF, TOKENS_NOT_AVAILABLE, DATABASE_UNREACHABLE; nothing
 *   is changed then
 */
export async function executeAtomicMelt(
  deps: { store: Store; audit: AuditLog; clock: () => Date },
  sourceTokenIds: readonly (mongo.ObjectId | string)[],
  keepProofs: readonly StoredProof[] | null | undefined,
  meltChangeProofs: readonly StoredProof[] | null | undefined,
  transactionId: string,
  metadata: AtomicMeltMetadata,
): Promise<AtomicMeltResult> {
  const { store, audit, clock } = deps;
  const params: AtomicMeltParams = {
    sourceTokenIds: uniqueIds(sourceTokenIds),
    keepProofs: (keepProofs ?? []).map(renamed),
    meltChangeProofs: (meltChangeProofs ?? []).map(renamed),
    transactionId,
    metadata: checkedMetadata(metadata),
  };
  const now = clock();
  const melted = await assertBookable(store, params, now);
  const { operation_hash, operation_id = null } = metadata;
  return store.transactions.run(async (session) => {
    if (operation_hash) {
      await bookHashOnce(store.db, session, operation_hash, transactionId, now);
    }
    const writes = await applyAtomicMelt(store.db, session, params, now);
    const keep_amount = sumProofs(params.keepProofs);
    const melt_change_amount = sumProofs(params.meltChangeProofs);
    const audit_log = await audit.createAuditLogEntry(session, {
      type: 'atomic_melt',
      severity: 'INFO',
      npub: metadata.npub,
      mint_url: metadata.mint_url,
      operation_id,
      transaction_id: transactionId,
      before: operation_id === null ? 'unspent' : 'pending',
      after: 'spent',
      amounts: { sources: sumProofs(melted), keep: keep_amount, melt_change: melt_change_amount },
      ys: melted.slice(0, AUDIT_YS_MAX).map(({ Y }) => Y),
    });
    return {
      success: true,
      transaction_id: transactionId,
      source_tokens_spent: params.sourceTokenIds.length,
      keep_token_id: writes.keep?._id ?? null,
      keep_amount,
      melt_change_token_id: writes.meltChange?._id ?? null,
      melt_change_amount,
      operations: writes.steps,
      audit_log,
    };
  });
}

/** Coins from another service get their names from here: a wrong one would hide them from checks. */
function renamed({ Y: _, ...proof }: StoredProof): NamedProof {
  return named(proof);
}

function uniqueIds(ids: readonly (mongo.ObjectId | string)[] | null | undefined): mongo.ObjectId[] {
  if (!ids?.length) {
    throw new CashuOpsError('INVALID_ARGUMENT', 'Source token ids are required: none was given.');
  }
  const unique = new Set(ids.map(String));
  if (unique.size < ids.length) {
    throw new CashuOpsError('INVALID_ARGUMENT', 'A source token id stands twice in the list.');
  }
  return [...unique].map((id) => toObjectId(id, 'A source token id'));
}

function checkedMetadata(metadata: AtomicMeltMetadata): AtomicMeltMetadata {
  const missing = (['npub', 'wallet_id', 'mint_url'] as const).filter((key) => !metadata?.[key]);
  if (missing.length === 0) return metadata;
  throw new CashuOpsError(
    'INVALID_ARGUMENT',
    `Missing required metadata: ${missing.join(', ')} (npub, wallet_id and mint_url are required).`,
  );
}

/**
 * What can be known before the transaction; what matters is checked again inside it.
 *
 * @returns the coins that are melted
 */
async function assertBookable(
  store: Store,
  { transactionId, sourceTokenIds, keepProofs, meltChangeProofs, metadata }: AtomicMeltParams,
  now: Date,
): Promise<NamedProof[]> {
  const { operation_hash } = metadata;
  const [id, sources, earlier] = await Promise.all([
    validateTransactionId(store, transactionId),
    tokensOf(store.db)
      .find({ _id: { $in: [...sourceTokenIds] } })
      .toArray(),
    operation_hash ? findBookedToken(store.db, operation_hash, now) : null,
  ]);
  if (!id.valid) throw invalidId(transactionId, id.problems);
  if (earlier !== null) throw duplicateBooking(earlier.metadata.parent_transaction_id);
  const held = sources.flatMap((source) => source.proofs);
  const secrets = new Set(held.map((proof) => proof.secret));
  const kept = new Set(keepProofs.map((proof) => proof.secret));
  if (meltChangeProofs.some(({ secret }) => secrets.has(secret) || kept.has(secret))) {
    throw new CashuOpsError(
      'INVALID_TOKEN',
      'A change proof is a coin of a source token or a keep proof too: consumed coins are never stored again. Nothing was changed.',
    );
  }
  return held.filter(({ secret }) => !kept.has(secret)).map(named);
}

function invalidId(transactionId: unknown, problems: string[]): CashuOpsError {
  return new CashuOpsError(
    'INVALID_TRANSACTION_ID',
    `The transaction id "${String(transactionId).slice(0, 120)}" is ${problems.join(' and ')}.`,
  );
}
