import { type CashuOps, openCashuOps } from '../cashu_ops.ts';
import { type Config, requireMongodbUri } from '../config/config.ts';
import type { Io } from '../io/io.ts';
import { actorOf } from './actor.ts';
import { serviceLog } from './service_log.ts';

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
