import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import type { mongo } from 'mongoose';
import { type FaultProxy, startFaultProxy } from '../../../src/practice/fault_proxy/index.ts';
import { AUDIT_LOG } from '../../../src/store/collections.ts';
import { atEnd } from '../../support/at_end.ts';
import { type MeltGround, type MeltGroundOptions, meltGround } from '../../support/melt_ground.ts';
import { secretsIn } from '../../support/secret_scan.ts';
import { SUPPORT_CONTACT } from './case_ground.ts';
import { Transcript } from './transcript.ts';

/** A mint that pays as often as it is asked to, a proxy before it, and a database with a password. */
export interface FaultGround extends MeltGround {
  proxy: FaultProxy;
  transcript: Transcript;
}

/**
 * Requests end soon, so that nobody waits for what stalls. The melt itself keeps the usual quiet
 * period: where that is short, a request must leave within a second, or not at all.
 */
const SETTINGS = {
  CASHU_OPS_REQUEST_TIMEOUT: '3s',
  CASHU_OPS_MELT_TIMEOUT: '3s',
  CASHU_OPS_SUPPORT_CONTACT: SUPPORT_CONTACT,
};

/** A ground for cases. What its processes said is handed over for the secret scan at the end. */
export async function faultGround(options: MeltGroundOptions = {}): Promise<FaultGround> {
  const proxies: FaultProxy[] = [];
  const ground = await meltGround({
    coins: [],
    ...options,
    mint: {
      ...options.mint,
      settings: { refuse_paid_invoices: false, replay_ttl_s: null, ...options.mint?.settings },
    },
    address: async ({ url }) => {
      const proxy = await startFaultProxy({ target: url, log: () => {} });
      proxies.push(proxy);
      return proxy.url;
    },
  });
  const [proxy] = proxies;
  if (proxy === undefined) throw new Error('the ground has no proxy');
  const { db } = ground.ops.store;
  const password = randomBytes(16).toString('hex');
  const uri = await withPassword(db, ground.env.CASHU_OPS_MONGODB_URI ?? '', password);
  const transcript = new Transcript([password]);
  atEnd(async () => {
    await transcript.handOver(await secretsIn(db), await leftBehind(ground));
    await proxy.stop();
    await db.command({ dropUser: 'operator' });
  });
  const env = { ...ground.env, ...SETTINGS, CASHU_OPS_MONGODB_URI: uri };
  return { ...ground, env, proxy, transcript };
}

/** Text that stays when the processes are gone. */
async function leftBehind({ ops, journalDir }: MeltGround): Promise<string> {
  const audit = await ops.store.db.collection(AUDIT_LOG).find().toArray();
  // One case takes the folder away.
  const journals = await readdir(journalDir, { recursive: true }).catch(() => []);
  return [JSON.stringify(audit), ...journals].join('\n');
}

/** A user of the database with a password: what must never be shown is in the address then. */
async function withPassword(db: mongo.Db, uri: string, password: string): Promise<string> {
  await db.command({
    createUser: 'operator',
    pwd: password,
    roles: [{ role: 'readWrite', db: db.databaseName }],
  });
  const address = uri.replace(/^(mongodb:\/\/)(?:[^@/]*@)?/, `$1operator:${password}@`);
  return `${address}${address.includes('?') ? '&' : '?'}authSource=${db.databaseName}`;
}

/** Grounds that are free; a ground on which a case failed never comes back. */
export class GroundPool {
  readonly #free: FaultGround[] = [];

  async take(): Promise<FaultGround> {
    return this.#free.pop() ?? (await faultGround());
  }

  give(ground: FaultGround): void {
    this.#free.push(ground);
  }
}
