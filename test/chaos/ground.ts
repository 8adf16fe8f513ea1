import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { mongo } from 'mongoose';
import { type CashuOps, openCashuOps } from '../../src/cashu_ops.ts';
import { type PracticeMint, startPracticeMint } from '../../src/practice/mint/client.ts';
import { withDatabase } from '../../src/practice/practice_ground.ts';
import { type ReplicaSet, startReplicaSet } from '../../src/practice/replica_set/index.ts';
import { ensureStore } from '../../src/store/ensure_store.ts';
import { Workers } from './workers.ts';

const OPERATOR = 'operator';
/** The server rolls back what a killed process left open after so long, instead of a minute. */
const TRANSACTION_LIFETIME_S = 3;

/** One database and one mint; many wallets, one after the other. */
export interface ChaosGround {
  replicaSet: ReplicaSet;
  mint: PracticeMint;
  workers: Workers;
  client: mongo.MongoClient;
  db: mongo.Db;
  wallets: CashuOps['wallets'];
  /** For the built command, beside PATH; without the folder of the journal. */
  env: Record<string, string>;
  /** Of the database's user; nobody may ever be shown it. */
  password: string;
  /** A fresh folder, removed at the end. */
  folder(): Promise<string>;
  stop(): Promise<void>;
}

/** A replica set whose user has a password, without a mint. */
async function startDatabase(members: 1 | 3): Promise<Omit<ChaosGround, 'mint' | 'workers'>> {
  const undo: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  const folder = async () => {
    const path = await mkdtemp(join(tmpdir(), 'cashu-ops-chaos-'));
    undo.push(() => rm(path, { recursive: true, force: true }));
    return path;
  };
  try {
    const replicaSet = await startReplicaSet({ members, log: () => {} });
    undo.push(() => replicaSet.stop());
    const uri = withDatabase(replicaSet.uri, 'chaos');
    const ops = await openCashuOps({
      mongodb_uri: uri,
      journal_dir: await folder(),
      actor: { user: 'chaos', host: 'chaos', command: 'chaos', version: '0' },
      network: 'regtest',
    });
    undo.push(() => ops.close());
    await ensureStore(ops.store);
    const { client, db } = ops.store;
    const password = randomBytes(16).toString('hex');
    await prepareServer(client, password);
    const env = settings(withUser(uri, password));
    return { replicaSet, client, db, wallets: ops.wallets, env, password, folder, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Short times, so that nobody has to wait for what an operator would wait for. */
function settings(mongodbUri: string): Record<string, string> {
  return {
    CASHU_OPS_MONGODB_URI: mongodbUri,
    CASHU_OPS_NETWORK: 'regtest',
    CASHU_OPS_QUIET_PERIOD: '1s',
    CASHU_OPS_MELT_TIMEOUT: '2s',
    CASHU_OPS_REQUEST_TIMEOUT: '1s',
  };
}

/** Starts a ground of its own for one lane of runs. */
export async function startChaosGround(members: 1 | 3 = 1): Promise<ChaosGround> {
  const database = await startDatabase(members);
  try {
    const mint = await startPracticeMint({ log: () => {} });
    const workers = new Workers();
    const stop = async () => {
      workers.stop();
      await mint.stop();
      await database.stop();
    };
    const env = { ...database.env, CASHU_OPS_MINT_URL: mint.url };
    return { ...database, mint, workers, env, stop };
  } catch (error) {
    await database.stop();
    throw error;
  }
}

/** A practice server checks no passwords, but a client that names one proves that it knows it. */
async function prepareServer(client: mongo.MongoClient, password: string): Promise<void> {
  const admin = client.db('admin');
  const roles = [{ role: 'root', db: 'admin' }];
  await admin.command({ createUser: OPERATOR, pwd: password, roles });
  await admin.command({
    setParameter: 1,
    transactionLifetimeLimitSeconds: TRANSACTION_LIFETIME_S,
  });
}

function withUser(uri: string, password: string): string {
  return uri
    .replace('mongodb://', `mongodb://${OPERATOR}:${password}@`)
    .replace('?', '?authSource=admin&');
}
