import { createHash } from 'node:crypto';
import type { EndpointName } from '../mint/endpoints.ts';

/** One request as it came by: enough to count and to compare, nothing that could be a coin. */
export interface ProxiedRequest {
  method: string;
  path: string;
  /** Null where it is none of the protocol. */
  endpoint: EndpointName | null;
  /** Of the raw body: equal digests are equal bytes. */
  sha256: string;
  bytes: number;
  /** How often the mint behind got it: 0 where a fault kept it away, 2 where one doubled it. */
  forwarded: number;
  /** Status that went back; null where no answer did. */
  status: number | null;
  /** Names of the faults that it met. */
  faults: string[];
}

export function noteOf(
  {
    method,
    path,
    endpoint,
    body,
  }: Pick<ProxiedRequest, 'method' | 'path' | 'endpoint'> & {
    body: string;
  },
  faults: readonly string[],
): ProxiedRequest {
  const sha256 = createHash('sha256').update(body).digest('hex');
  const bytes = Buffer.byteLength(body);
  const facts = { forwarded: 0, status: null, faults: [...faults] };
  return { method, path, endpoint, sha256, bytes, ...facts };
}
