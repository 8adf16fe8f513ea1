import type { mongo } from 'mongoose';
import { AUDIT_YS_MAX } from '../../domain/audit_event.ts';
import { byClaimThenAge } from '../../domain/compare_coins.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import type { Discrepancy, FindingType } from '../../domain/finding.ts';
import type { NamedProof, TokenStatus } from '../../domain/proof.ts';
import { named, yOf } from '../../domain/proof_y.ts';
import type { AuditLog } from '../../store/audit_log.ts';
import type { Store } from '../../store/connection.ts';
import { LIVE_STATUSES, type TokenDocument, tokensOf } from '../../store/documents.ts';
import { toObjectId } from '../../store/new_token.ts';
import { dropRepeatedCoins, type NamedToken, retireCoins } from '../../store/token_repair.ts';
import { comparedToken } from './proof_states.ts';
import type { ReconciliationAction } from './types.ts';

export interface CorrectionDeps {
  store: Store;
  audit: AuditLog;
  clock: () => Date;
  /** Told of each token that was changed here, and which token holds now what stays of it. */
  moved?: Map<string, string>;
  /** Runs first inside every repairing transaction: it fails where the wallet is no longer ours. */
  guard?: (session: mongo.ClientSession) => Promise<void>;
}

/** What the correction of a coin needs to know of its finding. */
export type Correctable = Pick<Discrepancy, 'severity' | 'y' | 'npub' | 'mint_url' | 'token_id'> & {
  type: FindingType;
};

/** What was done about one coin. */
export type CoinAction = Pick<ReconciliationAction, 'y' | 'token_id' | 'action' | 'done'>;

/** The status that the finding saw. Doubles may have any that is live. */
const STATUS_SEEN: Partial<Record<FindingType, TokenStatus>> = {
  DB_UNSPENT_MINT_SPENT: 'unspent',
  DB_PENDING_MINT_SPENT: 'pending',
  DB_FAILED_MINT_SPENT: 'failed',
};

/**
 * Marks coins of one token spent; the token's other coins stay what they are.
 *
 * @param endedOwner an operation that has the token reserved although it has ended or is gone;
 *   null: a token that any operation holds is left to it
 */
export async function markSpent(
  deps: CorrectionDeps,
  tokenId: string,
  group: readonly Correctable[],
  endedOwner: string | null = null,
): Promise<CoinAction[]> {
  const done = await retire(deps, tokenId, group, endedOwner);
  return group.map(({ y, token_id }) => ({ y, token_id, action: 'marked_spent', done }));
}

/**
 * Leaves one live document for each coin by the stated rule, and none for a coin that is spent.
 * What an operation holds is left to it.
 *
 * @param doubles findings of type DUPLICATE_LIVE_PROOF
 * @param spent public names of coins that the mint calls spent
 */
export async function removeDoubles(
  deps: CorrectionDeps,
  npub: string,
  doubles: readonly Correctable[],
  spent: ReadonlySet<string>,
): Promise<CoinAction[]> {
  const byToken = new Map<string, Correctable[]>();
  const removed = new Set<string>();
  const left = new Set<string>();
  for (const double of doubles) {
    const holders = await liveHolders(deps.store.db, npub, double);
    const extras = holders.slice(spent.has(double.y) ? 0 : 1);
    if (extras.length === 0 && (await dropRepeats(deps, holders[0], double))) removed.add(double.y);
    for (const extra of extras.filter(isFree)) {
      addTo(byToken, String(extra._id), double);
    }
    // One operation may keep the coin; of several that hold it, only they can say which.
    if (holders.length - holders.filter(isFree).length > 1) left.add(double.y);
  }
  for (const [tokenId, group] of byToken) {
    const outcome = (await retire(deps, tokenId, group)) ? removed : left;
    for (const { y } of group) outcome.add(y);
  }
  return doubles.map(({ y, token_id }) => {
    const done = removed.has(y) && !left.has(y);
    return { y, token_id, action: 'double_removed', done };
  });
}

function addTo(groups: Map<string, Correctable[]>, id: string, one: Correctable): void {
  groups.set(id, [...(groups.get(id) ?? []), one]);
}

/** A coin that stands twice in one token is counted twice too; nothing else is wrong with it. */
async function dropRepeats(
  { store, audit, clock, guard }: CorrectionDeps,
  token: NamedToken | undefined,
  { type, severity }: Correctable,
): Promise<boolean> {
  if (token === undefined || !isFree(token)) return false;
  if (new Set(token.proofs.map(({ Y }) => Y)).size === token.proofs.length) return false;
  return unlessChanged(() =>
    store.transactions.run(async (session) => {
      await guard?.(session);
      const dropped = await dropRepeatedCoins(store.db, session, token, clock());
      await audit.createAuditLogEntry(session, {
        type: 'duplicate_resolved',
        severity,
        npub: token.npub,
        mint_url: token.mint_url,
        transaction_id: token.transaction_id,
        before: token.status,
        after: token.status,
        ys: dropped.ys.slice(0, AUDIT_YS_MAX),
        amounts: { counted_twice: dropped.amount, proofs: dropped.ys.length },
        note: type,
      });
    }),
  );
}

function isFree({ reserved_by }: NamedToken): boolean {
  return (reserved_by ?? null) === null;
}

/** The live documents of one coin; the one that is kept comes first. */
async function liveHolders(
  db: mongo.Db,
  npub: string,
  { token_id, mint_url, y }: Correctable,
): Promise<NamedToken[]> {
  const known = token_id === null ? null : await findToken(db, token_id);
  const secret = known?.proofs.find((proof) => proof.Y === y)?.secret;
  if (secret === undefined) return [];
  const tokens = await tokensOf(db)
    .find({ npub, mint_url, status: { $in: [...LIVE_STATUSES] }, 'proofs.secret': secret })
    .toArray();
  return tokens.map(namedToken).sort((a, b) => byClaimThenAge(comparedToken(a), comparedToken(b)));
}

/**
 * One transaction: the coins leave circulation, with their audit event.
 *
 * @returns false, with nothing changed, when the token is no longer what was found
 */
async function retire(
  { store, audit, clock, guard, moved }: CorrectionDeps,
  tokenId: string,
  why: readonly Correctable[],
  endedOwner: string | null = null,
): Promise<boolean> {
  const token = await findToken(store.db, tokenId);
  const [first] = why;
  if (token === null || first === undefined || !isAsFound(token, why, endedOwner)) return false;
  const ys = new Set(why.map(({ y }) => y));
  if (!areNamedRightly(token.proofs, ys)) return false;
  return unlessChanged(() =>
    store.transactions.run(async (session) => {
      await guard?.(session);
      const now = clock();
      const spentAtMint = first.type !== 'DUPLICATE_LIVE_PROOF';
      const retired = await retireCoins(store.db, session, token, ys, now, spentAtMint);
      if (retired.rest_token_id !== null) moved?.set(tokenId, retired.rest_token_id);
      await audit.createAuditLogEntry(session, {
        type: spentAtMint ? 'proof_state_reconciled' : 'duplicate_resolved',
        severity: first.severity,
        npub: token.npub,
        mint_url: token.mint_url,
        transaction_id: token.transaction_id,
        before: token.status,
        after: 'spent',
        ys: [...ys].slice(0, AUDIT_YS_MAX),
        amounts: {
          retired: retired.retired_amount,
          rest: retired.rest_amount,
          proofs: ys.size,
        },
        note: first.type,
      });
    }),
  );
}

/**
 * A name that was written down wrongly says nothing about the coin it stands with: what the mint
 * says of that name is true of another coin. Only the secret tells, so it is asked before a coin is
 * given up.
 */
export function areNamedRightly(proofs: readonly NamedProof[], ys: ReadonlySet<string>): boolean {
  return proofs.every(({ Y, secret }) => !ys.has(Y) || yOf(secret) === Y);
}

/** @returns false, with nothing changed, when the token is no longer what was read */
async function unlessChanged(work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (error instanceof CashuOpsError && error.code === 'TOKENS_NOT_AVAILABLE') return false;
    throw error;
  }
}

/**
 * A finding is old news by the time it is acted on: an operation may have claimed the token since,
 * and its coins are its own matter then.
 */
function isAsFound(
  token: NamedToken,
  found: readonly Correctable[],
  endedOwner: string | null,
): boolean {
  const [first] = found;
  const seen = first && STATUS_SEEN[first.type];
  const live = LIVE_STATUSES.some((status) => status === token.status);
  const held = new Set(token.proofs.map(({ Y }) => Y));
  return (
    (token.reserved_by ?? null) === endedOwner &&
    (seen === undefined ? live : token.status === seen) &&
    found.every(({ y }) => held.has(y))
  );
}

async function findToken(db: mongo.Db, tokenId: string): Promise<NamedToken | null> {
  const token = await tokensOf(db).findOne({ _id: toObjectId(tokenId, 'A token id') });
  return token && namedToken(token);
}

function namedToken(token: TokenDocument): NamedToken {
  return { ...token, proofs: token.proofs.map(named) };
}
