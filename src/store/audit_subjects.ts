import type { mongo } from 'mongoose';
import { CANDIDATES_MAX } from '../domain/ambiguous.ts';
import type { AuditRecord } from '../domain/audit_record.ts';
import type { MeltOperation } from '../domain/melt_operation.ts';
import type { TokenStatus } from '../domain/proof.ts';
import { tokenIdsOf } from '../domain/transaction_id.ts';
import { recordOf } from './audit_reads.ts';
import { AUDIT_LOG, MELT_OPERATIONS } from './collections.ts';
import type { Store } from './connection.ts';
import { type TokenDocument, tokensOf } from './documents.ts';
import { toObjectId } from './new_token.ts';
import { translating } from './translating.ts';

/** So many operations are looked at for one invoice or coin; TRIES_MAX is the most of one invoice. */
const OPERATIONS_MAX = 50;
/** So many events tell of one payment; a payment that is looked at each minute has thousands. */
export const EVENTS_READ_MAX = 1_000;
/** So many tokens are shown for one id. */
const TOKENS_MAX = 50;

/** A token without what could be spent. */
export interface TokenView {
  _id: mongo.ObjectId;
  npub: string;
  mint_url: string;
  transaction_id: string;
  status: TokenStatus;
  total_amount: number;
  reserved_by?: string;
  createdAt: Date;
  /** Sat, and the public name where it is stored. */
  proofs: { amount: number; Y?: string }[];
}

const SHOWN = {
  ...{ npub: 1, mint_url: 1, transaction_id: 1, status: 1, total_amount: 1, reserved_by: 1 },
  ...{ createdAt: 1, 'proofs.amount': 1, 'proofs.Y': 1 },
} as const;

/** The ids that an operation is known by, each with an index. */
const ID_FIELDS = ['_id', 'transaction_id', 'quote_id', 'payment_hash'] as const;
/** The ids that an event may name. */
const EVENT_FIELDS = ['operation_id', 'transaction_id', 'quote_id'] as const;

/** What the database holds of one payment, found by whatever it is known by. */
export class AuditSubjects {
  readonly #operations: mongo.Collection<MeltOperation>;
  readonly #events: mongo.Collection;
  readonly #tokens: mongo.Collection<TokenDocument>;

  constructor({ db }: Pick<Store, 'db'>) {
    this.#operations = db.collection<MeltOperation>(MELT_OPERATIONS);
    this.#events = db.collection(AUDIT_LOG);
    this.#tokens = tokensOf(db);
  }

  /** By any whole id. @returns newest first */
  operationsById(id: string): Promise<MeltOperation[]> {
    return this.#find({ $or: ID_FIELDS.map((field) => ({ [field]: id })) });
  }

  /** Every payment of one invoice. @returns newest first */
  operationsByHash(payment_hash: string): Promise<MeltOperation[]> {
    return this.#find({ payment_hash });
  }

  /** Every payment that one of these coins was given to, or exchanged for. @returns newest first */
  operationsWith(ys: readonly string[]): Promise<MeltOperation[]> {
    const named = { $in: [...ys] };
    return this.#find({ $or: [{ 'inputs.Y': named }, { 'swap.inputs.Y': named }] });
  }

  /** The operations with an id that begins so: one more than can be named, at the most. */
  operationsBeginning(text: string): Promise<MeltOperation[]> {
    const begun = { $regex: `^${escaped(text)}` };
    return this.#find({ $or: ID_FIELDS.map((field) => ({ [field]: begun })) }, CANDIDATES_MAX + 1);
  }

  /** Which of these ids are operations that are there. */
  async known(ids: ReadonlySet<string>): Promise<Set<string>> {
    const named = { _id: { $in: [...ids] } };
    const found = await translating(() =>
      this.#operations.find(named).project<{ _id: string }>({ _id: 1 }).toArray(),
    );
    return new Set(found.map(({ _id }) => _id));
  }

  #find(filter: mongo.Filter<MeltOperation>, limit = OPERATIONS_MAX): Promise<MeltOperation[]> {
    return translating(() =>
      this.#operations.find(filter, { sort: { created_at: -1 }, limit }).toArray(),
    );
  }

  /** Tokens that hold a coin. */
  tokensWith(ys: readonly string[]): Promise<TokenView[]> {
    return this.#tokensWhere({ 'proofs.Y': { $in: [...ys] } });
  }

  /** The public names of coins in tokens that begin so: one more than can be named, at the most. */
  async coinsBeginning(text: string): Promise<string[]> {
    const begun = { 'proofs.Y': { $regex: `^${escaped(text)}` } };
    const tokens = await this.#tokensWhere(begun, CANDIDATES_MAX + 1);
    const names = tokens.flatMap(({ proofs }) => proofs.flatMap(({ Y }) => Y ?? []));
    return [...new Set(names.filter((name) => name.startsWith(text)))];
  }

  /** The payments that the log tells of under an id that begins so, whether or not they are there. */
  async toldBeginning(text: string): Promise<string[]> {
    // An index that leaves out events without the id serves a comparison, and no pattern.
    const begun = { $gte: text, $lt: `${text}\uffff` };
    const told = await translating(() =>
      Promise.all(
        (['operation_id', 'transaction_id'] as const).map((field) =>
          this.#events
            .find({ [field]: begun }, { limit: EVENTS_READ_MAX })
            .project<{ operation_id: string | null }>({ _id: 0, operation_id: 1 })
            .toArray(),
        ),
      ),
    );
    return [...new Set(told.flat().flatMap(({ operation_id }) => operation_id ?? []))];
  }

  /** The tokens that were stored under a transaction id. */
  tokensOfTransaction(transaction_id: string): Promise<TokenView[]> {
    const ids = [transaction_id, ...Object.values(tokenIdsOf(transaction_id))];
    return this.#tokensWhere({ transaction_id: { $in: ids } });
  }

  /**
   * All tokens that have to do with a payment: what it took, what came back.
   *
   * @param outputs public names of the coins that it made
   */
  tokensOf(
    { transaction_id, source_token_ids, inputs, _id }: MeltOperation,
    outputs: readonly string[],
  ): Promise<TokenView[]> {
    const sources = source_token_ids.map((id) => toObjectId(id, 'a source token'));
    return this.#tokensWhere(
      {
        $or: [
          { transaction_id: { $in: Object.values(tokenIdsOf(transaction_id)) } },
          { _id: { $in: sources } },
          { 'proofs.Y': { $in: [...inputs.map(({ Y }) => Y), ...outputs] } },
          { reserved_by: _id },
        ],
      },
      // As many as the payment has: one that were left out would be called missing.
      0,
    );
  }

  #tokensWhere(filter: mongo.Filter<TokenDocument>, limit = TOKENS_MAX): Promise<TokenView[]> {
    return translating(() =>
      this.#tokens
        .find(filter, { sort: { createdAt: 1 } })
        .project<TokenView>(SHOWN)
        .limit(limit)
        .toArray(),
    );
  }

  /** What is told of an operation, oldest first: the newest `EVENTS_READ_MAX` of it. */
  eventsOf(operation_id: string): Promise<AuditRecord[]> {
    return this.#eventsWhere({ operation_id });
  }

  /** Events that name an id, where there is no operation of that name. */
  eventsNaming(id: string): Promise<AuditRecord[]> {
    return this.#eventsWhere({ $or: EVENT_FIELDS.map((field) => ({ [field]: id })) });
  }

  async #eventsWhere(filter: mongo.Filter<mongo.Document>): Promise<AuditRecord[]> {
    const options = { sort: { time: -1, _id: -1 }, limit: EVENTS_READ_MAX } as const;
    const found = await translating(() => this.#events.find(filter, options).toArray());
    return found.reverse().map(recordOf);
  }
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/-]/g, String.raw`\$&`);
}
