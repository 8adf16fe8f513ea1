import type { mongo } from 'mongoose';
import { ambiguousBeginning, CANDIDATES_MAX } from '../domain/ambiguous.ts';
import { sumAmounts } from '../domain/amount.ts';
import { CashuOpsError } from '../domain/errors.ts';
import type { FailedOperation, MeltOperation, OpenOperation } from '../domain/melt_operation.ts';
import { OPEN_STATES } from '../domain/melt_operation.ts';
import { hasSpent } from '../domain/melt_tries.ts';
import { MELT_OPERATIONS } from './collections.ts';
import type { Store } from './connection.ts';
import { translated } from './errors.ts';
import { npubFilter, type WalletSelection } from './wallet_reads.ts';

/** An invoice that was tried so often is not tried again: each try would have to be looked at. */
export const TRIES_MAX = 50;

/** So many characters of an operation's id, as tables show it, tell it apart. */
const ID_BEGINNING = /^[0-9a-f]{8}[0-9a-f-]{0,27}$/;

/** One open operation as a list shows it. */
export interface OpenOperationSummary {
  _id: string;
  npub: string;
  mint_url: string;
  state: OpenOperation['state'];
  created_at: Date;
  /** Value of the coins that it holds (sat). */
  reserved: number;
}

/** How an operation stands. */
export interface OperationStanding {
  _id: string;
  state: MeltOperation['state'];
  /** Since when, where it has failed. */
  failed_at?: Date;
}

/** What can be asked of the record of melts. */
export class MeltReads {
  protected readonly operations: mongo.Collection<MeltOperation>;

  constructor(store: Pick<Store, 'db'>) {
    this.operations = store.db.collection<MeltOperation>(MELT_OPERATIONS);
  }

  /**
   * By operation id, transaction id or quote id, or by the beginning of one operation's id.
   *
   * @throws CashuOpsError INVALID_ARGUMENT where the beginning fits several
   */
  async find(id: string): Promise<MeltOperation | null> {
    const $or = [{ _id: id }, { transaction_id: id }, { quote_id: id }];
    const whole = await this.#read(() =>
      this.operations.findOne({ $or }, { sort: { created_at: -1 } }),
    );
    if (whole !== null || !ID_BEGINNING.test(id)) return whole;
    const begun = await this.#read(() =>
      this.operations
        .find({ _id: { $regex: `^${id}` } })
        .limit(CANDIDATES_MAX + 1)
        .toArray(),
    );
    const [only, ...others] = begun;
    if (others.length === 0) return only ?? null;
    throw ambiguousBeginning(
      id,
      begun.map(({ _id }) => _id),
    );
  }

  /**
   * Every operation on one invoice, whatever became of it.
   *
   * @returns newest first
   * @throws CashuOpsError DUPLICATE_OPERATION when there are more than can be looked at
   */
  async tries(paymentHash: string): Promise<MeltOperation[]> {
    const found = await this.#read(() =>
      this.operations
        .find({ payment_hash: paymentHash })
        .sort({ created_at: -1 })
        .limit(TRIES_MAX + 1)
        .toArray(),
    );
    if (found.length <= TRIES_MAX) return found;
    throw new CashuOpsError(
      'DUPLICATE_OPERATION',
      `This invoice was tried more than ${TRIES_MAX} times, too often to be sure that none of them paid. Nothing was paid; ask the payee for a new invoice.`,
    );
  }

  /** By its own id only: ids that a mint chooses cannot stand for it. */
  async get(id: string): Promise<MeltOperation | null> {
    return this.#read(() => this.operations.findOne({ _id: id }));
  }

  /** The same, as it stands in a transaction. */
  async getIn(session: mongo.ClientSession, id: string): Promise<MeltOperation | null> {
    return this.operations.findOne({ _id: id }, { session });
  }

  /** The operation that has certainly spent coins of a released one after its release, or null. */
  async spenderOf(released: FailedOperation): Promise<MeltOperation | null> {
    const { _id, npub, mint_url, created_at } = released;
    const ys = released.inputs.map(({ Y }) => Y);
    const $or = [{ 'inputs.Y': { $in: ys } }, { 'swap.inputs.Y': { $in: ys } }];
    const since = { $gte: created_at };
    const holders = await this.#read(() =>
      this.operations
        .find({ npub, mint_url, created_at: since, _id: { $ne: _id }, $or })
        .sort({ created_at: 1 })
        .toArray(),
    );
    const coins = new Set(ys);
    return holders.find((holder) => hasSpent(holder, coins)) ?? null;
  }

  /** Ids of released operations of an owner whose request may have left with one of these coins. */
  async releasedWith(npub: string, ys: readonly string[]): Promise<string[]> {
    const sent = { $or: [{ submitted_at: { $ne: null } }, { swap: { $ne: null } }] };
    const found = await this.#read(() =>
      this.operations
        .find({ npub, state: 'failed', 'inputs.Y': { $in: [...ys] }, ...sent })
        .project<{ _id: string }>({ _id: 1 })
        .toArray(),
    );
    return found.map(({ _id }) => _id);
  }

  async #read<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      throw translated(error);
    }
  }

  /**
   * Open operations of many wallets in one question, oldest first; without coins and outputs.
   *
   * @param selection whose, and at which mint
   */
  async openOperationsOf({ npubs, mintUrl }: WalletSelection): Promise<OpenOperationSummary[]> {
    const filter = { ...npubFilter(npubs), ...(mintUrl !== undefined && { mint_url: mintUrl }) };
    const found = await this.#read(() =>
      this.operations
        .find({ ...filter, state: { $in: [...OPEN_STATES] } })
        .project<Omit<OpenOperationSummary, 'reserved'> & Pick<OpenOperation, 'inputs'>>({
          ...{ npub: 1, mint_url: 1, state: 1, created_at: 1, 'inputs.amount': 1 },
        })
        .sort({ created_at: 1 })
        .toArray(),
    );
    return found.map(({ inputs, ...operation }) => ({
      ...operation,
      reserved: sumAmounts(inputs.map(({ amount }) => amount)),
    }));
  }

  /**
   * Open operations of a group of wallets, whole, oldest first.
   *
   * @param mintUrls the mint in every spelling that the wallets have
   */
  async openOperationsIn(
    npubs: readonly string[],
    mintUrls: readonly string[],
  ): Promise<OpenOperation[]> {
    const wallets = { npub: { $in: [...npubs] }, mint_url: { $in: [...mintUrls] } };
    return this.#read(() =>
      this.operations
        .find<OpenOperation>({ ...wallets, state: { $in: [...OPEN_STATES] } })
        .sort({ created_at: 1 })
        .toArray(),
    );
  }

  /** The mints of open operations, as they are spelled there. */
  async mintsOfOpen(npubs: WalletSelection['npubs']): Promise<string[]> {
    return this.#read(() =>
      this.operations.distinct('mint_url', {
        ...npubFilter(npubs),
        state: { $in: [...OPEN_STATES] },
      }),
    );
  }

  /**
   * Operations of a group of wallets that were released although nothing proved that they had not
   * paid, since a moment: their requests may still arrive.
   */
  async releasedUnproven(
    npubs: readonly string[],
    mintUrls: readonly string[],
    since: Date,
  ): Promise<FailedOperation[]> {
    const wallets = { npub: { $in: [...npubs] }, mint_url: { $in: [...mintUrls] } };
    const sent = { $or: [{ submitted_at: { $ne: null } }, { swap: { $ne: null } }] };
    return this.#read(() =>
      this.operations
        .find<FailedOperation>({
          ...{ ...wallets, ...sent, state: 'failed', refusal: null },
          created_at: { $gte: since },
        })
        .sort({ created_at: 1 })
        .toArray(),
    );
  }

  /** Operations that were put back from the rescue journal, and whose end is not certain yet. */
  async broughtBackOf({
    npubs,
  }: Pick<WalletSelection, 'npubs'>): Promise<Omit<OpenOperationSummary, 'state' | 'reserved'>[]> {
    return this.#read(() =>
      this.operations
        .find({ ...npubFilter(npubs), state: 'failed', brought_back: { $exists: true } })
        .project<Omit<OpenOperationSummary, 'state' | 'reserved'>>({
          ...{ npub: 1, mint_url: 1, created_at: 1 },
        })
        .toArray(),
    );
  }

  /** How the operations with these ids stand, and since when one has failed, by id; those that do not exist are missing. */
  async statesOf(ids: readonly string[]): Promise<Map<string, OperationStanding>> {
    const found = await this.#read(() =>
      this.operations
        .find({ _id: { $in: [...ids] } })
        .project<OperationStanding>({ state: 1, failed_at: 1 })
        .toArray(),
    );
    return new Map(found.map((operation) => [operation._id, operation]));
  }

  /** The operations with these ids, by id; those that do not exist are missing. */
  async byIds(ids: readonly string[]): Promise<Map<string, MeltOperation>> {
    if (ids.length === 0) return new Map();
    const found = await this.#read(() =>
      this.operations.find({ _id: { $in: [...ids] } }).toArray(),
    );
    return new Map(found.map((operation) => [operation._id, operation]));
  }

  /**
   * Does an operation own one of these coins, because it has spent them or may be spending them?
   *
   * @param session the transaction that acts on the answer
   */
  async ownerOf(
    ys: readonly string[],
    session: mongo.ClientSession,
  ): Promise<MeltOperation | null> {
    const $or = [{ 'inputs.Y': { $in: [...ys] } }, { 'swap.inputs.Y': { $in: [...ys] } }];
    return this.operations.findOne({ $or, state: { $ne: 'failed' } }, { session });
  }

  /** Open operations of a wallet, oldest first. */
  openOperations(npub: string): mongo.FindCursor<mongo.WithId<MeltOperation>> {
    return this.operations.find({ npub, state: { $in: [...OPEN_STATES] } }).sort({ created_at: 1 });
  }
}
