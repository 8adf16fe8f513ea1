import { CashuOpsError } from '../../domain/errors.ts';
import type { FailedOperation, MeltOperation } from '../../domain/melt_operation.ts';
import { normalMintUrl } from '../../domain/mint_url.ts';
import { broughtBack, caughtUp } from '../../journal/caught_up.ts';
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

type Deps = Pick<MeltDeps, 'journal' | 'melts' | 'wallets' | 'clock'>;

/** So many files are compared with the database at once. */
const FILES_AT_ONCE = 500;

/** Moves an operation to where the journal knows that it was; most of the time it is there. */
export async function catchUp(
  { melts }: Deps,
  operation: MeltOperation,
  kept: KeptOperation | null,
): Promise<MeltOperation> {
  const known = caughtUp(operation, kept);
  if (known === operation) return operation;
  if (operation.state !== 'prepared' && operation.state !== 'failed') return operation;
  return melts.catchUp(operation, known);
}

/** What the journal knows of an operation, or null. */
export async function keptOf({ journal }: Pick<Deps, 'journal'>, id: string) {
  return keptOperation(await journal.read(id));
}

/**
 * The last payment of this machine must be in the database. Where it is not, the database was
 * restored from a backup, and what it does not know could be paid again.
 *
 * @throws CashuOpsError DATABASE_RESTORED
 */
export async function assertNotRestored(deps: Deps): Promise<void> {
  const id = await deps.journal.newest();
  if (id === null || (await deps.melts.statesOf([id])).size > 0) return;
  const kept = await keptOf(deps, id);
  if (kept === null || (await asLost(deps, kept)) === null) return;
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

/**
 * Finds an operation that the database does not know, by operation, transaction or quote id.
 *
 * @returns the operation as it would be put back, or null where the journal does not know it or it
 *   belongs to a wallet of another database
 */
export async function findLost(deps: Deps, id: string): Promise<FailedOperation | null> {
  const own = await keptOf(deps, id);
  if (own !== null) return asLost(deps, own);
  for await (const { operation_id } of deps.journal.files()) {
    const kept = await keptOf(deps, operation_id);
    if (kept === null || ![kept.first.quote_id, kept.first.transaction_id].includes(id)) continue;
    const known = (await deps.melts.statesOf([operation_id])).size > 0;
    if (!known) return asLost(deps, kept);
  }
  return null;
}

/**
 * Operations of a scope that only the journal knows, as they would be put back; oldest first,
 * because a later one may have spent what an earlier one gave.
 */
export async function lostOperations(deps: Deps, scope: JournalScope): Promise<FailedOperation[]> {
  const lost: FailedOperation[] = [];
  for await (const files of inBatches(deps.journal.files())) {
    const ids = files.map(({ operation_id }) => operation_id);
    const known = await deps.melts.statesOf(ids);
    for (const id of ids.filter((each) => !known.has(each))) {
      const kept = await keptOf(deps, id);
      const operation = kept !== null && isWithin(scope, kept) ? await asLost(deps, kept) : null;
      if (operation !== null) lost.push(operation);
    }
  }
  return lost.sort((a, b) => a.created_at.getTime() - b.created_at.getTime());
}

/** Only for a wallet of this very database: two databases may share a folder by mistake. */
async function asLost({ wallets, clock }: Deps, kept: KeptOperation) {
  const { npub, mint_url, wallet_id } = kept.first;
  const wallet = await wallets.findWallet(npub, mint_url);
  return String(wallet?._id) === wallet_id ? broughtBack(kept, clock()) : null;
}

function isWithin({ npubs, mint_url }: JournalScope, { first }: KeptOperation): boolean {
  if (npubs !== 'all' && !npubs.includes(first.npub)) return false;
  return mint_url === null || normalMintUrl(first.mint_url) === normalMintUrl(mint_url);
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
