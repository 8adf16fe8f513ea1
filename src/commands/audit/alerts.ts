import type { Context } from '../../cli/context.ts';
import { EXIT } from '../../cli/exit_codes.ts';
import { jsonDocument } from '../../cli/json.ts';
import { unlessInterrupted } from '../../cli/signals.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import type { Io } from '../../io/io.ts';
import { wrap } from '../../io/wrap.ts';
import { ALERT_COLUMNS, alertEntry, alertRow, failureLines } from '../../report/alert_rows.ts';
import { counted } from '../../report/reconcile_words.ts';
import { outboxOf, receiversOf, sendAlerts } from '../../services/alerts/alerts.ts';
import type { Delivery } from '../../services/alerts/deliver.ts';
import type { AlertDocument, Outstanding } from '../../store/alert_outbox.ts';
import type { AlertsFlags } from './alerts_command.ts';

/** Nothing waits for this command but cron (ms). */
const WITHIN_MS = 60_000;
const SET_ONE =
  'set CASHU_OPS_ALERT_WEBHOOK with CASHU_OPS_ALERT_SECRET, or CASHU_OPS_ALERT_COMMAND.';
const NOBODY = `Nobody gets alerts: ${SET_ONE}`;
const NOBODY_HERE = `Nobody gets alerts here: ${SET_ONE}`;
const MAY_GO_ON = 'Interrupted; what was not sent stays and is sent by the next command.';

/** Alerts as they stand, sent first where that is asked for. @returns the exit code */
export async function runAuditAlerts(context: Context, flags: AlertsFlags): Promise<number> {
  const { io, interrupted } = context;
  const sends = flags.deliver === true || flags.retry === true;
  const config = await context.config(flags);
  const receivers = receiversOf(config, context.env);
  if (sends && receivers.length === 0) throw new CashuOpsError('INVALID_CONFIGURATION', NOBODY);
  const store = await context.openStore('audit alerts', flags);
  const options = { withinMs: WITHIN_MS, early: flags.retry === true };
  const delivery = sends
    ? await io.progress('sending alerts', () =>
        unlessInterrupted(interrupted, sendAlerts(store, receivers, options), MAY_GO_ON),
      )
    : null;
  const outbox = await outboxOf(store);
  const reading = Promise.all([
    outbox.list(flags.limit, flags.outstanding === true),
    outbox.outstanding(),
  ]);
  const [alerts, outstanding] = await unlessInterrupted(interrupted, reading, MAY_GO_ON);
  const isAsked = sends || flags.outstanding === true;
  const ok = !isAsked || outstanding.alerts === 0;
  const names = receivers.map(({ name }) => name);
  const shown = { ok, receivers: names, delivery, outstanding, alerts };
  if (flags.json) io.out(jsonDocument(alertsDocument(shown)));
  else await tell(io, shown, flags.outstanding === true);
  return ok ? EXIT.done : EXIT.unreachable;
}

/** What is shown. */
interface Shown {
  ok: boolean;
  receivers: string[];
  /** Null where nothing was to be sent. */
  delivery: Delivery | null;
  outstanding: Outstanding;
  alerts: AlertDocument[];
}

function alertsDocument({ ok, receivers, delivery, outstanding, alerts }: Shown) {
  const sent = delivery && { delivered: delivery.delivered, failed: delivery.failed };
  return {
    ...{ schema: 'cashu-ops/alerts@1', ok, receivers },
    ...{ sent, error: delivery?.error ?? null, outstanding, alerts: alerts.map(alertEntry) },
  };
}

async function tell(
  io: Io,
  { receivers, delivery, outstanding, alerts }: Shown,
  onlyOutstanding: boolean,
): Promise<void> {
  if (alerts.length > 0) await io.table(ALERT_COLUMNS, alerts.map(alertRow));
  // Where nobody is told no alert is made, so that none is there says nothing.
  if (receivers.length === 0) io.err(wrap(NOBODY_HERE, io.columns));
  else if (alerts.length === 0) {
    io.err(onlyOutstanding ? 'Everything is delivered.' : 'No alert was ever made.');
  }
  for (const line of failureLines(alerts)) io.err(line);
  if (delivery !== null) {
    const why = delivery.error === null ? '' : `, ${delivery.failed} failed (${delivery.error})`;
    io.err(`${counted(delivery.delivered, 'alert')} sent${why}.`);
  }
  if (outstanding.alerts === 0) return;
  io.err(`${counted(outstanding.alerts, 'alert')} not delivered yet.`);
  if (receivers.length > 0) io.err('next: cashu-ops audit alerts --retry');
}
