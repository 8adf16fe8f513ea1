import type { Observed } from '../../domain/alert.ts';
import { AlertOutbox, type Outstanding } from '../../store/alert_outbox.ts';
import { databaseClock, type Store } from '../../store/connection.ts';
import { type DeliverOptions, type Delivery, deliverAlerts } from './deliver.ts';
import { gatherAlerts } from './gather.ts';
import { commandReceiver } from './local_command.ts';
import type { AlertReceiver } from './receiver.ts';
import { webhookReceiver } from './webhook.ts';

/** Where alerts go, as the settings say. */
export interface AlertSettings {
  alert_webhook_url: string | null;
  alert_webhook_secret: string | null;
  alert_command: string | null;
}

/** Those who get alerts; each gets all of them. @param env passed on to the program, without secrets */
export function receiversOf(settings: AlertSettings, env: NodeJS.ProcessEnv): AlertReceiver[] {
  const { alert_webhook_url: url, alert_webhook_secret: secret, alert_command: path } = settings;
  return [
    ...(url !== null && secret !== null ? [webhookReceiver(url, secret)] : []),
    ...(path !== null ? [commandReceiver(path, env)] : []),
  ];
}

/** The outbox of a database, by the database's clock. */
export async function outboxOf(store: Store): Promise<AlertOutbox> {
  return new AlertOutbox(store, await databaseClock(store));
}

/**
 * Makes the alerts that are due, and sends them.
 *
 * @param critical of the payment that this command could not bring to its end; told only where the
 *   database does not tell it
 * @throws CashuOpsError for the database
 */
export async function sendAlerts(
  store: Store,
  receivers: readonly AlertReceiver[],
  options: DeliverOptions,
  critical: Observed | null = null,
): Promise<Delivery & { outstanding: Outstanding }> {
  const clock = await databaseClock(store);
  const outbox = new AlertOutbox(store, clock);
  await gatherAlerts({ store, outbox, clock });
  if (critical !== null && !(await outbox.isOpen(critical.facts.operation_id))) {
    // Kept before it is sent: a receiver that is down must not lose it.
    await outbox.observe([{ ...critical, at: clock() }]);
  }
  const delivery = await deliverAlerts(outbox, receivers, options);
  return { ...delivery, outstanding: await outbox.outstanding() };
}
