import { createHash } from 'node:crypto';
import { mongo } from 'mongoose';
import { type ChainHead, chainOf, EMPTY_CHAIN, linkTo } from '../src/domain/audit_chain.ts';
import {
  type AuditActor,
  type AuditEvent,
  type AuditEventType,
  type AuditSeverity,
  complianceLevelOf,
} from '../src/domain/audit_event.ts';
import type { AuditEntry } from '../src/store/audit_log.ts';

/*
 * Audit events as years of operation leave them: operations of many wallets in the order of their
 * time, each event in its chain. Everything is made from a seed, so that two runs ask the same.
 */

export const BENCH_MINTS = ['https://mint.one.test', 'https://mint.two.test'] as const;
export const WALLETS = 1_000;
const DAYS = 180;
const DAY_MS = 86_400_000;
/** The newest event lies before this. */
export const BENCH_END = new Date('2026-11-01T00:00:00Z');

export interface BenchWallet {
  npub: string;
  mint_url: string;
}

/**
 * The first owner is large (one operation of twenty) and has a second wallet that hardly ever pays,
 * at the other mint; the others are alike.
 */
export function benchWalletOf(index: number): BenchWallet {
  if (index === RARE) return { npub: npubOf(LARGE), mint_url: BENCH_MINTS[1] };
  return { npub: npubOf(index), mint_url: BENCH_MINTS[index % 7 === 3 ? 1 : 0] };
}

export const LARGE = 0;
export const RARE = 1;
const LARGE_SHARE = 0.05;
/** Operations of the rare wallet. */
const RARE_OPERATIONS = 3;

function npubOf(index: number): string {
  return `npub1${hex('owner', index)
    .replaceAll(/[b1io]/g, 'q')
    .slice(0, 58)}`;
}

/** A number that nobody can tell from a random one, the same in each run. */
function hex(...parts: (string | number)[]): string {
  return createHash('sha256').update(parts.join(' ')).digest('hex');
}

/** A small generator of numbers from 0 to 1 (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Step = readonly [AuditEventType, AuditSeverity, string | null, string | null];

/** What happens to a payment, and how often. */
const STORIES: readonly (readonly [share: number, steps: readonly Step[]])[] = [
  [
    0.9,
    [
      ['melt_prepared', 'INFO', 'quoted', 'prepared'],
      ['melt_submitted', 'INFO', 'prepared', 'submitting'],
      ['melt_paid', 'INFO', 'submitting', 'paid'],
      ['atomic_melt', 'INFO', null, null],
      ['post_melt_reconciliation', 'INFO', null, null],
    ],
  ],
  [
    0.05,
    [
      ['melt_prepared', 'INFO', 'quoted', 'prepared'],
      ['melt_submitted', 'INFO', 'prepared', 'submitting'],
      ['melt_failed', 'LOW', 'submitting', 'failed'],
    ],
  ],
  [
    0.04,
    [
      ['melt_prepared', 'INFO', 'quoted', 'prepared'],
      ['melt_submitted', 'INFO', 'prepared', 'submitting'],
      ['melt_pending', 'MEDIUM', 'submitting', 'pending'],
      ['melt_observed', 'INFO', 'pending', 'pending'],
      ['melt_paid', 'INFO', 'pending', 'paid'],
      ['atomic_melt', 'INFO', null, null],
    ],
  ],
  [
    0.0095,
    [
      ['preflight_blocked', 'HIGH', null, null],
      ['tokens_marked_spent', 'HIGH', 'unspent', 'spent'],
      ['token_split', 'INFO', null, null],
    ],
  ],
  [
    0.0005,
    [
      ['melt_prepared', 'INFO', 'quoted', 'prepared'],
      ['melt_submitted', 'INFO', 'prepared', 'submitting'],
      ['melt_needs_attention', 'CRITICAL', 'submitting', 'needs_attention'],
    ],
  ],
];
export const EVENTS_PER_OPERATION = STORIES.reduce(
  (sum, [share, steps]) => sum + share * steps.length,
  0,
);

/** Who acts: a service on three machines, jobs whose machine has a new name each time, a person. */
function actorAt(random: number, at: number): AuditActor {
  const base = { version: '0.1.0' };
  if (random < 0.9) return { ...base, user: 'payouts', host: `app-${at % 3}`, command: 'melt' };
  if (random < 0.999) return { ...base, user: 'cron', host: `job-${at}`, command: 'reconcile' };
  return { ...base, user: 'payouts', host: 'desk', command: 'melt --resume' };
}

export interface Share {
  /** Events of all workers together. */
  events: number;
  worker: number;
  workers: number;
}

/**
 * Events of one worker, in the order of their time: operation by operation, of its own wallets only,
 * so that each chain has one writer.
 */
export function* benchEvents({ events, worker, workers }: Share): Generator<AuditEntry> {
  const heads = new Map<string, ChainHead>();
  const operations = Math.round(events / EVENTS_PER_OPERATION);
  const random = randomFrom(7 + worker);
  const rareEvery = Math.floor(operations / RARE_OPERATIONS);
  for (let at = worker; at < operations; at += workers) {
    const wallet = walletAt(at, random(), rareEvery, worker, workers);
    const started = BENCH_END.getTime() - DAYS * DAY_MS * (1 - at / operations);
    for (const event of operationEvents(at, wallet, started, random)) {
      const _id = objectIdAt(event.time, at);
      const chain = chainOf(event);
      const link = linkTo(heads.get(chain) ?? EMPTY_CHAIN, _id.toHexString(), event);
      heads.set(chain, { seq: link.seq, hash: link.hash });
      yield { _id, ...event, ...link };
    }
  }
}

function walletAt(at: number, random: number, rareEvery: number, worker: number, workers: number) {
  if (at % rareEvery === worker && worker === RARE % workers) return benchWalletOf(RARE);
  if (worker === LARGE % workers && random < LARGE_SHARE * workers) return benchWalletOf(LARGE);
  const spread = Math.floor(random * 1e6) % Math.floor(WALLETS / workers);
  const index = spread * workers + worker;
  return benchWalletOf(index === RARE ? index + workers : index);
}

function* operationEvents(
  at: number,
  wallet: BenchWallet,
  startedMs: number,
  random: () => number,
): Generator<AuditEvent> {
  const id = hex('operation', at);
  const ids = operationIds(at);
  const actor = actorAt(random(), at);
  const amount = 1 + Math.floor(random() * 100_000);
  for (const [index, [type, severity, before, after]] of stepsOf(random()).entries()) {
    yield {
      time: new Date(startedMs + index * 40),
      severity,
      compliance_level: complianceLevelOf(type, severity),
      actor,
      ...ids,
      amounts: { amount, fee_reserve: Math.ceil(amount / 100) },
      before,
      after,
      ys: type === 'tokens_marked_spent' ? [`02${id}`] : [],
      timings_ms: { mint_request: Math.floor(random() * 900) },
      note: severity === 'INFO' ? null : 'the mint gave no clear answer',
      digest: null,
      ...wallet,
      type,
    } as AuditEvent;
  }
}

/** The ids of one operation of the log. */
export function operationIds(at: number) {
  const id = hex('operation', at);
  return {
    operation_id: `${id.slice(0, 8)}-${id.slice(8, 12)}-4${id.slice(13, 16)}-8${id.slice(17, 20)}-${id.slice(20, 32)}`,
    transaction_id: `melt_${1_780_000_000_000 + at}_${id.slice(32)}`,
    quote_id: hex('quote', at).slice(0, 40),
  };
}

function stepsOf(random: number): readonly Step[] {
  let left = random;
  for (const [share, steps] of STORIES) {
    left -= share;
    if (left < 0) return steps;
  }
  return STORIES[0]?.[1] ?? [];
}

let made = 0;

/** As the driver makes one, but of the event's time. */
function objectIdAt(time: Date, at: number): mongo.ObjectId {
  made = (made + 1) % 0xffffff;
  const seconds = Math.floor(time.getTime() / 1000)
    .toString(16)
    .padStart(8, '0');
  const process = (at % 0xffff).toString(16).padStart(10, '0');
  return new mongo.ObjectId(seconds + process + made.toString(16).padStart(6, '0'));
}
