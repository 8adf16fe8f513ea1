import type { mongo } from 'mongoose';
import { CHAIN_INDEX } from '../src/store/audit_indexes.ts';
import type { AuditEntry } from '../src/store/audit_log.ts';
import { AUDIT_LOG } from '../src/store/collections.ts';
import type { Store } from '../src/store/connection.ts';
import { INDEXES } from '../src/store/indexes.ts';
import { benchEvents } from './audit_events.ts';
import { median, ratio, timed } from './measure.ts';

const BEFORE = 20_000;
const ROUNDS = 150;
/** About the events of one melt. */
const AT_ONCE = 5;

interface Side {
  name: string;
  entries: mongo.Collection<AuditEntry>;
  events: Generator<AuditEntry>;
  times: number[];
}

/** What the indexes that events are looked for by cost each event: against the chain's alone. */
export async function benchInsert({ db }: Store, say: (line: string) => void): Promise<void> {
  const all = INDEXES.filter(({ collection }) => collection === AUDIT_LOG);
  const chain = all.filter(({ name }) => name === CHAIN_INDEX);
  const sides: Side[] = [];
  for (const [name, specs] of [['chain', chain] as const, ['all', all] as const]) {
    const entries = db.collection<AuditEntry>(`audit_insert_${name}`);
    for (const { collection: _, key, ...options } of specs) await entries.createIndex(key, options);
    const events = benchEvents({ events: 100_000, worker: 0, workers: 1 });
    await entries.insertMany(next(events, BEFORE), { ordered: false });
    sides.push({ name, entries, events, times: [] });
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { entries, events, times } of round % 2 === 0 ? sides : [...sides].reverse()) {
      const batch = next(events, AT_ONCE);
      const write = () => entries.insertMany(batch, { writeConcern: { w: 'majority', j: true } });
      times.push(await timed(write));
    }
  }
  const [one, other] = sides.map(({ times }) => median(times));
  say(
    `  ${AT_ONCE} events written durably with ${all.length} indexes instead of ${chain.length}: ${ratio(other ?? Number.NaN, one ?? Number.NaN)}`,
  );
}

function next(events: Generator<AuditEntry>, count: number): AuditEntry[] {
  return Array.from({ length: count }, () => {
    const { value, done } = events.next();
    if (done) throw new Error('there are not enough events');
    return value;
  });
}
