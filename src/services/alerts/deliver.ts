import type { Alert } from '../../domain/alert.ts';
import { messageOf } from '../../domain/errors.ts';
import type { AlertOutbox, ClaimedAlert } from '../../store/alert_outbox.ts';
import type { AlertReceiver } from './receiver.ts';

/** One receiver may take so long for one alert (ms). */
const ONE_WITHIN_MS = 5_000;
/** What is not begun so long before the end would only fail (ms). */
const TOO_LATE_MS = 250;
/** A receiver that fails so often in a row is down: the rest waits for the next command. */
const FAILURES_IN_A_ROW_MAX = 2;

export interface DeliverOptions {
  /** All of it together takes no longer (ms). */
  withinMs: number;
  /** Also what is to be tried again only later. */
  early: boolean;
}

export interface Delivery {
  delivered: number;
  failed: number;
  /** Why the last one that failed did, with the name of the receiver. */
  error: string | null;
}

/**
 * Sends what is due to every receiver. An alert is sent at least once: whoever is killed after the
 * receiver took it and before that was written down makes it be sent again, with the same id.
 *
 * @throws CashuOpsError for the database
 */
export async function deliverAlerts(
  outbox: AlertOutbox,
  receivers: readonly AlertReceiver[],
  { withinMs, early }: DeliverOptions,
): Promise<Delivery> {
  const end = performance.now() + withinMs;
  const tried: string[] = [];
  const delivery: Delivery = { delivered: 0, failed: 0, error: null };
  let inARow = 0;
  while (end - performance.now() > TOO_LATE_MS && inARow < FAILURES_IN_A_ROW_MAX) {
    const alert = await outbox.claim({ early, not: tried });
    if (alert === null) break;
    tried.push(alert._id);
    const why = await sendToEach(outbox, receivers, alert, end);
    if (why === null) {
      await outbox.delivered(alert);
      delivery.delivered += 1;
      inARow = 0;
    } else {
      await outbox.failed(alert, why);
      Object.assign(delivery, { failed: delivery.failed + 1, error: why });
      inARow += 1;
    }
  }
  return delivery;
}

/** @returns null when all have it; otherwise why one has not */
async function sendToEach(
  outbox: AlertOutbox,
  receivers: readonly AlertReceiver[],
  alert: ClaimedAlert,
  end: number,
): Promise<string | null> {
  let why: string | null = null;
  for (const receiver of receivers) {
    if (alert.delivered_to.includes(receiver.name)) continue;
    const failure = await sendOne(receiver, alert, end);
    if (failure === null) await outbox.taken(alert, receiver.name);
    else why = failure;
  }
  return why;
}

/** Sends one alert to one receiver. @returns null, or why it failed */
export async function sendOne(
  receiver: AlertReceiver,
  alert: Alert,
  end: number,
): Promise<string | null> {
  const withinMs = Math.min(ONE_WITHIN_MS, end - performance.now());
  try {
    await receiver.send(alert, AbortSignal.timeout(Math.max(1, Math.ceil(withinMs))));
    return null;
  } catch (error) {
    return `${receiver.name}: ${messageOf(error)}`;
  }
}
