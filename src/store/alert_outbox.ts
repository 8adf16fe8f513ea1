import { randomUUID } from 'node:crypto';
import { mongo } from 'mongoose';
import { type Alert, alertFor, type Observed, waitAfter } from '../domain/alert.ts';
import { ALERTS } from './collections.ts';
import type { Store } from './connection.ts';
import { assertPageSize } from './paging.ts';
import { translating } from './translating.ts';

/** `due`: to be sent; `grouped`: one alert about many stands for it. */
export type AlertState = 'due' | 'delivered' | 'grouped';

/** An alert as it is stored. */
export interface AlertDocument extends Alert {
  state: AlertState;
  created_at: Date;
  /** The server deletes it then. */
  expires_at: Date;
  /** Nobody sends it before: it failed a moment ago, or a process is sending it. */
  next_at: Date;
  /** The process that is sending it, until `next_at`. */
  claim: string | null;
  attempts: number;
  /** Receivers that have taken it. */
  delivered_to: string[];
  delivered_at: Date | null;
  last_error: string | null;
}

/** An alert that this process alone may send for a while. */
export interface ClaimedAlert extends AlertDocument {
  claim: string;
}

export interface Outstanding {
  alerts: number;
  oldest: Date | null;
}

const DAY_MS = 24 * 60 * 60_000;
const KEEP_MS = 90 * DAY_MS;
/** A process that has claimed an alert and says nothing for so long is taken for gone (ms). */
export const CLAIM_MS = 60_000;
const DUPLICATE_KEY = 11_000;

/** Alerts to be sent, and those that were. Every process that delivers shares it. */
export class AlertOutbox {
  readonly #alerts: mongo.Collection<AlertDocument>;
  readonly #clock: () => Date;

  /** @param clock the database's, because several machines compare the times */
  constructor({ db }: Pick<Store, 'db'>, clock: () => Date) {
    this.#alerts = db.collection<AlertDocument>(ALERTS);
    this.#clock = clock;
  }

  /**
   * Keeps what is news among things that were seen; what was told before is only noted as seen.
   *
   * It may be repeated, and several processes may do it at once: an alert is kept once.
   *
   * @param seen each subject once
   * @param sendMax so many are sent one by one; the others are kept as `grouped`
   * @returns how many were made to be sent
   */
  async observe(seen: readonly Observed[], sendMax = Number.POSITIVE_INFINITY): Promise<number> {
    const last = await this.newestOf(seen.map(({ subject }) => subject));
    const news: Alert[] = [];
    const again: { last: AlertDocument; seen: Observed }[] = [];
    for (const one of seen) {
      const known = last.get(one.subject) ?? null;
      const alert = alertFor(known, one);
      if (alert !== null) news.push(alert);
      else if (known?.open && one.at > known.seen_at) again.push({ last: known, seen: one });
    }
    await this.#noteSeen(again);
    return this.add(news, sendMax, last);
  }

  /**
   * Keeps alerts; one that another process has kept meanwhile is left as it is.
   *
   * @param last the newest alert of each subject
   * @returns how many of them are to be sent
   */
  async add(
    alerts: readonly Alert[],
    sendMax: number,
    last: ReadonlyMap<string, AlertDocument>,
  ): Promise<number> {
    if (alerts.length === 0) return 0;
    const now = this.#clock();
    let sent = 0;
    const documents = alerts.map((alert): AlertDocument => {
      // That something is over which was never told one by one is not told one by one either.
      const grouped = last.get(alert.subject)?.state === 'grouped' && alert.status === 'resolved';
      const state = grouped || sent >= sendMax ? 'grouped' : 'due';
      if (state === 'due') sent += 1;
      return { ...alert, ...newDelivery(state, now) };
    });
    await translating(() => this.#insert(documents));
    await translating(() =>
      this.#alerts.bulkWrite(
        alerts.map(({ subject, number }) => ({
          updateMany: {
            filter: { subject, number: { $lt: number }, open: true },
            update: { $set: { open: false } },
          },
        })),
      ),
    );
    return sent;
  }

  /** The newest alert of each of these subjects. One round trip. */
  async newestOf(subjects: readonly string[]): Promise<Map<string, AlertDocument>> {
    if (subjects.length === 0) return new Map();
    const rows = await translating(() =>
      this.#alerts
        .aggregate<{ newest: AlertDocument }>([
          { $match: { subject: { $in: [...subjects] } } },
          { $sort: { subject: 1, number: -1 } },
          { $group: { _id: '$subject', newest: { $first: '$$ROOT' } } },
        ])
        .toArray(),
    );
    return new Map(rows.map(({ newest }) => [newest.subject, newest]));
  }

  /** Open trouble that runs of a scope (null: no one scope) would have seen, last seen before a moment. */
  async unseenSince(scopeHash: string, at: Date, limit: number): Promise<AlertDocument[]> {
    const filter = { open: true, scope_hash: scopeHash, seen_at: { $lt: at } };
    return translating(() => this.#alerts.find(filter).limit(limit).toArray());
  }

  /** Coins that have stopped a payment, last before a moment. */
  async blockedBefore(at: Date, limit: number): Promise<AlertDocument[]> {
    const blocked = { scope_hash: null, 'facts.type': 'preflight_blocked' as const };
    const filter = { open: true, ...blocked, seen_at: { $lt: at } };
    return translating(() => this.#alerts.find(filter).limit(limit).toArray());
  }

  /** Open trouble with payments. */
  async openOfOperations(limit: number): Promise<AlertDocument[]> {
    const filter = { open: true, 'facts.operation_id': { $ne: null } };
    return translating(() => this.#alerts.find(filter).limit(limit).toArray());
  }

  /** Is there open trouble with a payment? */
  async isOpen(operationId: string | null): Promise<boolean> {
    const filter = { open: true, 'facts.operation_id': operationId };
    return (await translating(() => this.#alerts.findOne(filter))) !== null;
  }

  /** What was found by a run and is not sent one by one. */
  async groupedOf(runId: string): Promise<{ findings: number; amount: number; critical: number }> {
    const [row] = await translating(() =>
      this.#alerts
        .aggregate<{ findings: number; amount: number; critical: number }>([
          { $match: { state: 'grouped', 'facts.run_id': runId, status: 'firing' } },
          {
            $group: {
              _id: null,
              findings: { $sum: 1 },
              amount: { $sum: '$facts.amount' },
              critical: { $sum: { $cond: [{ $eq: ['$facts.severity', 'CRITICAL'] }, 1, 0] } },
            },
          },
        ])
        .toArray(),
    );
    return row ?? { findings: 0, amount: 0, critical: 0 };
  }

  /**
   * Takes one alert to send, for this process alone. Whoever is killed before it has said what
   * became of it gives it back by its silence.
   *
   * @param options.early also one whose next attempt is not due yet
   * @param options.not ids that were tried already
   */
  async claim(options: { early: boolean; not: readonly string[] }): Promise<ClaimedAlert | null> {
    const now = this.#clock();
    const isDue = { next_at: { $lte: now } };
    const found = await translating(() =>
      this.#alerts.findOneAndUpdate(
        {
          state: 'due',
          _id: { $nin: [...options.not] },
          ...(options.early ? { $or: [isDue, { claim: null }] } : isDue),
        },
        {
          $set: { claim: randomUUID(), next_at: new Date(now.getTime() + CLAIM_MS) },
          $inc: { attempts: 1 },
        },
        { sort: { next_at: 1, created_at: 1 }, returnDocument: 'after' },
      ),
    );
    return found as ClaimedAlert | null;
  }

  /** A receiver has taken it. */
  async taken({ _id }: ClaimedAlert, receiver: string): Promise<void> {
    await translating(() =>
      this.#alerts.updateOne({ _id }, { $addToSet: { delivered_to: receiver } }),
    );
  }

  /** Every receiver has taken it. */
  async delivered({ _id, claim }: ClaimedAlert): Promise<void> {
    const fields = {
      ...{ state: 'delivered' as const, delivered_at: this.#clock() },
      ...{ claim: null, last_error: null },
    };
    await translating(() => this.#alerts.updateOne({ _id, claim }, { $set: fields }));
  }

  /** It could not be sent; it is tried again after a pause that grows. @param why without secrets */
  async failed({ _id, claim, attempts }: ClaimedAlert, why: string): Promise<void> {
    const wait = waitAfter(attempts, Math.random());
    const next_at = new Date(this.#clock().getTime() + wait);
    await translating(() =>
      this.#alerts.updateOne(
        { _id, claim },
        { $set: { next_at, claim: null, last_error: why.slice(0, 200) } },
      ),
    );
  }

  /** What has still to be sent. */
  async outstanding(): Promise<Outstanding> {
    const [row] = await translating(() =>
      this.#alerts
        .aggregate<Outstanding>([
          { $match: { state: 'due' } },
          { $group: { _id: null, alerts: { $sum: 1 }, oldest: { $min: '$created_at' } } },
        ])
        .toArray(),
    );
    return { alerts: row?.alerts ?? 0, oldest: row?.oldest ?? null };
  }

  /**
   * The alerts, newest first.
   *
   * @param limit 1 to 1000
   * @throws CashuOpsError INVALID_ARGUMENT for a bad limit
   */
  async list(limit: number, onlyOutstanding: boolean): Promise<AlertDocument[]> {
    assertPageSize(limit);
    return translating(() =>
      this.#alerts
        .find(onlyOutstanding ? { state: 'due' } : {})
        .sort({ created_at: -1, _id: -1 })
        .limit(limit)
        .toArray(),
    );
  }

  async #noteSeen(again: readonly { last: AlertDocument; seen: Observed }[]): Promise<void> {
    if (again.length === 0) return;
    const writes = again.map(({ last, seen: { at, scope_hash } }) => ({
      updateOne: {
        filter: { _id: last._id },
        update: { $max: { seen_at: at }, ...(scope_hash !== null && { $set: { scope_hash } }) },
      },
    }));
    await translating(() => this.#alerts.bulkWrite(writes, { ordered: false }));
  }

  async #insert(documents: AlertDocument[]): Promise<void> {
    try {
      await this.#alerts.insertMany(documents, { ordered: false });
    } catch (error) {
      if (!isOnlyKeptAlready(error)) throw error;
    }
  }
}

function isOnlyKeptAlready(error: unknown): boolean {
  if (!(error instanceof mongo.MongoBulkWriteError)) return false;
  const errors = [error.writeErrors].flat();
  return errors.length > 0 && errors.every(({ code }) => code === DUPLICATE_KEY);
}

function newDelivery(state: AlertState, now: Date): Omit<AlertDocument, keyof Alert> {
  return {
    state,
    created_at: now,
    expires_at: new Date(now.getTime() + KEEP_MS),
    next_at: now,
    claim: null,
    attempts: 0,
    delivered_to: [],
    delivered_at: null,
    last_error: null,
  };
}
