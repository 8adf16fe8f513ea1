import { createHmac } from 'node:crypto';

/*
 * Alerts are signed as Standard Webhooks says (standardwebhooks.com, symmetric signatures), so that
 * receivers verify them with a library that exists.
 */

const PREFIX = 'whsec_';
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const KEY_BYTES_MIN = 16;

/** What goes into a signature; the receiver knows all of it but the secret. */
export interface SignedMessage {
  id: string;
  /** Unix seconds. */
  timestamp: number;
  /** Exactly the bytes that are sent. */
  body: string;
}

/** Can this sign? A `whsec_` that is no base64 is a mistake, not a secret of another kind. */
export function isSigningSecret(secret: string): boolean {
  if (secret.startsWith(PREFIX) && !BASE64.test(secret.slice(PREFIX.length))) return false;
  return keyOf(secret).length >= KEY_BYTES_MIN;
}

/** The headers of a signed webhook. @param secret `whsec_` and base64, or the key itself as text */
export function signatureHeaders(
  { id, timestamp, body }: SignedMessage,
  secret: string,
): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> {
  const signature = createHmac('sha256', keyOf(secret))
    .update(`${id}.${timestamp}.${body}`)
    .digest('base64');
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': `v1,${signature}`,
  };
}

function keyOf(secret: string): Buffer {
  return secret.startsWith(PREFIX)
    ? Buffer.from(secret.slice(PREFIX.length), 'base64')
    : Buffer.from(secret, 'utf8');
}
