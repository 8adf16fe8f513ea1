import type { mongo } from 'mongoose';
import { chainOf } from '../domain/audit_chain.ts';
import type { AuditEventData } from '../domain/audit_event.ts';
import { CashuOpsError, isOutcomeUnknown, MinorError } from '../domain/errors.ts';
import type {
  FailedOperation,
  FailedSwapOperation,
  MeltOperation,
  OpenOperation,
  PreparedOperation,
  SettledOperation,
  SubmittedOperation,
  SubmittingOperation,
  SwappingOperation,
} from '../domain/melt_operation.ts';
import { hasSpent } from '../domain/melt_tries.ts';
import type { NamedProof } from '../domain/proof.ts';
import { tokenIdsOf } from '../domain/transaction_id.ts';
import type { AuditLog } from './audit_log.ts';
import { MELT_OPERATIONS, TOKENS } from './collections.ts';
import type { Store } from './connection.ts';
import { type TokenDocument, walletsOf } from './documents.ts';
import { applyAtomicMelt } from './melt_atomic.ts';
import { claimTokens, type TokenClaim } from './melt_claim.ts';
import { broughtBackEvent, meltEvent } from './melt_events.ts';
import { MeltReads } from './melt_reads.ts';
import { toObjectId } from './new_token.ts';
import { swapToken } from './swap_token.ts';
import { retireLive } from './token_repair.ts';

/**
 * The durable record of melts. Each method that changes something is one transaction with its
 * audit event; each names the operation as it was read and fails with OPERATION_CHANGED when
 * somebody else moved it meanwhile.
 */
export class MeltStore extends MeltReads {
  readonly #store: Store;
  readonly #audit: AuditLog;

  constructor(store: Store, audit: AuditLog) {
    super(store);
    this.#store = store;
    this.#audit = audit;
  }

  /**
   * T1: claims the tokens and writes the operation.
   *
   * @param tries how many operations on the invoice were looked at; where there are more now,
   *   one has come and gone meanwhile, and nobody has asked what became of it
   * @param assertMayMelt reads the policy as it is in this transaction
   * @throws CashuOpsError MELTS_STOPPED, TOKENS_NOT_AVAILABLE when a token was taken, DUPLICATE_OPERATION when
   *   another operation owns the invoice or the quote, or came and went meanwhile
   */
  async prepare(
    operation: PreparedOperation,
    claims: readonly TokenClaim[],
    tries: number,
    assertMayMelt: (session: mongo.ClientSession) => Promise<void> = async () => {},
  ): Promise<void> {
    await this.#confirmed(operation, async (session) => {
      await assertMayMelt(session);
      const now = await this.#countTries(session, operation);
      if (now !== tries) throw triedMeanwhile();
      await claimTokens(this.#store.db, session, operation, claims);
      await this.operations.insertOne(operation, { session });
      await this.#record(session, meltEvent(null, operation));
    });
  }

  /**
   * One read for both: how often the invoice was tried, and behind which event the next one comes.
   * It begins at the wallet, which is there, because a transaction has no other way to read two
   * collections at once (MongoDB manual: $unionWith is refused, $lookup is not).
   */
  async #countTries(session: mongo.ClientSession, operation: PreparedOperation): Promise<number> {
    const { payment_hash } = operation;
    const { heads } = this.#audit;
    const chain = chainOf(operation);
    const counting = [{ $match: { payment_hash } }, { $count: 'count' }];
    const [row] = await walletsOf(this.#store.db)
      .aggregate<{ tries: { count: number }[] }>(
        [
          { $match: { _id: toObjectId(operation.wallet_id, 'The wallet') } },
          { $project: { _id: 1 } },
          { $lookup: { from: MELT_OPERATIONS, pipeline: counting, as: 'tries' } },
          heads.stage(chain),
        ],
        { session },
      )
      .toArray();
    if (row === undefined) return this.operations.countDocuments({ payment_hash }, { session });
    heads.wasRead(session, chain, row);
    return row.tries[0]?.count ?? 0;
  }

  /** prepared → swapping: the swap's outputs are durable before its request leaves. */
  startSwap(from: PreparedOperation & { swap: SwappingOperation['swap'] }, now: Date) {
    return this.#move(from, { ...from, state: 'swapping', updated_at: now });
  }

  /** T2, prepared → submitting: from here on the request may have left. */
  submit(from: PreparedOperation, now: Date): Promise<SubmittingOperation> {
    return this.#move(from, { ...from, state: 'submitting', submitted_at: now, updated_at: now });
  }

  /**
   * swapping → submitting, or → failed when the payment is not to follow: the old coins are spent,
   * the new ones stored, in one transaction. From `failed` too: a swap that came through after its
   * release has still happened.
   */
  async finishSwap<To extends SubmittingOperation | FailedOperation>(
    from: SwappingOperation | FailedSwapOperation,
    coins: { send: NamedProof[]; keep: NamedProof[] },
    to: To,
  ): Promise<To> {
    return this.#moveWith(from, to, async (session, next) => {
      const { updated_at } = next;
      const $set = { status: 'spent', spent_at: updated_at, updatedAt: updated_at } as const;
      if (from.state === 'failed') await retireLive(this.#store.db, session, from, updated_at);
      else assertAll(await this.#updateSources(session, from, $set), from);
      const ids = tokenIdsOf(from.transaction_id);
      const send = swapToken(
        from,
        ids.swapSend,
        coins.send,
        next.updated_at,
        next.state === 'submitting',
      );
      const keep =
        coins.keep.length > 0
          ? [swapToken(from, ids.swapKeep, coins.keep, next.updated_at, false)]
          : [];
      await this.#tokens.insertMany([send, ...keep], { session });
      if (next.state === 'submitting') next.source_token_ids = [String(send._id)];
    });
  }

  /** A change that moves no coin: an observation, a refusal, submitting → pending, … */
  note<To extends OpenOperation>(from: OpenOperation, to: To): Promise<To> {
    return this.#move(from, to);
  }

  /**
   * T3: the payment happened. Source tokens become spent, the change is stored, all or nothing.
   * From `failed` too: a request that came through after its release has still paid. Its coins may
   * stand anywhere by then, so each is retired where it is live; a check may have done that already.
   */
  settle(
    from: SubmittedOperation | FailedOperation,
    to: SettledOperation,
    change: readonly NamedProof[],
  ): Promise<SettledOperation> {
    const { db } = this.#store;
    const held = from.state === 'failed' ? [] : from.source_token_ids;
    return this.#moveWith(from, to, async (session) => {
      if (from.state === 'failed') await retireLive(db, session, from, to.updated_at);
      const spent =
        from.state === 'failed' ? await this.#spentBySettled(session, change) : NO_COINS;
      await applyAtomicMelt(
        db,
        session,
        {
          sourceTokenIds: held.map((id) => toObjectId(id, 'a source token')),
          keepProofs: [],
          meltChangeProofs: change.filter(({ Y }) => !spent.has(Y)),
          transactionId: from.transaction_id,
          metadata: { ...from, operation_id: from._id },
        },
        to.updated_at,
      );
    });
  }

  /**
   * Change that a later payment has spent already: in a restored database that one may have been
   * brought back first.
   */
  async #spentBySettled(
    session: mongo.ClientSession,
    change: readonly NamedProof[],
  ): Promise<ReadonlySet<string>> {
    const ys = change.map(({ Y }) => Y);
    const $or = [{ 'inputs.Y': { $in: ys } }, { 'swap.inputs.Y': { $in: ys } }];
    const found = await this.operations.find({ $or }, { session }).toArray();
    return new Set(ys.filter((y) => found.some((one) => hasSpent(one, new Set([y])))));
  }

  /** → failed: the payment did not happen, the coins are free again. */
  release(from: OpenOperation, to: FailedOperation): Promise<FailedOperation> {
    return this.#moveWith(from, to, async (session) => {
      const $set = { status: 'unspent', spent_at: null, updatedAt: to.updated_at } as const;
      const freed = await this.#updateSources(session, from, $set);
      assertAll(freed, from);
    });
  }

  /**
   * Puts back an operation that only the rescue journal knows.
   *
   * @returns the operation as it stands now: another process may have put it back meanwhile
   */
  async bringBack(operation: FailedOperation): Promise<MeltOperation> {
    try {
      await this.#confirmed(operation, async (session) => {
        await this.operations.insertOne(operation, { session });
        await this.#record(session, broughtBackEvent(null, operation));
      });
      return operation;
    } catch (error) {
      const standing = await this.get(operation._id);
      if (standing === null) throw error;
      return standing;
    }
  }

  /** Moves an operation to where the rescue journal knows that it was. */
  catchUp(from: PreparedOperation | FailedOperation, to: MeltOperation): Promise<MeltOperation> {
    return this.#moveWith(from, to, async () => {}, broughtBackEvent);
  }

  /** What became of an operation that was put back is known for certain now. */
  conclude(from: FailedOperation): Promise<FailedOperation> {
    const { brought_back: _, ...to } = from;
    return this.#moveWith(from, to, async () => {});
  }

  get #tokens() {
    return this.#store.db.collection<TokenDocument>(TOKENS);
  }

  async #updateSources(
    session: mongo.ClientSession,
    operation: OpenOperation,
    $set: Pick<TokenDocument, 'status' | 'spent_at' | 'updatedAt'>,
  ): Promise<number> {
    const _id = { $in: operation.source_token_ids.map((id) => toObjectId(id, 'a source token')) };
    const result = await this.#tokens.updateMany(
      { _id, status: 'pending', reserved_by: operation._id },
      { $set, $unset: { reserved_by: '' } },
      { session },
    );
    return result.modifiedCount;
  }

  #move<To extends MeltOperation>(from: OpenOperation, to: To): Promise<To> {
    return this.#moveWith(from, to, async () => {});
  }

  /** The one place where an operation changes: coins, compare-and-set on `rev`, audit event. */
  async #moveWith<To extends MeltOperation>(
    from: MeltOperation,
    to: To,
    moveCoins: (session: mongo.ClientSession, next: To) => Promise<void>,
    eventOf: (from: MeltOperation, to: MeltOperation) => AuditEventData = meltEvent,
  ): Promise<To> {
    const next: To = { ...to, rev: from.rev + 1 };
    await this.#confirmed(next, async (session) => {
      await moveCoins(session, next);
      const result = await this.operations.replaceOne({ _id: from._id, rev: from.rev }, next, {
        session,
      });
      if (result.modifiedCount !== 1) throw changedMeanwhile(from);
      await this.#record(session, eventOf(from, next));
    });
    return next;
  }

  /** A commit whose answer was lost is looked up: only the database knows whether it happened. */
  async #confirmed(next: MeltOperation, work: (session: mongo.ClientSession) => Promise<void>) {
    try {
      await this.#store.transactions.run(work);
    } catch (error) {
      if (!isOutcomeUnknown(error)) throw error;
      const stored = await this.operations.findOne({ _id: next._id }).catch(() => null);
      if (stored?.rev !== next.rev || stored.state !== next.state) throw error;
    }
  }

  async #record(session: mongo.ClientSession, event: AuditEventData): Promise<void> {
    await this.#audit.createAuditLogEntry(session, event);
  }
}

const NO_COINS: ReadonlySet<string> = new Set();

function assertAll(changed: number, operation: OpenOperation): void {
  if (changed === operation.source_token_ids.length) return;
  throw new CashuOpsError(
    'TOKENS_NOT_AVAILABLE',
    `Only ${changed} of ${operation.source_token_ids.length} reserved tokens of operation ${operation._id} were as they should be; nothing was changed.`,
    { operation_id: operation._id },
  );
}

function triedMeanwhile(): CashuOpsError {
  return new CashuOpsError(
    'DUPLICATE_OPERATION',
    'Another process has just tried to pay the same invoice; nothing was paid now. Try again.',
  );
}

function changedMeanwhile(operation: MeltOperation): CashuOpsError {
  return new MinorError(
    `Operation ${operation._id} was moved by another process meanwhile; nothing was changed here.`,
    { operation_id: operation._id, next_command: `cashu-ops melt --resume ${operation._id}` },
  );
}
