import { alertBody } from '../../domain/alert.ts';
import { signatureHeaders } from '../../domain/alert_signature.ts';
import { VERSION } from '../../version.ts';
import type { AlertReceiver } from './receiver.ts';

/** Sends alerts by HTTP, signed as Standard Webhooks says. @param secret that the receiver knows */
export function webhookReceiver(url: string, secret: string): AlertReceiver {
  return {
    name: 'webhook',
    async send(alert, signal) {
      const body = JSON.stringify(alertBody(alert));
      // The machine's own clock: receivers compare it with theirs.
      const timestamp = Math.floor(Date.now() / 1000);
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'user-agent': `cashu-ops/${VERSION}`,
          ...signatureHeaders({ id: alert._id, timestamp, body }, secret),
        },
        body,
        signal,
        // Elsewhere nobody was meant to read it.
        redirect: 'manual',
      }).catch((error: unknown) => {
        throw new Error(signal.aborted ? 'no answer in time' : reasonOf(error));
      });
      await response.body?.cancel().catch(() => {});
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
    },
  };
}

/** A code of the system; other words of a library may hold the address. */
function reasonOf(error: unknown): string {
  const { cause } = error as { cause?: { code?: unknown } };
  const code = cause?.code;
  return typeof code === 'string' && /^[A-Z_]{3,40}$/.test(code) ? code : 'the request failed';
}
