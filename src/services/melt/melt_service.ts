import { CashuOpsError, HighSeverityError } from '../../domain/errors.ts';
import {
  type FailedOperation,
  isOpen,
  type MeltOperation,
  type Observation,
  type OpenOperation,
  type SwapRecord,
} from '../../domain/melt_operation.ts';
import { standsForInvoice } from '../../domain/melt_tries.ts';
import type { NamedProof } from '../../domain/proof.ts';
import {
  findLost,
  isLost,
  isWithin,
  type JournalScope,
  type Lost,
  putBackAll,
} from './bring_back.ts';
import { unknownCoins } from './claim.ts';
import {
  type Examination,
  examineMelt,
  examineReleased,
  type ReleasedExamination,
} from './examine.ts';
import { lockedBy } from './locked.ts';
import { lookAtMint } from './look.ts';
import { conflictOf, outcomeOf } from './outcome.ts';
import { payMelt } from './pay.ts';
import { planMelt } from './plan.ts';
import { planCoins, planExchange } from './plan_coins.ts';
import { releaseByHand } from './release_by_hand.ts';
import { resolveWithJournal } from './resolve.ts';
import { bringBackAll, type ResumeAllOptions, type ResumedAll, resumeAll } from './resume_all.ts';
import { stopwatch } from './stopwatch.ts';
import type { MeltDeps, MeltOutcome, MeltPlan, MeltRequest, PlannedCoins } from './types.ts';
import { EarlierOperation } from './validate.ts';

/** Between two looks at an open payment; doubles up to the maximum. */
const POLL_MIN_MS = 1_000;
const POLL_MAX_MS = 30_000;

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Pays Lightning invoices from stored ecash. All that it needs is handed in. */
export class MeltService {
  readonly #deps: MeltDeps;
  /** Exchanges that an operation may stand for already. */
  readonly #usedSwaps = new WeakSet<SwapRecord>();

  constructor(deps: MeltDeps) {
    this.#deps = deps;
  }

  /**
   * Quotes a payment and chooses coins; nothing is written and nothing moves.
   *
   * @returns the plan, or status `conflict` with the earlier operation for the same payment
   * @throws CashuOpsError one code for each reason why the payment cannot be
   */
  async plan(request: MeltRequest): Promise<MeltPlan | MeltOutcome> {
    const planned = await planMelt(this.#deps, request);
    return planned instanceof EarlierOperation ? conflictOf(planned.operation, {}) : planned;
  }

  /**
   * Checks the chosen coins of a plan as the payment would, and changes nothing.
   *
   * @returns the plan, with other coins where the mint holds some of the chosen ones
   * @throws CashuOpsError HIGH_SEVERITY_DISCREPANCIES when the payment would be blocked,
   *   MINT_UNREACHABLE when the mint is silent about coins, INSUFFICIENT_FUNDS or UNKNOWN_KEYSET
   *   when the coins that it does not hold are too little
   */
  async rehearse(plan: MeltPlan): Promise<MeltPlan> {
    const excluded = new Set<string>();
    let rehearsed = plan;
    for (;;) {
      const held = await this.#heldCoins(rehearsed);
      if (held.length === 0) return rehearsed;
      for (const { secret } of held) excluded.add(secret);
      rehearsed = { ...plan, ...(await planCoins(this.#deps, plan, excluded)) };
    }
  }

  /** The chosen coins that another payment at the mint holds. */
  async #heldCoins({ wallet, mint, choice }: MeltPlan): Promise<NamedProof[]> {
    const check = await this.#deps.reconciliation.validateProofStatesForOperation(
      wallet.npub,
      choice.inputs,
      wallet.mint_url,
    );
    if (check.recommendation === 'BLOCK_OPERATION') {
      throw new HighSeverityError(
        `The payment would be blocked: ${check.stateCheck.severityCounts.HIGH} of the chosen coins are not what the database says. Nothing was changed.`,
      );
    }
    const { states, unknown, mintErrors } = check.stateCheck;
    if (unknown > 0) throw unknownCoins(mint.url, unknown, mintErrors[0]?.error ?? null);
    return choice.inputs.filter(({ Y }) => states.get(Y) !== 'UNSPENT');
  }

  /**
   * Pays a plan.
   *
   * @param interrupted before the request has left: ends with INTERRUPTED and free coins; after:
   *   ends with status `pending`
   * @param input_fee_max what a person agreed to (sat): coins that are chosen anew because the
   *   plan's are no longer free must not cost more; null for no ceiling
   */
  async pay(
    plan: MeltPlan,
    interrupted: AbortSignal,
    input_fee_max: number | null = null,
  ): Promise<MeltOutcome> {
    try {
      const coins = await this.#coinsOnce(plan);
      return await payMelt(this.#deps, { ...plan, ...coins, input_fee_max }, interrupted);
    } catch (error) {
      const earlier = await this.#ownerAfter(error, plan);
      if (earlier === null) throw error;
      return conflictOf(earlier, plan.durations);
    }
  }

  /** A plan may be paid again after it failed, but the outputs of an exchange stand for one operation. */
  async #coinsOnce(plan: MeltPlan): Promise<PlannedCoins> {
    const { choice, swap, input_fee, keep_amount } = plan;
    if (swap !== null && this.#usedSwaps.has(swap)) {
      return planExchange(this.#deps, plan, choice);
    }
    if (swap !== null) this.#usedSwaps.add(swap);
    return { choice, swap, input_fee, keep_amount };
  }

  /**
   * Brings an open operation towards its end: settles, releases or waits; never pays.
   *
   * @param id operation id, transaction id or quote id
   * @throws CashuOpsError OPERATION_NOT_FOUND, BOOKS_DO_NOT_CLOSE, …
   */
  async resume(id: string): Promise<MeltOutcome> {
    const operation = await this.#find(id);
    const watch = stopwatch();
    try {
      return await resolveWithJournal(this.#deps, operation, watch);
    } catch (error) {
      if (!isOpen(operation)) throw error;
      if (!(error instanceof CashuOpsError) || error.kind !== 'conflict') {
        throw lockedBy(error, operation);
      }
      const current = await this.#find(operation._id);
      if (current.rev !== operation.rev) return outcomeOf(current, watch.durations);
      throw lockedBy(error, operation);
    }
  }

  /**
   * The same for every open operation, those first that only the rescue journal knows.
   *
   * @param scope whose, and at which mint
   */
  resumeAll(scope: JournalScope, options: ResumeAllOptions): Promise<ResumedAll> {
    return resumeAll(this.#deps, scope, (id) => this.resume(id), options);
  }

  /** Puts back what only the rescue journal knows. @returns how many operations */
  bringBackAll(scope: JournalScope): Promise<number> {
    return bringBackAll(this.#deps, scope, (id) => this.resume(id));
  }

  /** What only the rescue journal knows of a scope, as it would be put back. */
  async lostOperations(scope: JournalScope): Promise<Lost> {
    const { operations, ...rest } = await findLost(this.#deps);
    return { ...rest, operations: operations.filter((operation) => isWithin(scope, operation)) };
  }

  /**
   * Looks at an open operation as `resume` would, and changes nothing.
   *
   * @throws CashuOpsError MINT_UNREACHABLE where an exchange of coins cannot be looked at
   */
  examine(operation: OpenOperation): Promise<Examination> {
    return examineMelt(this.#deps, operation);
  }

  /** Looks again at an operation that was released, and changes nothing. See `examineReleased`. */
  examineReleased(operation: FailedOperation): Promise<ReleasedExamination> {
    return examineReleased(this.#deps, operation);
  }

  /** What the mint shows now of the coins and the quote of a payment, whatever is decided about it. */
  async lookAt({ mint_url, ...operation }: MeltOperation): Promise<Observation> {
    const { mintOf, clock } = this.#deps;
    return (await lookAtMint(mintOf(mint_url), operation, clock())).observation;
  }

  /**
   * Frees the coins of an open operation because a person knows that the payment did not happen.
   * See `releaseByHand`.
   */
  async releaseByHand(id: string): Promise<MeltOutcome> {
    return releaseByHand(this.#deps, await this.#find(id));
  }

  /**
   * Looks again until the payment has ended or the time is over.
   *
   * @param waitMs how long at the most (ms)
   */
  async follow(outcome: MeltOutcome, waitMs: number, stop: AbortSignal): Promise<MeltOutcome> {
    const { sleep } = this.#deps;
    const end = performance.now() + waitMs;
    let current = outcome;
    for (let pause = POLL_MIN_MS; current.status === 'pending'; pause *= 2) {
      const left = end - performance.now();
      if (left <= 0 || stop.aborted || !isOpen(current.operation)) break;
      await Promise.race([sleep(Math.min(pause, POLL_MAX_MS, left)), aborted(stop)]);
      if (stop.aborted) break;
      current = await this.resume(current.operation._id);
    }
    return current;
  }

  async #find(id: string): Promise<MeltOperation> {
    const operation = await this.#deps.melts.find(id);
    if (operation !== null) return operation;
    if (await isLost(this.#deps, id)) {
      // All of them: where one is missing, so are others, and their invoices could be paid again.
      await putBackAll(this.#deps);
      const back = await this.#deps.melts.find(id);
      if (back !== null) return back;
    }
    throw new CashuOpsError(
      'OPERATION_NOT_FOUND',
      `Neither the database nor the rescue journal of this machine (${this.#deps.journal.dir}) knows an operation with this id. That does not say that nothing was paid: the journal of another machine may know it, or the id is not whole. An operation id (its first 8 characters will do), a transaction id (melt_…) or a quote id of the mint is understood.`,
      { next_command: 'cashu-ops balance --all' },
    );
  }

  async #ownerAfter(error: unknown, plan: MeltPlan): Promise<MeltOperation | null> {
    if (!(error instanceof CashuOpsError) || error.code !== 'DUPLICATE_OPERATION') return null;
    const tries = await this.#deps.melts.tries(plan.invoice.payment_hash);
    return tries.find(standsForInvoice) ?? null;
  }
}
