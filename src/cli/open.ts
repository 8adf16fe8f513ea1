import { type CashuOps, openCashuOps } from '../cashu_ops.ts';
import { type Config, requireMongodbUri } from '../config/config.ts';
import { printable } from '../domain/printable.ts';
import type { Io } from '../io/io.ts';
import type { ServiceLog } from '../services/reconciliation/reconciliation.ts';
import { actorOf } from './actor.ts';

/**
 * The services as the settings say.
 *
 * @param command for the audit log and the server's log
 */
export function openFromConfig(config: Config, command: string, io: Io): Promise<CashuOps> {
  return openCashuOps({
    journal_dir: config.journal_dir,
    network: config.network,
    journal_keep_ms: config.journal_keep_ms,
    quiet_period_ms: config.quiet_period_ms,
    request_timeout_ms: config.request_timeout_ms,
    melt_timeout_ms: config.melt_timeout_ms,
    swap: config.swap,
    reconcile: config.reconcile,
    swap_min_overshoot_sat: config.swap_min_overshoot_sat,
    mongodb_uri: requireMongodbUri(config),
    actor: actorOf(config, command),
    log: serviceLog(io),
  });
}

const FACT_MAX = 500;

/** What services tell, as lines on stderr; marked, so that they are not taken for the one error. */
export function serviceLog(io: Io): ServiceLog {
  const line = (mark: string) => (message: string, facts?: Record<string, unknown>) => {
    const shown = Object.entries(facts ?? {}).map(([key, value]) => `${key}=${value}`);
    io.err([mark, ...[message, ...shown].map((text) => printable(text, FACT_MAX))].join(' '));
  };
  return { info: () => {}, warn: line('log warning:'), error: line('log error:') };
}
