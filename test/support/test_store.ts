import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import type { AuditActor } from '../../src/domain/audit_event.ts';
import { openStore, type Store } from '../../src/store/connection.ts';
import { ensureStore } from '../../src/store/ensure_store.ts';
import { atEnd } from './at_end.ts';

/** Who acts in tests. */
export const TEST_ACTOR: AuditActor = {
  user: 'tester',
  host: 'test-host',
  command: 'test',
  version: '0.0.0',
};

/** The address of the run's replica set with a database of the given name. */
export function testUri(database: string): string {
  // Not a URL: it may name several hosts.
  const [, hosts, options = ''] =
    /^(\w+:\/\/[^/?]+)\/?[^?]*(\?.*)?$/.exec(inject('mongodbUri')) ?? [];
  return `${hosts}/${database}${options}`;
}

/** A database name that nothing else uses. */
export function freshDatabaseName(): string {
  return `test_${randomBytes(8).toString('hex')}`;
}

/**
 * A database of the calling test file's own, with everything in it that `ensureStore` makes. It is
 * dropped and closed after the file's tests.
 */
export async function testStore(): Promise<Store & { uri: string }> {
  const store = await emptyTestStore();
  const { problems } = await ensureStore(store);
  if (problems.length > 0)
    throw new Error(`fresh store with problems: ${JSON.stringify(problems)}`);
  return store;
}

/** The same without collections and indexes: a database as nobody has prepared it. */
export async function emptyTestStore(): Promise<Store & { uri: string }> {
  const uri = testUri(freshDatabaseName());
  const store = await openStore({ uri, appName: 'cashu-ops/test' });
  atEnd(async () => {
    await store.db.dropDatabase();
    await store.close();
  });
  return { ...store, uri };
}
