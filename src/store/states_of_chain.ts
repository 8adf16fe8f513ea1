import type { mongo } from 'mongoose';
import { MELT_EVENTS } from '../domain/audit_event.ts';
import type { MeltOperation } from '../domain/melt_operation.ts';
import { AUDIT_LOG, MELT_OPERATIONS } from './collections.ts';
import type { Store } from './connection.ts';
import { translating } from './translating.ts';

/** The states of operations, beside what the audit log says of them. */
export class StatesOfChain {
  readonly #db: mongo.Db;

  constructor({ db }: Pick<Store, 'db'>) {
    this.#db = db;
  }

  /** Of every operation of the wallet that a chain is about, by id; none for another chain. */
  async statesOf(chain: string): Promise<Map<string, string>> {
    const [npub, mint_url] = chain.split(' ');
    if (npub === undefined || mint_url === undefined) return new Map();
    const found = await translating(() =>
      this.#db
        .collection<MeltOperation>(MELT_OPERATIONS)
        .find({ npub, mint_url })
        .project<{ _id: string; state: string }>({ state: 1 })
        .toArray(),
    );
    return new Map(found.map(({ _id, state }) => [_id, state]));
  }

  /** What an event from before there were chains says last of an operation, or null. */
  async toldBeforeChains(operation_id: string): Promise<string | null> {
    const filter = { operation_id, chain: { $exists: false }, type: { $in: [...MELT_EVENTS] } };
    const last = await translating(() =>
      this.#db.collection(AUDIT_LOG).findOne(filter, { sort: { time: -1, _id: -1 } }),
    );
    return typeof last?.after === 'string' ? last.after : null;
  }
}
