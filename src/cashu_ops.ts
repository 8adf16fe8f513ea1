import type { AuditActor } from './domain/audit_event.ts';
import type { Network } from './domain/invoice.ts';
import { parseMintUrl } from './domain/mint_url.ts';
import { RescueJournal } from './journal/rescue_journal.ts';
import { CashuGateway } from './mint/cashu_gateway.ts';
import type { MintGateway } from './mint/gateway.ts';
import type { MintRequestOptions } from './mint/request.ts';
import { MeltService } from './services/melt/melt_service.ts';
import type { SwapPolicy } from './services/melt/types.ts';
import { meltWallets } from './services/melt/wallets.ts';
import { Reconciliation, type ServiceLog } from './services/reconciliation/reconciliation.ts';
import { type AuditLog, auditLog } from './store/audit_log.ts';
import { assertReplicaSet, databaseClock, openStore, type Store } from './store/connection.ts';
import { MeltStore } from './store/melt_store.ts';
import { createWalletRepository, type WalletRepository } from './store/wallet_repository.ts';

export interface CashuOpsOptions {
  /** Address of a replica set; may hold a password and is never repeated. */
  mongodb_uri: string;
  /** Folder of the rescue journal. */
  journal_dir: string;
  actor: AuditActor;
  network: Network;
  quiet_period_ms: number;
  request_timeout_ms: number;
  melt_timeout_ms: number;
  swap: SwapPolicy;
  swap_min_overshoot_sat: number;
  log: ServiceLog;
  clock?: () => Date;
  sleep?: (ms: number) => Promise<void>;
  /** For tests: stands for `fetch`. */
  fetch?: MintRequestOptions['fetch'];
}

/** Everything wired to one database. Whoever opened it closes it. */
export interface CashuOps {
  store: Store;
  audit: AuditLog;
  wallets: WalletRepository;
  melts: MeltStore;
  reconciliation: Reconciliation;
  melt: MeltService;
  mintOf: (mintUrl: string) => MintGateway;
  close(): Promise<void>;
}

/**
 * Connects to the database and puts the services together: the one place where they meet.
 *
 * @throws CashuOpsError DATABASE_UNREACHABLE, INVALID_CONFIGURATION, NOT_A_REPLICA_SET; before any
 *   mint is called
 */
export async function openCashuOps(options: CashuOpsOptions): Promise<CashuOps> {
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
  const reconciliation = new Reconciliation({ store, audit, mintOf, clock, log });
  const melt = new MeltService({
    wallets: meltWallets(store, audit, log),
    melts,
    mintOf,
    reconciliation,
    journal: new RescueJournal(options.journal_dir),
    settings: options,
    actor: `${actor.user}@${actor.host}`,
    clock,
    sleep: options.sleep ?? defaultSleep,
    log,
  });
  return { store, audit, wallets, melts, reconciliation, melt, mintOf, close: () => store.close() };
}

/** One gateway for each mint, however its URL is written. */
function mintsBy(options: CashuOpsOptions): (mintUrl: string) => MintGateway {
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

function defaultSleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
