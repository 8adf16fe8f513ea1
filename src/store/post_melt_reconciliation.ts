import { groupDigits } from '../domain/amount.ts';
import { closeBooks, type MeltSums } from '../domain/melt_accounting.ts';
import { type StoredProof, sumProofs } from '../domain/proof.ts';
import type { AuditLog } from './audit_log.ts';
import type { Store } from './connection.ts';
import { type TokenDocument, tokensOf } from './documents.ts';
import { translated } from './errors.ts';
import { toObjectId } from './new_token.ts';

/** How the database should look after a melt, as the one who melted knows it. */
export interface ExpectedMeltState extends MeltSums {
  operation_id: string;
  quote_id: string;
  /** What the swap before the melt cost, if there was one (sat). */
  swap_fee?: number;
  /** The tokens whose coins were melted. */
  source_token_ids: readonly string[];
  /** The change that was stored: `<tx>_keep`, `<tx>_swap_keep`, `<tx>_melt_change`. */
  change_tokens: readonly { transaction_id: string; amount: number }[];
  /** Sum of the wallet's live tokens before the claim and after the settlement (sat), if measured. */
  balance?: { before: number; after: number };
  /** How long the steps of the melt took (ms). */
  timings_ms?: Readonly<Record<string, number>>;
}

export type MeltCheckName = 'completeness' | 'balance' | 'statuses' | 'change';

export interface MeltCheck {
  name: MeltCheckName;
  ok: boolean;
  /** What was found, in words; without secrets. */
  detail: string;
}

export interface PostMeltReconciliation {
  success: boolean;
  transaction_id: string;
  checks: MeltCheck[];
  timings_ms: Record<string, number>;
}

export interface PostMeltDeps {
  store: Pick<Store, 'db'>;
  audit: AuditLog;
  /** Milliseconds that only grow. */
  elapsed?: () => number;
}

/** A token with what the checks need of it. */
type Seen = Pick<
  TokenDocument,
  | '_id'
  | 'transaction_id'
  | 'transaction_type'
  | 'status'
  | 'spent_at'
  | 'total_amount'
  | 'proofs'
  | 'metadata'
  | 'createdAt'
  | 'updatedAt'
>;

/**
 * Looks again, after a melt, at what it wrote: one read, one audit event.
 *
 * @param transactionId the melt's transaction id
 * @param expected what should stand in the database
 * @returns the checks; `success` when all hold. What is found is reported, nothing is changed.
 */
export async function performPostMeltReconciliation(
  { store, audit, elapsed = () => performance.now() }: PostMeltDeps,
  transactionId: string,
  expected: ExpectedMeltState,
  npub: string,
  mintUrl: string,
): Promise<PostMeltReconciliation> {
  const started = elapsed();
  const { sources, change } = await readTokens(store, expected, npub, mintUrl);
  const checks = [
    completeness(expected, sources, change),
    balance(expected, sources),
    statuses(sources),
    changeTokens(transactionId, sources, change),
  ];
  const failed = checks.filter(({ ok }) => !ok);
  const timings_ms = { ...expected.timings_ms, reconciliation: elapsed() - started };
  await audit.createAuditLogEntry(null, {
    type: 'post_melt_reconciliation',
    severity: failed.length === 0 ? 'INFO' : 'HIGH',
    npub,
    mint_url: mintUrl,
    operation_id: expected.operation_id,
    transaction_id: transactionId,
    quote_id: expected.quote_id,
    amounts: amountsOf(expected),
    after: failed.length === 0 ? 'consistent' : 'inconsistent',
    timings_ms,
    note: failed.map(({ name, detail }) => `${name}: ${detail}`).join('; ') || null,
  });
  return { success: failed.length === 0, transaction_id: transactionId, checks, timings_ms };
}

function amountsOf({ inputs, amount, fee_reserve, input_fee, change, balance }: ExpectedMeltState) {
  const sums = { inputs, amount, fee_reserve, input_fee, change };
  if (balance === undefined) return sums;
  return { ...sums, balance_before: balance.before, balance_after: balance.after };
}

async function readTokens(
  { db }: Pick<Store, 'db'>,
  { source_token_ids, change_tokens }: ExpectedMeltState,
  npub: string,
  mint_url: string,
): Promise<{ sources: Seen[]; change: Seen[] }> {
  const sourceIds = source_token_ids.map((id) => toObjectId(id, 'A source token'));
  const changeIds = change_tokens.map(({ transaction_id }) => transaction_id);
  let tokens: Seen[];
  try {
    tokens = await tokensOf(db)
      .find({
        // The wallet stands in each branch, so that each is answered by its own unique index.
        $or: [
          { _id: { $in: sourceIds }, npub, mint_url },
          { transaction_id: { $in: changeIds }, npub, mint_url },
        ],
      })
      .toArray();
  } catch (error) {
    throw translated(error);
  }
  const isSource = new Set(source_token_ids);
  return {
    sources: tokens.filter(({ _id }) => isSource.has(String(_id))),
    change: tokens.filter(({ _id }) => !isSource.has(String(_id))),
  };
}

/** Every document that the melt concerns is there, with its amount. */
function completeness(expected: ExpectedMeltState, sources: Seen[], change: Seen[]): MeltCheck {
  const lost = expected.source_token_ids.length - sources.length;
  const problems = lost > 0 ? [`${lost} source tokens are not there`] : [];
  const byId = new Map(change.map((token) => [token.transaction_id, token]));
  for (const { transaction_id, amount } of expected.change_tokens) {
    const token = byId.get(transaction_id);
    if (token === undefined) problems.push(`${transaction_id} is not there`);
    // A token that somebody used since has another amount by right.
    else if (isUntouched(token) && token.total_amount !== amount) {
      problems.push(
        `${transaction_id} holds ${groupDigits(token.total_amount)} sat instead of ${groupDigits(amount)}`,
      );
    }
  }
  return check('completeness', problems, `${sources.length + change.length} tokens are there`);
}

function isUntouched({ createdAt, updatedAt }: Seen): boolean {
  return updatedAt.getTime() === createdAt.getTime();
}

/** The melted coins were worth the inputs, the inputs are accounted for, and so is the wallet. */
function balance(expected: ExpectedMeltState, sources: Seen[]): MeltCheck {
  const problems: string[] = [];
  const melted = sumProofs(sources.flatMap(({ proofs }) => proofs));
  // An operation that a restored database got back from the rescue journal names no tokens.
  const isNamed = expected.source_token_ids.length > 0;
  if (isNamed && melted !== expected.inputs) {
    problems.push(`the source tokens hold ${melted} sat, the inputs were ${expected.inputs} sat`);
  }
  const books = closeBooks(expected);
  if (!books.closed) problems.push(books.why);
  const left = expected.inputs + (expected.swap_fee ?? 0) - expected.change;
  const { before, after } = expected.balance ?? { before: left, after: 0 };
  if (before - after !== left) {
    problems.push(`the wallet lost ${before - after} sat, the melt took ${left} sat`);
  }
  return check('balance', problems, `${left} sat left the wallet`);
}

/** What was melted is spent, and says since when. */
function statuses(sources: Seen[]): MeltCheck {
  const problems = sources
    .filter(({ status, spent_at }) => status !== 'spent' || spent_at === null)
    .map(({ _id, status }) => `source token ${_id} is ${status}`);
  return check('statuses', problems, `${sources.length} source tokens are spent`);
}

/** Change is change of this melt, and holds no coin that was melted. */
function changeTokens(transactionId: string, sources: Seen[], change: Seen[]): MeltCheck {
  const melted = new Set(secretsOf(sources));
  const problems = change.flatMap((token) => {
    const own: string[] = [];
    const { transaction_id, transaction_type, metadata } = token;
    if (transaction_type !== 'change') own.push(`${transaction_id} is ${transaction_type}`);
    if (metadata?.parent_transaction_id !== transactionId) {
      own.push(`${transaction_id} names another parent`);
    }
    if (secretsOf([token]).some((secret) => melted.has(secret))) {
      own.push(`${transaction_id} holds a coin that was melted`);
    }
    return own;
  });
  return check('change', problems, `${change.length} change tokens belong to the melt`);
}

function secretsOf(tokens: readonly { proofs: readonly StoredProof[] }[]): string[] {
  return tokens.flatMap(({ proofs }) => proofs.map(({ secret }) => secret));
}

function check(name: MeltCheckName, problems: string[], sound: string): MeltCheck {
  return { name, ok: problems.length === 0, detail: problems.join('; ') || sound };
}
