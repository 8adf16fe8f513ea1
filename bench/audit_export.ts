import { exportEvents } from '../src/store/audit_stream.ts';
import { AUDIT_LOG } from '../src/store/collections.ts';
import type { Store } from '../src/store/connection.ts';

/** How often memory is looked at (events). */
const LOOK_EVERY = 20_000;
/** The second half of an export may need so much more than the first. */
const GROWTH_MAX = 1.5;

/**
 * Reads the whole log as an export does, and watches what it needs of memory.
 *
 * @throws Error where memory grows with the log, or an event is missing
 */
export async function benchExport(store: Store, say: (line: string) => void): Promise<void> {
  const events = await store.db.collection(AUDIT_LOG).estimatedDocumentCount();
  const heaps: number[] = [];
  const started = performance.now();
  let count = 0;
  let bytes = 0;
  for await (const { event } of exportEvents(store, {})) {
    count += 1;
    bytes += JSON.stringify(event).length;
    if (count % LOOK_EVERY === 0) heaps.push(process.memoryUsage().heapUsed);
  }
  if (count !== events) throw new Error(`the export has ${count} of ${events} events`);
  const half = Math.floor(heaps.length / 2);
  const [first, second] = [Math.max(...heaps.slice(0, half)), Math.max(...heaps.slice(half))];
  const growth = second / first;
  const seconds = (performance.now() - started) / 1000;
  say(
    `  audit export: ${count.toLocaleString('en')} events, ${Math.round(count / seconds).toLocaleString('en')} a second, ${Math.round(bytes / 1e6)} MB; heap of the second half against the first: ${growth.toFixed(2)} × (wanted: at most ${GROWTH_MAX})`,
  );
  if (growth > GROWTH_MAX) throw new Error('an export needs more memory the longer it runs');
}
