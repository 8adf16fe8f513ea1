/**
 * Answers kept for identical requests (NUT-19).
 */

import { createHash } from 'node:crypto';
import type { Answer } from './reply.ts';

/** Far more than the requests of one lifetime of an entry. */
const ENTRIES_MAX = 10_000;

/** The digest that makes two requests identical: method, path and body, byte for byte. */
export function requestDigest(path: string, body: string): string {
  return createHash('sha256').update(`POST ${path}\n`).update(body).digest('hex');
}

export class ReplayCache {
  readonly #answers = new Map<string, { answer: Answer; until_ms: number }>();

  find(digest: string, nowMs: number): Answer | undefined {
    const entry = this.#answers.get(digest);
    return entry !== undefined && entry.until_ms > nowMs ? entry.answer : undefined;
  }

  /** Keeps an answer; the oldest ones make room. */
  keep(digest: string, answer: Answer, untilMs: number): void {
    this.#answers.delete(digest);
    this.#answers.set(digest, { answer, until_ms: untilMs });
    if (this.#answers.size > ENTRIES_MAX) {
      const oldest = this.#answers.keys().next();
      if (oldest.done === false) this.#answers.delete(oldest.value);
    }
  }
}
