import { CashuOpsError } from '../../domain/errors.ts';
import type { FailedOperation, MeltOperation } from '../../domain/melt_operation.ts';
import { normalMintUrl } from '../../domain/mint_url.ts';
import { broughtBack, caughtUp } from '../../journal/caught_up.ts';
import type { JournalText } from '../../journal/journal_lines.ts';
import { type KeptOperation, keptOperation } from '../../journal/kept_operation.ts';
import type { JournalFile } from '../../journal/rescue_journal.ts';
import type { MeltDeps } from './types.ts';

/*
 * A database that was restored from a backup has forgotten what happened since. The rescue journal
 * has not: it brings operations back to where they were, and the mint says what became of them.
 */

/** Whose operations, and at which mint; null for every mint. */
export interface JournalScope {
  npubs: readonly string[] | 'all';
  mint_url: string | null;
}

type Deps = Pick<MeltDeps, 'journal' | 'melts' | 'wallets' | 'clock' | 'database'>;

/** What only the journal knows. */
export interface Lost {
  /** As they would be put back, oldest first. */
  operations: FailedOperation[];
  /** What cannot be put back, and why. */
  errors: LostError[];
  /** Operations that the journal knows at all. */
  read: number;
}

export interface LostError {
  operation_id: string;
  error: CashuOpsError;
}

/** So many files are compared with the database at once. */
const FILES_AT_ONCE = 500;

/** Moves an operation to where the journal knows that it was; most of the time it is there. */
export async function catchUp(
  { melts }: Pick<Deps, 'melts'>,
  operation: MeltOperation,
  kept: KeptOperation | null,
): Promise<MeltOperation> {
  const known = caughtUp(operation, kept);
  if (known === operation) return operation;
  if (operation.state !== 'prepared' && operation.state !== 'failed') return operation;
  return melts.catchUp(operation, known);
}

/** What the journal knows of an operation, or null. */
export async function keptOf(
  { journal }: Pick<Deps, 'journal'>,
  id: string,
): Promise<KeptOperation | null> {
  return keptIn(await journal.read(id), id);
}

/** The same of what was read already. */
export function keptIn({ entries }: JournalText, id: string): KeptOperation | null {
  const kept = keptOperation(entries);
  // A copy under another name is not another operation.
  return kept?.first._id === id ? kept : null;
}

/**
 * The last payment of this machine must be in the database. Where it is not, the database was
 * restored from a backup, and what it does not know could be paid again.
 *
 * @throws CashuOpsError DATABASE_RESTORED, JOURNAL_UNREADABLE
 */
export async function assertNotRestored(deps: Deps): Promise<void> {
  const newest = await deps.journal.newest();
  if (newest.length === 0) return;
  const known = await deps.melts.statesOf(newest);
  for (const id of newest.filter((each) => !known.has(each))) {
    if ((await lostOf(deps, id)) === null) continue;
    throw new CashuOpsError(
      'DATABASE_RESTORED',
      `Nothing was paid: the rescue journal of this machine holds operation ${id}, and the database does not know it. It was probably restored from a backup, so it has forgotten payments. Bring them back first.`,
      {
        recommendation:
          'Run the next command on every machine that pays, then compare all wallets with: cashu-ops reconcile --all',
        next_command: 'cashu-ops melt --resume-all',
      },
    );
  }
}

/** Does only the journal know an operation, by operation, transaction or quote id? */
export async function isLost(deps: Deps, id: string): Promise<boolean> {
  if ((await keptOf(deps, id)) !== null) return (await lostOf(deps, id)) !== null;
  for await (const { operation_id } of deps.journal.files()) {
    const kept = await keptOf(deps, operation_id);
    if (kept === null || ![kept.first.quote_id, kept.first.transaction_id].includes(id)) continue;
    if ((await lostOf(deps, operation_id)) !== null) return true;
  }
  return false;
}

/** Everything that only the journal knows. */
export async function findLost(deps: Deps): Promise<Lost> {
  const lost: Lost = { operations: [], errors: [], read: 0 };
  const seen = new Set<string>();
  for await (const files of inBatches(deps.journal.files())) {
    // An operation may have several parts.
    const all = new Set(files.map(({ operation_id }) => operation_id));
    const ids = [...all].filter((id) => !seen.has(id));
    for (const id of ids) seen.add(id);
    const known = await deps.melts.statesOf(ids);
    lost.read += ids.length;
    for (const id of ids.filter((each) => !known.has(each))) {
      const found = await lostOf(deps, id);
      if (found === null) continue;
      if ('error' in found) lost.errors.push({ operation_id: id, error: found.error });
      else lost.operations.push(found.operation);
    }
  }
  lost.operations.sort((a, b) => a.created_at.getTime() - b.created_at.getTime());
  return lost;
}

/**
 * Puts back everything that only the journal knows, whoever it is of: as long as one is missing, its
 * invoice could be paid again. What was sent last comes last, because melts are refused until it is
 * there.
 *
 * @returns what was put back, and what could not be
 */
export async function putBackAll(deps: Deps): Promise<Lost> {
  const lost = await findLost(deps);
  const newest = new Set(await deps.journal.newest());
  const order = [
    ...lost.operations.filter(({ _id }) => !newest.has(_id)),
    ...lost.operations.filter(({ _id }) => newest.has(_id)),
  ];
  for (const operation of order) await deps.melts.bringBack(operation);
  return lost;
}

/** Is an operation of a scope? */
export function isWithin(
  { npubs, mint_url }: JournalScope,
  operation: { npub: string; mint_url: string },
): boolean {
  if (npubs !== 'all' && !npubs.includes(operation.npub)) return false;
  return mint_url === null || normalMintUrl(operation.mint_url) === normalMintUrl(mint_url);
}

/**
 * An operation that the database did not know a moment ago.
 *
 * @returns the operation as it would be put back; an error where it is of this database and cannot
 *   be; null where nothing of it was sent, it is of another database, or it is known by now
 */
async function lostOf(
  deps: Deps,
  id: string,
): Promise<{ operation: FailedOperation } | { error: CashuOpsError } | null> {
  const text = await deps.journal.read(id);
  const kept = keptIn(text, id);
  const operation = kept && broughtBack(kept, deps.clock());
  if (kept === null || operation === null) {
    return text.damaged === 0 ? null : { error: damaged(deps, id, text.damaged) };
  }
  const { npub, mint_url, wallet_id } = kept.first;
  const wallet = await deps.wallets.findWallet(npub, mint_url);
  // The other questions took their time: another process may have put it back meanwhile.
  if ((await deps.melts.statesOf([id])).size > 0) return null;
  // Two databases may share a folder by mistake.
  if (String(wallet?._id) === wallet_id) return { operation };
  const isOurs = kept.database !== null && kept.database === (await deps.database.known());
  return isOurs ? { error: withoutWallet(kept) } : null;
}

function withoutWallet({ first }: KeptOperation): CashuOpsError {
  return new CashuOpsError(
    'WALLET_NOT_FOUND',
    `The rescue journal holds operation ${first._id}, but its wallet (${first.npub} at ${first.mint_url}, document ${first.wallet_id}) is not in the database, so it cannot be brought back. Restore that document of cashu_wallets, with the same _id, then try again.`,
    { operation_id: first._id, quote_id: first.quote_id, transaction_id: first.transaction_id },
  );
}

function damaged({ journal }: Deps, id: string, lines: number): CashuOpsError {
  return new CashuOpsError(
    'JOURNAL_UNREADABLE',
    `${lines === 1 ? 'A line' : `${lines} lines`} of the rescue journal of operation ${id} in ${journal.dir} cannot be read, and the database does not know the operation, so it is not known whether it was paid. Keep the file; "cashu-ops reconcile --all" shows what differs.`,
    { operation_id: id },
  );
}

/** Files to be compared with the database in one question. */
export async function* inBatches(files: AsyncIterable<JournalFile>): AsyncGenerator<JournalFile[]> {
  let batch: JournalFile[] = [];
  for await (const file of files) {
    batch.push(file);
    if (batch.length < FILES_AT_ONCE) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
