import { createHash } from 'node:crypto';
import { canonicalize } from 'json-canonicalize';
import type { AuditEvent } from './audit_event.ts';

/*
 * Every event names the one before it in the same chain by its hash, so that nobody can change,
 * remove or move one without the next ones telling. Each wallet has a chain of its own: writers of
 * different wallets never wait for each other.
 */

/** How events are hashed; an event of another version was written by another version of the tool. */
export const CHAIN_VERSION = 1;
/** What concerns no wallet. */
export const SYSTEM_CHAIN = 'system';
/** The first event of a chain has this in front of it. */
export const NO_EVENT = '0'.repeat(64);

/** The newest event of a chain, as far as somebody knows. */
export interface ChainHead {
  seq: number;
  hash: string;
}

/** Before the first event. */
export const EMPTY_CHAIN: ChainHead = { seq: 0, hash: NO_EVENT };

/** An event's place in its chain. */
export interface ChainLink {
  chain_version: typeof CHAIN_VERSION;
  chain: string;
  /** 1 for the first of the chain, without gaps. */
  seq: number;
  /** Hash of the event before. */
  prev: string;
  hash: string;
}

/** An event with its place, by its id in hex. */
export type LinkedEvent = AuditEvent & ChainLink & { id: string };

/** The chain that an event belongs to: that of its wallet, else of its owner, else the common one. */
export function chainOf({ npub, mint_url }: Pick<AuditEvent, 'npub' | 'mint_url'>): string {
  if (npub === null) return SYSTEM_CHAIN;
  return mint_url === null ? npub : `${npub} ${mint_url}`;
}

/** Puts an event behind the newest one of its chain. @param id of the event, in hex */
export function linkTo(head: ChainHead, id: string, event: AuditEvent): ChainLink {
  const place = {
    chain_version: CHAIN_VERSION,
    chain: chainOf(event),
    seq: head.seq + 1,
    prev: head.hash,
  } as const;
  return { ...place, hash: eventHash({ ...event, ...place, id }) };
}

/**
 * SHA-256 over the canonical JSON (RFC 8785) of everything in an event but its hash. What was
 * added by hand enters too, so that it tells.
 */
export function eventHash(event: object): string {
  const { hash: _, ...hashed } = event as Record<string, unknown>;
  return createHash('sha256')
    .update(canonicalize(plain(hashed)))
    .digest('hex');
}

/** A place that was cleared away, and the hash of the last event there. */
interface Cleared {
  from: number;
  to: number;
  hash: string;
}

/**
 * What the event that tells of cleared places signs for, whatever their order. Shorter than a hash:
 * a note may hold nothing that looks like a secret.
 */
export function digestOf(cleared: readonly Cleared[]): string {
  const text = cleared
    .toSorted((a, b) => a.from - b.from)
    .map(({ from, to, hash }) => `${from}-${to}:${hash}`)
    .join();
  return createHash('sha256').update(text).digest('hex').slice(0, 40);
}

/** As canonical JSON has no times, and a text must not pass for one. */
export function plain(value: unknown): unknown {
  if (value instanceof Date)
    return { $date: Number.isNaN(value.getTime()) ? null : value.toISOString() };
  if (typeof value === 'number' && !Number.isFinite(value)) return { $number: String(value) };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  if ('toHexString' in value || '_bsontype' in value) return { $other: String(value) };
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}
