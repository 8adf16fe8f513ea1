import type { mongo } from 'mongoose';
import { AUDIT_YS_MAX, type AuditEventData } from '../../domain/audit_event.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import { isOpen } from '../../domain/melt_operation.ts';
import type { Finding } from '../../domain/reconcile_run.ts';
import { changedAt, LIVE_STATUSES, tokensOf } from '../../store/documents.ts';
import { giveBackCoins, type NamedToken, unreserveToken } from '../../store/token_repair.ts';
import { translating } from '../../store/translating.ts';
import type { CorrectionDeps } from './corrections.ts';
import { type RepairResult, undone, withY } from './repair_result.ts';
import type { RunContext } from './run_context.ts';

/** Spendable again: only coins that no payment of ours has spent or may be spending. */
export async function giveBack(
  { operations }: RunContext,
  deps: CorrectionDeps,
  token: NamedToken,
  findings: readonly Finding[],
): Promise<RepairResult[]> {
  const ys = new Set(findings.map((finding) => withY(finding).y));
  const held = new Set(token.proofs.map(({ Y }) => Y));
  if (![...ys].every((y) => held.has(y))) {
    return undone(findings, 'the token holds other coins now');
  }
  await deps.store.transactions.run(async (session) => {
    await deps.guard?.(session);
    const owner = await operations.ownerOf([...ys], session);
    if (owner !== null) throw ownedBy(owner._id, owner.state);
    await assertNotLiveElsewhere(deps.store.db, session, token, ys);
    const given = await giveBackCoins(deps.store.db, session, token, ys, deps.clock());
    const event = eventOf('token_given_back', token, findings, 'unspent');
    await deps.audit.createAuditLogEntry(session, {
      ...event,
      amounts: { given_back: given.amount, proofs: ys.size },
    });
  });
  deps.moved?.set(String(token._id), String(token._id));
  return findings.map(({ key }) => ({ key, done: true, note: null }));
}

/**
 * Where old data or a sharded cluster keeps the index from covering all wallets, a coin may be live
 * in a token of anybody: given back, it would be counted twice.
 */
async function assertNotLiveElsewhere(
  db: mongo.Db,
  session: mongo.ClientSession,
  token: NamedToken,
  ys: ReadonlySet<string>,
): Promise<void> {
  const secrets = token.proofs.flatMap(({ Y, secret }) => (ys.has(Y) ? [secret] : []));
  const other = await tokensOf(db).findOne(
    {
      _id: { $ne: token._id },
      status: { $in: [...LIVE_STATUSES] },
      'proofs.secret': { $in: secrets },
    },
    { session, projection: { _id: 1 } },
  );
  if (other === null) return;
  throw new CashuOpsError(
    'TOKENS_NOT_AVAILABLE',
    `the coin is live in token ${other._id} already, so it is not given back`,
  );
}

function ownedBy(id: string, state: string): CashuOpsError {
  return new CashuOpsError(
    'TOKENS_NOT_AVAILABLE',
    `operation ${id} (${state}) owns the coin, so it is not given back`,
    { operation_id: id },
  );
}

/**
 * Pending, and no operation stands for it: nobody can say what became of the payment. It is freed
 * by the rule for payments: two looks that agree, and lie the quiet period apart. The first look
 * stands on the token.
 */
export async function releasePending(
  context: RunContext,
  deps: CorrectionDeps,
  token: NamedToken,
  findings: readonly Finding[],
): Promise<RepairResult[]> {
  const quietMs = context.settings.quiet_period_ms;
  const now = deps.clock();
  const all = findings.length === token.proofs.length;
  if (!all) return undone(findings, 'its coins are not all unspent at the mint');
  const first = firstLook(token);
  const releasableAt = new Date((first ?? now).getTime() + quietMs);
  if (first !== null && now >= releasableAt) return giveBack(context, deps, token, findings);
  if (first === null) await noteFirstLook(deps, token, now);
  return undone(
    findings,
    `a second look that agrees is missing, at or after ${releasableAt.toISOString()}`,
  );
}

/** A look from before the token became what it is shows nothing of it. */
function firstLook(token: NamedToken): Date | null {
  const { mint_state, mint_checked_at: at } = token;
  const counts = mint_state === 'UNSPENT' && at instanceof Date && at >= changedAt(token);
  return counts ? at : null;
}

async function noteFirstLook(deps: CorrectionDeps, token: NamedToken, now: Date): Promise<void> {
  await translating(() =>
    tokensOf(deps.store.db).updateOne(
      { _id: token._id, status: 'pending', updatedAt: token.updatedAt },
      { $set: { mint_state: 'UNSPENT', mint_checked_at: now } },
    ),
  );
}

/** Takes off a reservation that no open operation stands behind; the coins stay as they are. */
export async function unreserve(
  { operations }: RunContext,
  deps: CorrectionDeps,
  token: NamedToken,
  findings: readonly Finding[],
): Promise<RepairResult[]> {
  const id = token.reserved_by ?? '';
  await deps.store.transactions.run(async (session) => {
    await deps.guard?.(session);
    const owner = await operations.getIn(session, id);
    if (owner !== null && isOpen(owner)) throw ownedBy(id, owner.state);
    await unreserveToken(deps.store.db, session, token, deps.clock());
    const event = eventOf('proof_state_reconciled', token, findings, token.status);
    await deps.audit.createAuditLogEntry(session, { ...event, operation_id: id });
  });
  return findings.map(({ key }) => ({ key, done: true, note: null }));
}

function eventOf(
  type: 'token_given_back' | 'proof_state_reconciled',
  token: NamedToken,
  findings: readonly Finding[],
  after: string,
): Extract<AuditEventData, { npub: string; mint_url: string }> {
  const [first] = findings;
  const ys = findings.flatMap(({ y }) => y ?? []);
  return {
    type: type as 'token_given_back',
    severity: first?.severity ?? 'MEDIUM',
    npub: token.npub,
    mint_url: token.mint_url,
    transaction_id: token.transaction_id,
    before: token.status,
    after,
    ys: ys.slice(0, AUDIT_YS_MAX),
    note: first?.type ?? null,
  };
}
