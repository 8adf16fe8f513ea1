import { parentPort, workerData } from 'node:worker_threads';
import { mongo } from 'mongoose';
import type { AuditEntry } from '../src/store/audit_log.ts';
import { AUDIT_LOG } from '../src/store/collections.ts';
import { benchEvents, type Share } from './audit_events.ts';

/** Events that are inserted by one command. */
const AT_ONCE = 5_000;

/** Makes and stores the events of some wallets: hashing keeps a processor busy. */
const { uri, share } = workerData as { uri: string; share: Share };
const client = new mongo.MongoClient(uri);
const entries = client.db().collection<AuditEntry>(AUDIT_LOG);
let written = 0;
let batch: AuditEntry[] = [];
let writing: Promise<unknown> = Promise.resolve();
for (const entry of benchEvents(share)) {
  batch.push(entry);
  if (batch.length === AT_ONCE) await flush();
}
await flush();
await writing;
await client.close();
parentPort?.postMessage(written);

/** The next batch is hashed while the server stores this one. */
async function flush(): Promise<void> {
  await writing;
  if (batch.length === 0) return;
  written += batch.length;
  writing = entries.insertMany(batch, { ordered: false, writeConcern: { w: 1, j: false } });
  batch = [];
}
