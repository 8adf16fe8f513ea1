import { groupDigits } from '../domain/amount.ts';
import { TOKEN_STATUSES } from '../domain/proof.ts';
import { transactionIdProblems } from '../domain/transaction_id.ts';
import { TOKEN_SOURCES, TRANSACTION_TYPES } from './documents.ts';

/** What a token document must have, as far as it is known; every field is checked. */
export interface TokenDraft {
  npub?: unknown;
  wallet_id?: unknown;
  mint_url?: unknown;
  proofs?: unknown;
  total_amount?: unknown;
  status?: unknown;
  transaction_type?: unknown;
  transaction_id?: unknown;
  metadata?: unknown;
  spent_at?: unknown;
}

/** A broken rule: the field, and what is wrong with it. Never holds a secret. */
export interface TokenProblem {
  path: string;
  message: string;
}

/** Compressed point on secp256k1 as hex: the form of Y and C (NUT-00). */
export const POINT_HEX = /^0[23][0-9a-f]{64}$/;

const MELTED_MESSAGE =
  '"melted" is refused: its coins are consumed, so a document that holds them would count them twice; mark the source tokens spent and store only the change';

/**
 * Checks a token document against every rule of the collection.
 *
 * @param draft the document, or what there is of it
 * @param isNew true for a document that is not stored yet: some rules bind only at birth, because
 *   old data breaks them
 * @returns one entry for each broken rule, none for a sound document; secrets are never quoted
 */
export function tokenRuleBreaks(draft: TokenDraft, { isNew }: { isNew: boolean }): TokenProblem[] {
  return [
    ...ownerProblems(draft),
    ...typeProblems(draft, isNew),
    ...metadataProblems(draft),
    ...proofsProblems(draft),
    ...statusProblems(draft),
  ];
}

/** The same as sentences, for error messages. */
export function tokenProblems(draft: TokenDraft, { isNew } = { isNew: true }): string[] {
  return tokenRuleBreaks(draft, { isNew }).map(({ path, message }) => `${path}: ${message}`);
}

function ownerProblems(draft: TokenDraft): TokenProblem[] {
  const problems: TokenProblem[] = [];
  if (!isText(draft.npub)) problems.push({ path: 'npub', message: 'is missing' });
  if (!isText(draft.mint_url)) problems.push({ path: 'mint_url', message: 'is missing' });
  if (draft.wallet_id === undefined || draft.wallet_id === null) {
    problems.push({ path: 'wallet_id', message: 'is missing' });
  }
  return problems;
}

function typeProblems(draft: TokenDraft, isNew: boolean): TokenProblem[] {
  const problems: TokenProblem[] = [];
  const { transaction_type: type, transaction_id: id } = draft;
  if (type === 'melted') problems.push({ path: 'transaction_type', message: MELTED_MESSAGE });
  else if (!isOneOf(TRANSACTION_TYPES, type)) {
    problems.push({
      path: 'transaction_type',
      message: `must be one of ${TRANSACTION_TYPES.join(', ')}`,
    });
  }
  if (isNew && type === 'change' && draft.status === 'spent') {
    problems.push({ path: 'status', message: 'change is never stored as spent' });
  }
  if (!isText(id)) problems.push({ path: 'transaction_id', message: 'is missing' });
  else if (isNew) {
    for (const message of transactionIdProblems(id)) {
      problems.push({ path: 'transaction_id', message: `is ${message}` });
    }
  }
  return problems;
}

function metadataProblems(draft: TokenDraft): TokenProblem[] {
  const problems: TokenProblem[] = [];
  const metadata = isRecord(draft.metadata) ? draft.metadata : {};
  if (draft.transaction_type === 'change' && !isText(metadata.parent_transaction_id)) {
    problems.push({
      path: 'metadata.parent_transaction_id',
      message: 'is missing: change must say what it is the change of',
    });
  }
  if (metadata.source !== undefined && !isOneOf(TOKEN_SOURCES, metadata.source)) {
    problems.push({
      path: 'metadata.source',
      message: `must be one of ${TOKEN_SOURCES.join(', ')}`,
    });
  }
  return problems;
}

function proofsProblems(draft: TokenDraft): TokenProblem[] {
  if (!Array.isArray(draft.proofs)) return [{ path: 'proofs', message: 'must be a list' }];
  const proofs: unknown[] = draft.proofs;
  const problems = proofs.flatMap(proofProblems);
  if (problems.length > 0) return problems;
  if (proofs.length === 0 && draft.status === 'unspent') {
    problems.push({ path: 'proofs', message: 'is empty: an unspent token holds coins' });
  }
  const sound = proofs as { amount: number; secret: string }[];
  // A unique index over an array does not see a value that stands twice in one document.
  if (new Set(sound.map((proof) => proof.secret)).size < sound.length) {
    problems.push({ path: 'proofs', message: 'hold the same coin twice' });
  }
  return [...problems, ...totalProblems(draft.total_amount, sound)];
}

function totalProblems(total: unknown, proofs: { amount: number }[]): TokenProblem[] {
  if (!isAmount(total)) {
    return [{ path: 'total_amount', message: 'must be a whole number from 0 to 2^53-1' }];
  }
  const sum = proofs.reduce((sofar, { amount }) => sofar + BigInt(amount), 0n);
  if (BigInt(total) === sum) return [];
  return [
    {
      path: 'total_amount',
      message: `is ${groupDigits(total)}, but the proofs add up to ${groupDigits(sum)}`,
    },
  ];
}

/** Can these coins be spent: each is complete, and none stands twice? */
export function areSoundProofs(proofs: unknown): boolean {
  if (!Array.isArray(proofs) || proofs.flatMap(proofProblems).length > 0) return false;
  return new Set(proofs.map(({ secret }) => secret)).size === proofs.length;
}

function proofProblems(proof: unknown, index: number): TokenProblem[] {
  const at = (field: string) => `proofs.${index}.${field}`;
  if (!isRecord(proof)) return [{ path: `proofs.${index}`, message: 'is no proof' }];
  const problems: TokenProblem[] = [];
  for (const field of ['id', 'secret', 'C'] as const) {
    if (!isText(proof[field])) problems.push({ path: at(field), message: 'is missing' });
  }
  if (!isAmount(proof.amount) || proof.amount < 1) {
    problems.push({ path: at('amount'), message: 'must be a whole number from 1 to 2^53-1' });
  }
  if (proof.Y !== undefined && !(isText(proof.Y) && POINT_HEX.test(proof.Y))) {
    problems.push({ path: at('Y'), message: 'is no compressed point in lower-case hex' });
  }
  return problems;
}

function statusProblems(draft: TokenDraft): TokenProblem[] {
  const { status, spent_at } = draft;
  if (!isOneOf(TOKEN_STATUSES, status)) {
    return [{ path: 'status', message: `must be one of ${TOKEN_STATUSES.join(', ')}` }];
  }
  const spentAt = spent_at ?? null;
  if (status === 'spent' && !(spentAt instanceof Date)) {
    return [{ path: 'spent_at', message: 'is missing: the token is spent' }];
  }
  if (status !== 'spent' && spentAt !== null) {
    return [{ path: 'spent_at', message: `is set, but the token is ${status}` }];
  }
  return [];
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0;
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isOneOf<T extends string>(list: readonly T[], value: unknown): value is T {
  return (list as readonly unknown[]).includes(value);
}
