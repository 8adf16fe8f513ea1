import { messageOf } from '../../domain/errors.ts';
import type { Answer } from '../mint/reply.ts';

export interface ForwardedRequest {
  method: string;
  /** With its query. */
  path: string;
  body: string;
  contentType: string;
}

/** What a wallet reads of an answer besides its body. */
const KEPT_HEADERS = ['content-type', 'retry-after'] as const;

/**
 * Hands a request on to the mint. It waits for the answer even when the wallet is gone by then, as
 * a proxy does that had taken the request already.
 *
 * @returns the mint's answer, or 502 where none came
 */
export async function forward(target: string, request: ForwardedRequest): Promise<Answer> {
  const { method, path, body, contentType } = request;
  try {
    const response = await fetch(`${target}${path}`, {
      method,
      headers: { accept: 'application/json', 'content-type': contentType },
      ...(method === 'GET' || method === 'HEAD' ? {} : { body }),
      redirect: 'manual',
    });
    const headers = KEPT_HEADERS.flatMap((name) => {
      const value = response.headers.get(name);
      return value === null ? [] : [[name, value]];
    });
    return {
      kind: 'answer',
      status: response.status,
      headers: Object.fromEntries(headers),
      text: await response.text(),
    };
  } catch (error) {
    const text = `bad gateway: ${messageOf(error)}`;
    return { kind: 'answer', status: 502, headers: { 'content-type': 'text/plain' }, text };
  }
}
