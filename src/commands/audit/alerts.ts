import type { Context } from '../../cli/context.ts';
import { EXIT } from '../../cli/exit_codes.ts';
import { jsonDocument } from '../../cli/json.ts';
import { unlessInterrupted } from '../../cli/signals.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import { ALERT_COLUMNS, alertEntry, alertRow, failureLines } from '../../report/alert_rows.ts';
import { counted } from '../../report/reconcile_words.ts';
import { outboxOf, receiversOf, sendAlerts } from '../../services/alerts/alerts.ts';
import type { Delivery } from '../../services/alerts/deliver.ts';
import type { Outstanding } from '../../store/alert_outbox.ts';
import type { Store } from '../../store/connection.ts';
import type { AlertsFlags } from './alerts_command.ts';

/** Nothing waits for this command but cron (ms). */
const WITHIN_MS = 60_000;
const MAY_GO_ON = 'Interrupted; what was not sent stays and is sent by the next command.';

/** Alerts as they stand, sent first where that is asked for. @returns the exit code */
export async function runAuditAlerts(context: Context, flags: AlertsFlags): Promise<number> {
  const { io, interrupted } = context;
  const sends = flags.deliver === true || flags.retry === true;
  const config = await context.config(flags);
  const receivers = receiversOf(config, context.env);
  if (sends && receivers.length === 0) throw nobodyToTell();
  const store = await context.openStore('audit alerts', flags);
  const options = { withinMs: WITHIN_MS, early: flags.retry === true };
  const delivery = sends
    ? await io.progress('sending alerts', () =>
        unlessInterrupted(interrupted, sendAlerts(store, receivers, options), MAY_GO_ON),
      )
    : null;
  await show(context, flags, store, delivery);
  const left = delivery?.outstanding.alerts ?? 0;
  return left > 0 ? EXIT.unreachable : EXIT.done;
}

async function show(
  { io, interrupted }: Context,
  flags: AlertsFlags,
  store: Store,
  delivery: (Delivery & { outstanding: Outstanding }) | null,
): Promise<void> {
  const outbox = await outboxOf(store);
  const reading = Promise.all([
    outbox.list(flags.limit, flags.outstanding === true),
    outbox.outstanding(),
  ]);
  const [alerts, outstanding] = await unlessInterrupted(interrupted, reading, MAY_GO_ON);
  if (flags.json) {
    const sent =
      delivery === null ? null : { delivered: delivery.delivered, failed: delivery.failed };
    const report = {
      ...{ schema: 'cashu-ops/alerts@1', ok: (delivery?.outstanding.alerts ?? 0) === 0 },
      ...{ sent, error: delivery?.error ?? null, outstanding, alerts: alerts.map(alertEntry) },
    };
    io.out(jsonDocument(report));
    return;
  }
  if (alerts.length > 0) await io.table(ALERT_COLUMNS, alerts.map(alertRow));
  else io.err(flags.outstanding ? 'Everything is delivered.' : 'No alert was ever made.');
  for (const line of failureLines(alerts)) io.err(line);
  if (delivery !== null) {
    const why = delivery.error === null ? '' : `, ${delivery.failed} failed (${delivery.error})`;
    io.err(`${counted(delivery.delivered, 'alert')} sent${why}.`);
  }
  if (outstanding.alerts === 0) return;
  io.err(`${counted(outstanding.alerts, 'alert')} not delivered yet.`);
  io.err('next: cashu-ops audit alerts --retry');
}

function nobodyToTell(): CashuOpsError {
  return new CashuOpsError(
    'INVALID_CONFIGURATION',
    'Nobody gets alerts: set CASHU_OPS_ALERT_WEBHOOK with CASHU_OPS_ALERT_SECRET, or CASHU_OPS_ALERT_COMMAND.',
  );
}
