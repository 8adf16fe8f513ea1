import { type CashuOpsOptions, type CompleteOptions, parseOptions } from './cashu_ops_options.ts';
import { parseMintUrl } from './domain/mint_url.ts';
import { RescueJournal } from './journal/rescue_journal.ts';
import { CashuGateway } from './mint/cashu_gateway.ts';
import type { MintGateway } from './mint/gateway.ts';
import { MeltService } from './services/melt/melt_service.ts';
import type { DatabaseName } from './services/melt/types.ts';
import { meltWallets } from './services/melt/wallets.ts';
import { PolicyService } from './services/policy/policy_service.ts';
import { Reconciler } from './services/reconciliation/reconciler.ts';
import { Reconciliation } from './services/reconciliation/reconciliation.ts';
import { type AuditLog, auditLog } from './store/audit_log.ts';
import { assertReplicaSet, databaseClock, openStore, type Store } from './store/connection.ts';
import { databaseId, knownDatabaseId } from './store/database_id.ts';
import { MeltStore } from './store/melt_store.ts';
import { createWalletRepository, type WalletRepository } from './store/wallet_repository.ts';

export type { CashuOpsOptions } from './cashu_ops_options.ts';

/** Everything wired to one database. Whoever opened it closes it. */
export interface CashuOps {
  store: Store;
  audit: AuditLog;
  wallets: WalletRepository;
  melts: MeltStore;
  reconciliation: Reconciliation;
  melt: MeltService;
  /** Whole wallets: the command `reconcile`. */
  reconciler: Reconciler;
  /** Who may melt: the emergency stop and the rollout. */
  policy: PolicyService;
  mintOf: (mintUrl: string) => MintGateway;
  /** The database's time. */
  clock: () => Date;
  close(): Promise<void>;
}

/**
 * Connects to the database and puts the services together: the one place where they meet.
 *
 * @param given checked here, so that a program without types learns what is missing
 * @throws CashuOpsError INVALID_ARGUMENT, DATABASE_UNREACHABLE, INVALID_CONFIGURATION,
 *   NOT_A_REPLICA_SET; before any mint is called
 */
export async function openCashuOps(given: CashuOpsOptions): Promise<CashuOps> {
  const options = parseOptions(given);
  const { actor, log } = options;
  const store = await openStore({
    uri: options.mongodb_uri,
    appName: `cashu-ops/${actor.command}`,
    log: (message) => log.warn(message),
  });
  let clock: () => Date;
  try {
    await assertReplicaSet(store);
    clock = options.clock ?? (await databaseClock(store));
  } catch (error) {
    await store.close();
    throw error;
  }
  const audit = auditLog(store, { actor, now: clock });
  const wallets = createWalletRepository(store, { audit, now: clock });
  const melts = new MeltStore(store, audit);
  const mintOf = mintsBy(options);
  const reconciliation = new Reconciliation({
    store,
    audit,
    mintOf,
    clock,
    log,
    releasedWith: (npub, ys) => melts.releasedWith(npub, ys),
  });
  const melt = new MeltService({
    wallets: meltWallets(store, audit, log),
    melts,
    mintOf,
    reconciliation,
    journal: new RescueJournal(options.journal_dir),
    database: nameOf(store),
    settings: options,
    actor: `${actor.user}@${actor.host}`,
    clock,
    sleep: options.sleep,
    log,
  });
  const reconciler = new Reconciler({
    store,
    audit,
    operations: melts,
    melt,
    mintOf,
    settings: { ...options.reconcile, ...options },
    actor,
    clock,
    sleep: options.sleep,
    log,
  });
  const policy = new PolicyService({ store, audit, actor: `${actor.user}@${actor.host}`, clock });
  const close = () => store.close();
  const services = { wallets, melts, reconciliation, melt, reconciler, policy };
  return { store, audit, ...services, mintOf, clock, close };
}

/** Asked for once. */
function nameOf({ db }: Store): DatabaseName {
  let id: Promise<string> | null = null;
  return {
    id() {
      id ??= databaseId(db).catch((error: unknown) => {
        id = null;
        throw error;
      });
      return id;
    },
    known: () => knownDatabaseId(db),
  };
}

/** One gateway for each mint, however its URL is written. */
export function mintsBy(
  options: Pick<CompleteOptions, 'request_timeout_ms' | 'melt_timeout_ms' | 'fetch'>,
): (mintUrl: string) => MintGateway {
  const gateways = new Map<string, MintGateway>();
  const { request_timeout_ms: request_ms, melt_timeout_ms: melt_ms, fetch } = options;
  return (mintUrl) => {
    const url = parseMintUrl(mintUrl);
    const known = gateways.get(url);
    if (known) return known;
    const gateway = new CashuGateway({ url, timeouts: { request_ms, melt_ms }, fetch });
    gateways.set(url, gateway);
    return gateway;
  };
}
