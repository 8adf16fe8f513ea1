/**
 * What reached the mint: counts by path, and digests of melt requests. Never their contents.
 */

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ENDPOINTS, type EndpointName } from './endpoints.ts';
import type { Answer } from './reply.ts';

/** Paths whose last answer is remembered for `stale`. */
const PATHS_MAX = 2000;

export const requestCountsSchema = z.object({
  total: z.int(),
  /** By path, ids replaced by `:id`. */
  by_path: z.record(z.string(), z.int()),
});
export type RequestCounts = z.output<typeof requestCountsSchema>;

/** One melt request as it arrived. */
export const meltRequestNoteSchema = z.object({
  quote: z.string().nullable(),
  /** Of the raw body: equal digests are equal bytes. */
  sha256: z.string(),
  bytes: z.int(),
  /** Unix time in milliseconds. */
  at_ms: z.number(),
});
export type MeltRequestNote = z.output<typeof meltRequestNoteSchema>;

function quoteOf(body: string): string | null {
  return /"quote"\s*:\s*"([^"]{1,200})"/.exec(body)?.[1] ?? null;
}

export class Traffic {
  #byPath: Record<string, number> = {};
  #melts: MeltRequestNote[] = [];
  readonly #answers = new Map<string, Answer>();

  count(endpoint: EndpointName): void {
    const path = ENDPOINTS[endpoint][1];
    this.#byPath[path] = (this.#byPath[path] ?? 0) + 1;
  }

  noteMelt(body: string, atMs: number): void {
    const sha256 = createHash('sha256').update(body).digest('hex');
    this.#melts.push({
      quote: quoteOf(body),
      sha256,
      bytes: Buffer.byteLength(body),
      at_ms: atMs,
    });
  }

  counts(): RequestCounts {
    const total = Object.values(this.#byPath).reduce((sum, count) => sum + count, 0);
    return { total, by_path: { ...this.#byPath } };
  }

  /** Melt requests in the order they came, retries and faulted ones included. */
  melts(): readonly MeltRequestNote[] {
    return this.#melts;
  }

  reset(): void {
    this.#byPath = {};
    this.#melts = [];
  }

  lastAnswer(path: string): Answer | undefined {
    return this.#answers.get(path);
  }

  rememberAnswer(path: string, answer: Answer): void {
    this.#answers.delete(path);
    this.#answers.set(path, answer);
    if (this.#answers.size > PATHS_MAX) {
      const oldest = this.#answers.keys().next();
      if (oldest.done === false) this.#answers.delete(oldest.value);
    }
  }
}
