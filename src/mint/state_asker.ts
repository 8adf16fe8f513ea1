import { setTimeout as sleepFor } from 'node:timers/promises';
import type { MintState } from '../domain/proof.ts';
import { Breaker, type BreakerSettings } from './breaker.ts';
import { BATCH_MAX } from './checkstate.ts';
import { BatchAsking, type BatchSettings, type PostYs, sentenceOf } from './state_batches.ts';

/** Asks one mint for the states of very many coins (NUT-07). */
export interface StateAsker {
  /**
   * Never throws. What is missing in the map is unknown. Resolves when all of `ys` are asked or
   * given up.
   */
  ask(ys: readonly string[]): Promise<ReadonlyMap<string, MintState>>;
  /** Round trips so far. */
  readonly requests: number;
  /** The last reason why coins stayed unknown, clean for people, or null. */
  readonly problem: string | null;
  /** True once at least one request was answered with states. */
  readonly answered: boolean;
}

interface Settings extends BatchSettings, BreakerSettings {
  /** Requests at once. */
  in_flight: number;
}

export type StateAskerOptions = Partial<Settings>;

/**
 * Makes an asker for one mint. Asks that come together share full batches; a mint that is down
 * costs a run seconds, and its coins stay unknown.
 *
 * @param post sends one `POST /v1/checkstate`; throws MintHttpError, MintNetworkError
 * @param options where one is left out: two requests at once, 1,000 coins in each, three retries
 *   from half a second on, and half a minute of rest after three failures in a row
 */
export function createStateAsker(post: PostYs, options: StateAskerOptions = {}): StateAsker {
  return new CoalescingAsker(post, {
    signal: options.signal,
    in_flight: Math.max(1, options.in_flight ?? 2),
    batch_max: Math.max(1, options.batch_max ?? BATCH_MAX),
    retries: options.retries ?? 3,
    backoff_ms: options.backoff_ms ?? 500,
    failures_max: Math.max(1, options.failures_max ?? 3),
    down_ms: options.down_ms ?? 30_000,
    now: options.now ?? (() => performance.now()),
    sleep: options.sleep ?? ((ms, signal) => sleepFor(ms, undefined, { signal })),
  });
}

interface Ask {
  /** Without doubles. */
  readonly ys: readonly string[];
  /** Where those begin that are in no batch yet. */
  next: number;
  /** Coins that are neither asked nor given up. At 0 the ask has ended, and its states stand. */
  open: number;
  readonly states: Map<string, MintState>;
  readonly resolve: (states: ReadonlyMap<string, MintState>) => void;
}

/** Coins that are asked about together. */
interface Batch {
  /** Without doubles, of all parts together. */
  readonly ys: Set<string>;
  readonly parts: Part[];
}

/** Coins of one ask that are in one batch, at the places `from` to `to` (not included). */
interface Part {
  readonly ask: Ask;
  readonly from: number;
  readonly to: number;
}

class CoalescingAsker implements StateAsker {
  readonly #settings: Settings;
  readonly #asking: BatchAsking;
  readonly #breaker: Breaker;
  readonly #unended = new Set<Ask>();
  #waiting: Ask[] = [];
  /** Coins of waiting asks that are in no batch yet. */
  #queued = 0;
  #active = 0;
  #flushComes = false;
  #problem: string | null = null;

  constructor(post: PostYs, settings: Settings) {
    this.#settings = settings;
    this.#asking = new BatchAsking(post, settings);
    this.#breaker = new Breaker(settings);
    settings.signal?.addEventListener('abort', () => this.#stop(), { once: true });
  }

  get requests(): number {
    return this.#asking.requests;
  }

  get problem(): string | null {
    return this.#problem;
  }

  get answered(): boolean {
    return this.#asking.answered;
  }

  ask(ys: readonly string[]): Promise<ReadonlyMap<string, MintState>> {
    const distinct = [...new Set(ys)];
    const states = new Map<string, MintState>();
    if (distinct.length === 0) return Promise.resolve(states);
    return new Promise((resolve) => {
      const ask = { ys: distinct, next: 0, open: distinct.length, states, resolve };
      this.#unended.add(ask);
      this.#waiting.push(ask);
      this.#queued += distinct.length;
      if (this.#settings.signal?.aborted) this.#stop();
      else this.#pump(false);
    });
  }

  /**
   * Sends what can be sent. Less than a full batch is held back while something comes that will
   * call again: the end of a request, or the end of this turn, until which more asks can come.
   */
  #pump(isTurnOver: boolean): void {
    while (this.#queued > 0 && this.#active < this.#settings.in_flight && !this.#breaker.isOpen) {
      const isHeldBack = this.#active > 0 || !isTurnOver;
      if (this.#queued < this.#asking.size && isHeldBack) break;
      void this.#run(this.#take());
    }
    if (this.#breaker.isOpen) this.#giveUpWaiting();
    if (this.#queued === 0 || this.#active > 0 || this.#flushComes) return;
    this.#flushComes = true;
    setImmediate(() => {
      this.#flushComes = false;
      this.#pump(true);
    });
  }

  /** A coin of several asks is in a batch once. */
  #take(): Batch {
    const ys = new Set<string>();
    const parts: Part[] = [];
    let ended = 0;
    for (const ask of this.#waiting) {
      const from = ask.next;
      while (ask.next < ask.ys.length && ys.size < this.#asking.size) {
        ys.add(ask.ys[ask.next] as string);
        ask.next += 1;
      }
      this.#queued -= ask.next - from;
      if (ask.next > from) parts.push({ ask, from, to: ask.next });
      if (ask.next < ask.ys.length) break;
      ended += 1;
    }
    this.#waiting.splice(0, ended);
    return { ys, parts };
  }

  async #run(batch: Batch): Promise<void> {
    this.#active += 1;
    const isTrial = this.#breaker.begin();
    try {
      const problem = await this.#asking.all([...batch.ys], isTrial, (states) => {
        this.#breaker.succeeded();
        for (const part of batch.parts) keepStates(part, states);
      });
      // A coin that was refused is an answer too.
      this.#breaker.succeeded();
      if (problem !== null) this.#problem = problem;
    } catch (error) {
      this.#breaker.failed();
      if (!this.#settings.signal?.aborted) this.#problem = sentenceOf(error);
    }
    this.#active -= 1;
    for (const { ask, from, to } of batch.parts) this.#end(ask, to - from);
    this.#pump(false);
  }

  #giveUpWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#queued = 0;
    for (const ask of waiting) this.#end(ask, ask.ys.length - ask.next);
  }

  #stop(): void {
    this.#waiting = [];
    this.#queued = 0;
    if (this.#unended.size > 0) this.#problem = 'stopped before the mint had answered';
    for (const ask of this.#unended) this.#end(ask, ask.open);
  }

  #end(ask: Ask, coins: number): void {
    if (ask.open === 0) return;
    ask.open -= coins;
    if (ask.open > 0) return;
    this.#unended.delete(ask);
    ask.resolve(ask.states);
  }
}

function keepStates({ ask, from, to }: Part, states: ReadonlyMap<string, MintState>): void {
  if (ask.open === 0) return;
  for (let at = from; at < to; at += 1) {
    const y = ask.ys[at] as string;
    const state = states.get(y);
    if (state !== undefined) ask.states.set(y, state);
  }
}

/** Stands for a mint that cannot even be asked: every coin stays unknown. */
export function silentAsker(problem: string): StateAsker {
  return { ask: async () => new Map(), requests: 0, problem, answered: false };
}
