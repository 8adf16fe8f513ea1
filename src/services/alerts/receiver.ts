import type { Alert } from '../../domain/alert.ts';

/** Somebody who gets alerts. */
export interface AlertReceiver {
  name: 'webhook' | 'command';
  /**
   * Sends one alert.
   *
   * @throws Error with a reason that holds no secret and no address
   */
  send(alert: Alert, signal: AbortSignal): Promise<void>;
}
