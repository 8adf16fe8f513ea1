import type { Config } from '../config/config.ts';
import { messageOf } from '../domain/errors.ts';
import { type Io, warn } from '../io/io.ts';
import type { Store } from '../store/connection.ts';

/** How a command ended. */
export interface Ended {
  /** The words that name it, such as `audit list`. */
  command: string;
  exitCode: number;
  /** Something HIGH has happened, whatever the exit code says. */
  alarmed: boolean;
  /** What it threw; null when it came to its end. */
  error: unknown;
  started_at: Date;
  duration_ms: number;
}

export interface AtEnd {
  config: Config;
  io: Io;
  env: NodeJS.ProcessEnv;
  /** The database that the command had; null where it could not be opened; undefined: not asked for. */
  store: Store | null | undefined;
  /** Where metrics go; null where nobody wants any, or where it was refused. */
  metricsFile: string | null;
}

/**
 * What leaves the machine after a command: alerts, then metrics, which count the alerts. Nothing of
 * it changes the exit code.
 */
export async function atEnd(ended: Ended, leaving: AtEnd): Promise<void> {
  const { config, io, env, store, metricsFile } = leaving;
  try {
    if (config.alert_webhook_url !== null || config.alert_command !== null) {
      const { deliverAtEnd } = await import('./alerts_at_end.ts');
      await deliverAtEnd(ended, { config, store: store ?? null, io, env });
    }
    if (metricsFile !== null) {
      const { writeMetrics } = await import('../metrics/write_metrics.ts');
      await writeMetrics(ended, store, metricsFile);
    }
  } catch (error) {
    warn(io, `${messageOf(error)}`);
  }
}
