import { CashuOpsError } from '../../domain/errors.ts';
import { MELT_OPERATIONS } from '../../store/collections.ts';
import type { Store } from '../../store/connection.ts';
import { isStoreReady } from '../../store/ensure_store.ts';
import type { ServiceLog } from '../reconciliation/reconciliation.ts';

/**
 * A melt needs the indexes that keep an invoice from being paid twice. Without those on tokens it
 * may run, because old data can keep them from being built; the pre-flight check finds doubles. Nor
 * does the order of the audit log stop a payment: `audit verify` finds two events in one place.
 *
 * @returns a check that looks once and remembers that all is well; it throws CashuOpsError
 *   STORE_NOT_READY with the command that prepares the database
 */
export function guardsOf(store: Store, log: ServiceLog): () => Promise<void> {
  let known: Promise<void> | null = null;
  return () => {
    known ??= assertGuards(store, log).catch((error: unknown) => {
      known = null;
      throw error;
    });
    return known;
  };
}

async function assertGuards(store: Store, log: ServiceLog): Promise<void> {
  const { missing } = await isStoreReady(store.db);
  if (missing.some((index) => index.startsWith(`${MELT_OPERATIONS}.`))) {
    throw new CashuOpsError(
      'STORE_NOT_READY',
      `The database is not prepared: ${missing.join(', ')} are missing, and without them an invoice could be paid twice. Nothing was paid.`,
      { next_command: 'cashu-ops doctor --fix' },
    );
  }
  if (missing.length > 0) {
    log.warn(`${missing.join(', ')} are missing; see "cashu-ops doctor"`);
  }
}
