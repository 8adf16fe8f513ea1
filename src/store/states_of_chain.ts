import type { mongo } from 'mongoose';
import { chainOf } from '../domain/audit_chain.ts';
import { MELT_EVENTS } from '../domain/audit_event.ts';
import type { StandingState } from '../domain/last_states.ts';
import type { MeltOperation } from '../domain/melt_operation.ts';
import { FIXED_FIELDS, operationDigest } from '../domain/operation_digest.ts';
import { isReadable } from '../domain/readable_operation.ts';
import type { ChainScope } from './audit_chains.ts';
import { AUDIT_LOG, MELT_OPERATIONS } from './collections.ts';
import type { Store } from './connection.ts';
import { translating } from './translating.ts';

type Fixed = Pick<MeltOperation, (typeof FIXED_FIELDS)[number]>;
const STANDING = Object.fromEntries(
  ['state', 'updated_at', ...FIXED_FIELDS].map((field) => [field, 1]),
);

/** The states of operations, beside what the audit log says of them. */
export class StatesOfChain {
  readonly #db: mongo.Db;

  constructor({ db }: Pick<Store, 'db'>) {
    this.#db = db;
  }

  /**
   * Of every operation of the wallet that a chain is about, by id; none for another chain.
   *
   * @param at the moment to read at, where one is given
   */
  async statesOf(chain: string, at: mongo.FindOptions = {}): Promise<Map<string, StandingState>> {
    const wallet = walletOf(chain);
    if (wallet === null) return new Map();
    const found = await translating(() =>
      this.#operations
        .find(wallet, at)
        .project<Omit<StandingState, 'digest'> & Fixed & { _id: string }>(STANDING)
        .toArray(),
    );
    return new Map(
      found.map(({ _id, state, updated_at, ...fixed }) => {
        return [String(_id), { state, updated_at, digest: operationDigest(fixed) }];
      }),
    );
  }

  /** Is there an operation of the wallet that cannot be read? Reads each of them whole. */
  async hasUnreadable(chain: string, at: mongo.FindOptions): Promise<boolean> {
    const wallet = walletOf(chain);
    if (wallet === null) return false;
    for await (const operation of this.#operations.find(wallet, at)) {
      if (!isReadable(operation)) return true;
    }
    return false;
  }

  /** The chains of all wallets that have operations. */
  async chainsOfOperations({ npub, mint_url }: ChainScope): Promise<string[]> {
    const $match = {
      ...(npub !== undefined && { npub }),
      ...(mint_url !== undefined && { mint_url }),
    };
    const $group = { _id: { npub: '$npub', mint_url: '$mint_url' } };
    const found = await translating(() =>
      this.#operations
        .aggregate<{ _id: { npub: string; mint_url: string } }>([{ $match }, { $group }], {
          allowDiskUse: true,
        })
        .toArray(),
    );
    return found.map(({ _id }) => chainOf(_id));
  }

  /** What an event from before there were chains says last of an operation, or null. */
  async toldBeforeChains(operation_id: string): Promise<string | null> {
    const filter = { operation_id, chain: { $exists: false }, type: { $in: [...MELT_EVENTS] } };
    const last = await translating(() =>
      this.#db.collection(AUDIT_LOG).findOne(filter, { sort: { time: -1, _id: -1 } }),
    );
    return typeof last?.after === 'string' ? last.after : null;
  }

  get #operations(): mongo.Collection<MeltOperation> {
    return this.#db.collection<MeltOperation>(MELT_OPERATIONS);
  }
}

/** Null for a chain that is not that of a wallet. */
function walletOf(chain: string): { npub: string; mint_url: string } | null {
  const [npub, mint_url] = chain.split(' ');
  return npub === undefined || mint_url === undefined ? null : { npub, mint_url };
}
