import { groupDigits } from '../../domain/amount.ts';
import { AUDIT_YS_MAX } from '../../domain/audit_event.ts';
import { HighSeverityError } from '../../domain/errors.ts';
import type { Discrepancy } from '../../domain/finding.ts';
import type { StoredProof } from '../../domain/proof.ts';
import { strategyOf } from '../../domain/severity_strategy.ts';
import type { AuditLog } from '../../store/audit_log.ts';
import type { Store } from '../../store/connection.ts';
import { type CoinAction, markSpent, removeDoubles } from './corrections.ts';
import { checkProofStates, type ProofStatesDeps } from './proof_states.ts';
import type {
  PreFlightResult,
  ReconciliationAction,
  ReconciliationResult,
  StateCheck,
  ValidationResult,
} from './types.ts';

/** Told what happened, in the phrases that people search for. Gets no secrets. */
export interface ServiceLog {
  info(message: string, facts?: Record<string, unknown>): void;
  warn(message: string, facts?: Record<string, unknown>): void;
  error(message: string, facts?: Record<string, unknown>): void;
}

export interface ReconciliationDeps extends Omit<ProofStatesDeps, 'db'> {
  store: Store;
  audit: AuditLog;
  log: ServiceLog;
  /** Ids of released operations of an owner that may have spent one of these coins after all. */
  releasedWith: (npub: string, ys: readonly string[]) => Promise<string[]>;
}

/** An operation must not run: its coins are not what the database says. */
export class ProofStateInconsistencyError extends HighSeverityError {
  readonly discrepancies: Discrepancy[];
  readonly reconciliationResult: ReconciliationResult;

  /**
   * @param released ids of released operations that may have spent the coins: what is due from
   *   them comes back by resuming them
   */
  constructor(
    discrepancies: Discrepancy[],
    reconciliationResult: ReconciliationResult,
    released: readonly string[],
  ) {
    const high = coinsAtRisk(discrepancies);
    const types = [...new Set(discrepancies.filter(isHigh).map((d) => d.type))].join(', ');
    const corrected = reconciliationResult.actionsPerformed.every(({ done }) => done)
      ? 'The database is corrected'
      : 'The database is corrected but for tokens that others hold or changed meanwhile';
    const [operation_id] = released;
    const then =
      operation_id === undefined
        ? 'look at the balance, then try again'
        : `operation ${released.join(', ')}, released as not paid, may have used them after all: resume it first, its change may be waiting`;
    super(
      `${high.coins === 1 ? '1 coin' : `${groupDigits(high.coins)} coins`} worth ${groupDigits(high.amount)} sat ${high.coins === 1 ? 'is' : 'are'} not what the database said (${types}). ${corrected}, and nothing was paid; ${then}.`,
      operation_id === undefined
        ? { recommendation: `${corrected}. Try the payment again.` }
        : {
            operation_id,
            recommendation: `${corrected}. Resume the released operation, then try the payment again.`,
            next_command: `cashu-ops melt --resume ${operation_id}`,
          },
    );
    this.discrepancies = discrepancies;
    this.reconciliationResult = reconciliationResult;
  }
}

function isHigh({ severity }: Discrepancy): boolean {
  return strategyOf(severity).blocksOperation;
}

/** One coin may be found twice, as a double and as spent; it is worth its amount once. */
function coinsAtRisk(discrepancies: readonly Discrepancy[]): { coins: number; amount: number } {
  const coins = new Map(discrepancies.filter(isHigh).map(({ y, amount }) => [y, amount]));
  return {
    coins: coins.size,
    amount: [...coins.values()].reduce((sum, amount) => sum + amount, 0),
  };
}

/** The three layers of the wallet service's contract, bound to their dependencies. */
export class Reconciliation {
  readonly #deps: ReconciliationDeps;

  constructor(deps: ReconciliationDeps) {
    this.#deps = deps;
  }

  /** Layer 1. See `checkProofStates`. */
  async checkProofStates(
    npub: string,
    proofs: readonly StoredProof[] | null = null,
    mintUrl: string | null = null,
  ): Promise<StateCheck> {
    const deps = { ...this.#deps, db: this.#deps.store.db };
    const check = await checkProofStates(deps, npub, proofs, mintUrl);
    if (check.hasHighSeverity) {
      this.#deps.log.error('HIGH severity discrepancies detected', {
        npub,
        severity_counts: check.severityCounts,
      });
    }
    return check;
  }

  /** Layer 1 for every live coin of one wallet: its owner at one mint. */
  checkWallet(npub: string, mintUrl: string): Promise<StateCheck> {
    return this.checkProofStates(npub, null, mintUrl);
  }

  /**
   * Layer 2: corrects what may be corrected without asking. A coin that the mint calls spent is
   * marked so, alone; of doubles one stays live; the coins of an operation are left to it; the rest
   * is reported.
   */
  async reconcileProofStates(
    npub: string,
    discrepancies: readonly Discrepancy[],
  ): Promise<ReconciliationResult> {
    const started = performance.now();
    const actionsPerformed: ReconciliationAction[] = [];
    const bySpent = Map.groupBy(discrepancies.filter(isRetirable), (d) => d.token_id ?? '');
    for (const [tokenId, group] of bySpent) {
      actionsPerformed.push(...typed(group, await markSpent(this.#deps, tokenId, group)));
    }
    const doubles = discrepancies.filter(({ type }) => type === 'DUPLICATE_LIVE_PROOF');
    const spent = new Set(discrepancies.filter(isSpentAtMint).map(({ y }) => y));
    const removed = await removeDoubles(this.#deps, npub, doubles, spent);
    actionsPerformed.push(...typed(doubles, removed));
    for (const discrepancy of discrepancies) {
      if (discrepancy.type === 'DUPLICATE_LIVE_PROOF' || isRetirable(discrepancy)) continue;
      actionsPerformed.push(leftAlone(discrepancy));
    }
    const blocked = discrepancies.some(isHigh);
    const corrected = actionsPerformed.filter(wasCorrected).length;
    this.#deps.log.info('Proof state reconciliation completed', {
      npub,
      corrected,
      blocked,
      duration_ms: msSince(started),
    });
    return {
      success: !blocked,
      blocked,
      reason: blocked ? 'HIGH_SEVERITY_DISCREPANCIES_DETECTED' : null,
      actionsPerformed,
      reconciliationSummary: {
        discrepancies: discrepancies.length,
        corrected,
        reported: actionsPerformed.length - corrected,
      },
    };
  }

  /**
   * Layer 3: clears an operation that is about to use exactly these coins.
   *
   * @returns `operationCleared` only when the mint calls every coin unspent: a coin that it holds
   *   for another payment, or says nothing of, clears nothing
   * @throws ProofStateInconsistencyError (code HIGH_SEVERITY_DISCREPANCIES) after the database was
   *   corrected: the operation stops
   */
  async performPreFlightReconciliation(
    npub: string,
    proofs: readonly StoredProof[],
    mintUrl: string | null = null,
  ): Promise<PreFlightResult> {
    const started = performance.now();
    const stateCheck = await this.checkProofStates(npub, proofs, mintUrl);
    const found = stateCheck.discrepancies;
    const result = found.length > 0 ? await this.reconcileProofStates(npub, found) : null;
    if (result?.blocked) {
      await this.#recordBlocked(npub, found);
      this.#deps.log.error('Pre-flight reconciliation BLOCKED', {
        npub,
        severity_counts: stateCheck.severityCounts,
        duration_ms: msSince(started),
      });
      const spent = found.filter(isSpentAtMint).map(({ y }) => y);
      const released = spent.length > 0 ? await this.#deps.releasedWith(npub, spent) : [];
      throw new ProofStateInconsistencyError(found, result, released);
    }
    const operationCleared = isAllUnspent(stateCheck);
    return {
      success: operationCleared,
      operationCleared,
      discrepanciesFound: found.length,
      discrepanciesResolved: result?.reconciliationSummary.corrected ?? 0,
      stateCheck,
      reconciliationResult: result,
    };
  }

  /** The light check before an operation: layer 1 and a recommendation, nothing is changed. */
  async validateProofStatesForOperation(
    npub: string,
    proofs: readonly StoredProof[],
    mintUrl: string | null = null,
  ): Promise<ValidationResult> {
    const stateCheck = await this.checkProofStates(npub, proofs, mintUrl);
    const { hasHighSeverity } = stateCheck;
    const usable = isAllUnspent(stateCheck) ? 'PROCEED' : 'RETRY_LATER';
    const recommendation = hasHighSeverity ? 'BLOCK_OPERATION' : usable;
    return { valid: recommendation === 'PROCEED', hasHighSeverity, recommendation, stateCheck };
  }

  /** One event for each wallet: the coins of several mints are several troubles. */
  async #recordBlocked(npub: string, found: readonly Discrepancy[]): Promise<void> {
    for (const [mint_url, high] of Map.groupBy(found.filter(isHigh), (one) => one.mint_url)) {
      await this.#deps.audit.createAuditLogEntry(null, {
        type: 'preflight_blocked',
        severity: 'HIGH',
        npub,
        mint_url,
        ys: [...new Set(high.map((d) => d.y))].slice(0, AUDIT_YS_MAX),
        amounts: { at_risk: coinsAtRisk(high).amount },
        note: [...new Set(high.map((d) => d.type))].join(', '),
      });
    }
  }
}

function msSince(started: number): number {
  return Math.round(performance.now() - started);
}

/** Every coin is known, and no payment has or holds it. */
function isAllUnspent({ states, unknown }: StateCheck): boolean {
  return unknown === 0 && [...states.values()].every((state) => state === 'UNSPENT');
}

function isSpentAtMint({ type }: Discrepancy): boolean {
  return type === 'DB_UNSPENT_MINT_SPENT' || type === 'DB_PENDING_MINT_SPENT';
}

/** Spent at the mint, and no operation stands for it: the coin is gone for certain. */
function isRetirable(discrepancy: Discrepancy): boolean {
  if (discrepancy.token_id === null) return false;
  if (discrepancy.type === 'DB_UNSPENT_MINT_SPENT') return true;
  return discrepancy.type === 'DB_PENDING_MINT_SPENT' && discrepancy.operation_id === null;
}

/** Each action with the type of its finding; both are in the same order. */
function typed(
  findings: readonly Discrepancy[],
  actions: readonly CoinAction[],
): ReconciliationAction[] {
  return findings.flatMap(({ type }, at) => {
    const action = actions[at];
    return action === undefined ? [] : [{ ...action, type }];
  });
}

function leftAlone({ type, y, token_id, operation_id }: Discrepancy): ReconciliationAction {
  const action =
    operation_id !== null
      ? 'left_to_operation'
      : type === 'DB_UNSPENT_MINT_PENDING'
        ? 'watched'
        : 'reported';
  return { type, y, token_id, action, done: true };
}

function wasCorrected({ action, done }: ReconciliationAction): boolean {
  return done && (action === 'marked_spent' || action === 'double_removed');
}
