import { byClaimThenAge } from '../../domain/compare_coins.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import type { Discrepancy } from '../../domain/finding.ts';
import { isUntouchable } from '../../domain/finding.ts';
import type { StoredProof } from '../../domain/proof.ts';
import { named } from '../../domain/proof_y.ts';
import type { AuditLog } from '../../store/audit_log.ts';
import { TOKENS } from '../../store/collections.ts';
import type { Store } from '../../store/connection.ts';
import { LIVE_STATUSES, type TokenDocument } from '../../store/documents.ts';
import { toObjectId } from '../../store/new_token.ts';
import { type NamedToken, retireCoins } from '../../store/token_repair.ts';
import { checkProofStates, comparedToken, type ProofStatesDeps } from './proof_states.ts';
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
}

/** An operation must not run: its coins are not what the database says. */
export class ProofStateInconsistencyError extends CashuOpsError {
  readonly discrepancies: Discrepancy[];
  readonly reconciliationResult: ReconciliationResult;

  constructor(discrepancies: Discrepancy[], reconciliationResult: ReconciliationResult) {
    const high = discrepancies.filter((d) => d.severity === 'HIGH' || d.severity === 'CRITICAL');
    const amount = high.reduce((sum, d) => sum + d.amount, 0);
    super(
      'HIGH_SEVERITY_DISCREPANCIES',
      `${high.length} coins worth ${amount} sat are not what the database said (${[...new Set(high.map((d) => d.type))].join(', ')}). The database is corrected and nothing was paid; look at the balance, then try again.`,
      { recommendation: 'The database is corrected. Try the payment again.' },
    );
    this.discrepancies = discrepancies;
    this.reconciliationResult = reconciliationResult;
  }
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
        ...check.severityCounts,
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
    const actionsPerformed: ReconciliationAction[] = [];
    const bySpent = Map.groupBy(discrepancies.filter(isRetirable), (d) => d.token_id ?? '');
    for (const [tokenId, group] of bySpent) {
      actionsPerformed.push(...(await this.#markSpent(tokenId, group)));
    }
    for (const discrepancy of discrepancies) {
      if (discrepancy.type === 'DUPLICATE_LIVE_PROOF') {
        actionsPerformed.push(await this.#removeDoubles(npub, discrepancy));
      } else if (!isRetirable(discrepancy)) {
        actionsPerformed.push(leftAlone(discrepancy));
      }
    }
    const blocked = discrepancies.some((d) => d.severity === 'HIGH' || d.severity === 'CRITICAL');
    const corrected = actionsPerformed.filter(wasCorrected).length;
    this.#deps.log.info('Proof state reconciliation completed', { npub, corrected, blocked });
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
   * @throws ProofStateInconsistencyError (code HIGH_SEVERITY_DISCREPANCIES) after the database was
   *   corrected: the operation stops
   */
  async performPreFlightReconciliation(
    npub: string,
    proofs: readonly StoredProof[],
    mintUrl: string | null = null,
  ): Promise<PreFlightResult> {
    const stateCheck = await this.checkProofStates(npub, proofs, mintUrl);
    const found = stateCheck.discrepancies;
    const result = found.length > 0 ? await this.reconcileProofStates(npub, found) : null;
    if (result?.blocked) {
      await this.#recordBlocked(npub, mintUrl, found);
      this.#deps.log.error('Pre-flight reconciliation BLOCKED', { npub });
      throw new ProofStateInconsistencyError(found, result);
    }
    return {
      success: true,
      operationCleared: true,
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
    const { hasHighSeverity, unknown } = stateCheck;
    const untouchable = stateCheck.discrepancies.some((d) => isUntouchable(d.type));
    const recommendation = hasHighSeverity
      ? 'BLOCK_OPERATION'
      : unknown > 0 || untouchable
        ? 'RETRY_LATER'
        : 'PROCEED';
    return { valid: recommendation === 'PROCEED', hasHighSeverity, recommendation, stateCheck };
  }

  async #markSpent(tokenId: string, group: Discrepancy[]): Promise<ReconciliationAction[]> {
    const ys = new Set(group.map((d) => d.y));
    const done = await this.#retire(tokenId, ys, group);
    return group.map(({ type, y, token_id }) => ({
      type,
      y,
      token_id,
      action: 'marked_spent',
      done,
    }));
  }

  /** Keeps the first of the live documents by the stated rule, retires the coin in the others. */
  async #removeDoubles(npub: string, discrepancy: Discrepancy): Promise<ReconciliationAction> {
    const { type, y, token_id } = discrepancy;
    const { store } = this.#deps;
    const tokens = await store.db
      .collection<TokenDocument>(TOKENS)
      .find({ npub, mint_url: discrepancy.mint_url, status: { $in: [...LIVE_STATUSES] } })
      .toArray();
    const holders = tokens
      .map((token): NamedToken => ({ ...token, proofs: token.proofs.map(named) }))
      .filter((token) => token.proofs.some((proof) => proof.Y === y))
      .sort((a, b) => byClaimThenAge(comparedToken(a), comparedToken(b)));
    let done = true;
    for (const extra of holders.slice(1)) {
      done = (await this.#retire(String(extra._id), new Set([y]), [discrepancy])) && done;
    }
    return { type, y, token_id, action: 'double_removed', done };
  }

  /** One transaction: the coins leave circulation, with their audit event. */
  async #retire(tokenId: string, ys: Set<string>, why: Discrepancy[]): Promise<boolean> {
    const { store, audit, clock } = this.#deps;
    const token = await this.#findToken(tokenId);
    const present = token?.proofs.filter((proof) => ys.has(proof.Y)) ?? [];
    if (token === null || token.status === 'spent' || present.length === 0) return false;
    try {
      await store.transactions.run(async (session) => {
        const retired = await retireCoins(store.db, session, token, ys, clock());
        await audit.createAuditLogEntry(session, {
          type: 'proof_state_reconciled',
          severity: why[0]?.severity ?? 'HIGH',
          npub: token.npub,
          mint_url: token.mint_url,
          transaction_id: token.transaction_id,
          before: token.status,
          after: 'spent',
          ys: [...ys],
          amounts: { retired: retired.retired_amount, rest: retired.rest_amount },
          note: why[0]?.type,
        });
      });
      return true;
    } catch (error) {
      if (error instanceof CashuOpsError && error.code === 'TOKENS_NOT_AVAILABLE') return false;
      throw error;
    }
  }

  async #findToken(tokenId: string): Promise<NamedToken | null> {
    const { db } = this.#deps.store;
    const token = await db
      .collection<TokenDocument>(TOKENS)
      .findOne({ _id: toObjectId(tokenId, 'a token id') });
    return token && { ...token, proofs: token.proofs.map(named) };
  }

  async #recordBlocked(npub: string, mintUrl: string | null, found: Discrepancy[]): Promise<void> {
    const high = found.filter((d) => d.severity === 'HIGH' || d.severity === 'CRITICAL');
    await this.#deps.audit.createAuditLogEntry(null, {
      type: 'preflight_blocked',
      severity: 'HIGH',
      npub,
      mint_url: mintUrl ?? high[0]?.mint_url ?? 'unknown',
      ys: high.map((d) => d.y),
      amounts: { at_risk: high.reduce((sum, d) => sum + d.amount, 0) },
      note: [...new Set(high.map((d) => d.type))].join(', '),
    });
  }
}

/** Spent at the mint, and no operation stands for it: the coin is gone for certain. */
function isRetirable(discrepancy: Discrepancy): boolean {
  if (discrepancy.token_id === null) return false;
  if (discrepancy.type === 'DB_UNSPENT_MINT_SPENT') return true;
  return discrepancy.type === 'DB_PENDING_MINT_SPENT' && discrepancy.operation_id === null;
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
