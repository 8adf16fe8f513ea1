import type { Config } from '../config/config.ts';
import { alertFor, type Observed } from '../domain/alert.ts';
import { observedCritical } from '../domain/alert_observed.ts';
import { CriticalError, messageOf } from '../domain/errors.ts';
import { type Io, warn } from '../io/io.ts';
import { within } from '../io/within.ts';
import { receiversOf, sendAlerts } from '../services/alerts/alerts.ts';
import { sendOne } from '../services/alerts/deliver.ts';
import type { AlertReceiver } from '../services/alerts/receiver.ts';
import type { Store } from '../store/connection.ts';
import type { Ended } from './at_end.ts';
import { EXIT } from './exit_codes.ts';
import { runbookOfError } from './runbook.ts';

/** A command that has its answer is not held longer than this by its alerts (ms). */
export const ALERTS_WITHIN_MS = 10_000;
/** Of that, for making the alerts and for a database that is slow (ms). */
const DATABASE_SHARE_MS = 2_000;

/**
 * Sends the alerts that are due after a command that may have made some. Whatever happens here
 * changes nothing about how the command ended: it is told on stderr, and the next command tries again.
 */
export async function deliverAtEnd(
  ended: Ended,
  {
    config,
    store,
    io,
    env,
  }: { config: Config; store: Store | null; io: Io; env: NodeJS.ProcessEnv },
): Promise<void> {
  const receivers = receiversOf(config, env);
  if (receivers.length === 0 || !mayHaveMadeSome(ended)) return;
  const critical = criticalOf(ended.error);
  try {
    const kept = await within(ALERTS_WITHIN_MS, keptAndSent(store, receivers, critical));
    if (kept !== null) tell(io, kept);
  } catch (error) {
    warn(io, `alerts were not delivered: ${messageOf(error)}`);
    if (critical !== null) await sendWithoutDatabase(io, receivers, critical);
  }
}

/** Only what found or broke something: looking at things makes no alert. */
function mayHaveMadeSome({ command, exitCode, alarmed }: Ended): boolean {
  if (command === 'reconcile' || alarmed) return true;
  return command === 'melt' && (exitCode === EXIT.critical || exitCode === EXIT.blocked);
}

function criticalOf(error: unknown): Observed | null {
  if (!(error instanceof CriticalError)) return null;
  const { code, details } = error;
  const { at_stake_sat } = details.facts;
  return observedCritical(details, {
    ...{ code, at_stake_sat, at: new Date() },
    runbook: runbookOfError(code),
  });
}

async function keptAndSent(
  store: Store | null,
  receivers: readonly AlertReceiver[],
  critical: Observed | null,
) {
  if (store === null) {
    if (critical === null) return null;
    throw new Error('there is no database');
  }
  const withinMs = ALERTS_WITHIN_MS - DATABASE_SHARE_MS;
  return sendAlerts(store, receivers, { withinMs, early: false }, critical);
}

/**
 * The database is what failed, so it cannot keep the alert. It is sent once, with the id that it
 * would have; if that fails too, the next reconciliation finds the payment.
 */
async function sendWithoutDatabase(
  io: Io,
  receivers: readonly AlertReceiver[],
  critical: Observed,
): Promise<void> {
  const alert = alertFor(null, critical);
  if (alert === null) return;
  const end = performance.now() + ALERTS_WITHIN_MS;
  for (const receiver of receivers) {
    const why = await sendOne(receiver, alert, end);
    if (why !== null) warn(io, `the CRITICAL alert was not delivered (${why}).`);
  }
}

function tell(
  io: Io,
  { failed, error, outstanding }: Awaited<ReturnType<typeof sendAlerts>>,
): void {
  if (failed === 0 && outstanding.alerts === 0) return;
  const why = error === null ? '' : ` (${error})`;
  const count = outstanding.alerts === 1 ? '1 alert is' : `${outstanding.alerts} alerts are`;
  warn(io, `${count} not delivered yet${why}; see: cashu-ops audit alerts --outstanding`);
}
