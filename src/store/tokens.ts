import type { mongo } from 'mongoose';
import { AUDIT_YS_MAX, type AuditEventData } from '../domain/audit_event.ts';
import { CashuOpsError } from '../domain/errors.ts';
import { type StoredProof, sumProofs } from '../domain/proof.ts';
import { named } from '../domain/proof_y.ts';
import type { AuditLog } from './audit_log.ts';
import type { Store } from './connection.ts';
import { LIVE_STATUSES, type TokenDocument, tokensOf } from './documents.ts';
import { type NewTokenFields, newToken, toObjectId } from './new_token.ts';

/** A token to store; the public names of its coins are added. */
export type TokenData = Omit<NewTokenFields, 'proofs'> & { proofs: readonly StoredProof[] };

/**
 * Stores a token, with its audit event.
 *
 * @throws CashuOpsError INVALID_TOKEN for broken rules, DUPLICATE_LIVE_PROOF (`facts.y`) when one
 *   of its coins is live already, DUPLICATE_OPERATION when its transaction id is taken
 */
export async function storeTokens(
  store: Store,
  audit: AuditLog,
  data: TokenData,
  now: Date,
): Promise<TokenDocument> {
  const proofs = data.proofs.map(named);
  const token = newToken({ ...data, proofs }, now);
  await store.transactions.run(async (session) => {
    await tokensOf(store.db).insertOne(token, { session });
    await audit.createAuditLogEntry(session, tokensEvent('tokens_stored', [token], token.status));
  });
  return token;
}

/**
 * Marks live tokens spent, all or none, with an audit event for each wallet concerned.
 *
 * Tokens that an operation holds are left to that operation: it settles them.
 *
 * @param tokenIds ids of token documents
 * @param session the caller's transaction; without one the call is a transaction of its own
 * @returns how many were marked: all of them
 * @throws CashuOpsError TOKENS_NOT_AVAILABLE when one is not live, not there, or reserved
 */
export async function markTokensAsSpent(
  store: Store,
  audit: AuditLog,
  tokenIds: readonly (mongo.ObjectId | string)[],
  { session, now }: { session?: mongo.ClientSession; now: Date },
): Promise<{ modified: number }> {
  const ids = [...new Set(tokenIds.map(String))].map((id) => toObjectId(id, 'A token id'));
  if (session !== undefined) return markSpent(store.db, audit, ids, session, now);
  return store.transactions.run((own) => markSpent(store.db, audit, ids, own, now));
}

async function markSpent(
  db: mongo.Db,
  audit: AuditLog,
  ids: readonly mongo.ObjectId[],
  session: mongo.ClientSession,
  now: Date,
): Promise<{ modified: number }> {
  const free = {
    _id: { $in: [...ids] },
    status: { $in: [...LIVE_STATUSES] },
    reserved_by: { $exists: false },
  };
  const tokens = await tokensOf(db).find(free, { session }).toArray();
  const { modifiedCount } = await tokensOf(db).updateMany(
    free,
    { $set: { status: 'spent', spent_at: now, updatedAt: now } },
    { session },
  );
  if (modifiedCount !== ids.length) {
    throw new CashuOpsError(
      'TOKENS_NOT_AVAILABLE',
      `Only ${modifiedCount} of ${ids.length} tokens were live and free: the others are spent already, held by an operation, or not there. Nothing was changed.`,
    );
  }
  for (const own of byWallet(tokens)) {
    await audit.createAuditLogEntry(session, tokensEvent('tokens_marked_spent', own, 'spent'));
  }
  return { modified: modifiedCount };
}

function byWallet(tokens: readonly TokenDocument[]): TokenDocument[][] {
  const wallets = Map.groupBy(tokens, ({ npub, mint_url }) => `${npub} ${mint_url}`);
  return [...wallets.values()];
}

/** The event of tokens of one wallet: their coins by public name, their number and value. */
function tokensEvent(
  type: 'tokens_stored' | 'tokens_marked_spent',
  tokens: readonly TokenDocument[],
  after: string,
): AuditEventData {
  const [first] = tokens;
  if (first === undefined) throw new Error('an audit event of no tokens');
  const proofs = tokens.flatMap((token) => token.proofs).map(named);
  return {
    type,
    severity: 'INFO',
    npub: first.npub,
    mint_url: first.mint_url,
    transaction_id: tokens.length === 1 ? first.transaction_id : null,
    amounts: { tokens: tokens.length, proofs: proofs.length, total: sumProofs(proofs) },
    before: type === 'tokens_stored' || tokens.length > 1 ? null : first.status,
    after,
    ys: proofs.slice(0, AUDIT_YS_MAX).map(({ Y }) => Y),
  };
}
