/**
 * The books of the practice mint: which coins are spent or held, which outputs are signed, and the
 * money that went in and out. Everything here is synchronous: one call is one indivisible step.
 */

import { z } from 'zod';
import { MintRefusal } from './nut_errors.ts';
import type { BlindSignature, ProofState } from './wire.ts';

/** A coin whose signature, keyset and conditions were found good. */
export interface VerifiedInput {
  y: string;
  amount_sat: number;
  /** Kept for `checkstate` (NUT-07). */
  witness: string | null;
}

/**
 * The sums that an outside judge needs: totals since the start of the process, and three counts.
 * The books close when
 * `redeemed + minted = issued + paid + settled_internally + lightning_fees + input_fees +
 * unreturned`.
 */
export const ledgerReportSchema = z.object({
  /** Deposits that were turned into coins. */
  minted_sat: z.int(),
  /** Value of every blind signature ever given: deposits, swaps, change. */
  issued_sat: z.int(),
  /** Value of every coin ever spent by a swap or a melt. */
  redeemed_sat: z.int(),
  /** Amounts of the invoices that the Lightning side paid, without fees. */
  paid_sat: z.int(),
  /** Amounts of melted invoices that this mint had issued itself. */
  settled_internally_sat: z.int(),
  /** What melts were charged for routing. */
  lightning_fees_sat: z.int(),
  /** What inputs cost (NUT-02). */
  input_fees_sat: z.int(),
  /** Overshoot of melts that the mint kept, because too few blank outputs came with it. */
  unreturned_sat: z.int(),
  /** Value of all coins that were signed and not spent: `issued - redeemed`. */
  outstanding_sat: z.int(),
  /** Coins in the state SPENT, injected ones included. */
  spent_count: z.int(),
  /** Coins in the state PENDING, injected ones included. */
  pending_count: z.int(),
});
export type LedgerReport = z.output<typeof ledgerReportSchema>;
type MoneyCounters = Omit<LedgerReport, 'outstanding_sat' | 'spent_count' | 'pending_count'>;

/** Whether money in equals money out; false is a defect of the mint, never of a wallet. */
export function ledgerCloses(report: MoneyCounters): boolean {
  const moneyIn = report.redeemed_sat + report.minted_sat;
  const moneyOut =
    report.issued_sat +
    report.paid_sat +
    report.settled_internally_sat +
    report.lightning_fees_sat +
    report.input_fees_sat +
    report.unreturned_sat;
  return moneyIn === moneyOut;
}

const ZERO: MoneyCounters = {
  minted_sat: 0,
  issued_sat: 0,
  redeemed_sat: 0,
  paid_sat: 0,
  settled_internally_sat: 0,
  lightning_fees_sat: 0,
  input_fees_sat: 0,
  unreturned_sat: 0,
};

export class Ledger {
  readonly #money: MoneyCounters = { ...ZERO };
  readonly #coins = new Map<string, { state: 'PENDING' | 'SPENT'; witness: string | null }>();
  readonly #signed = new Map<string, BlindSignature>();
  readonly #heldOutputs = new Set<string>();

  stateOf(y: string): { state: ProofState; witness: string | null } {
    return this.#coins.get(y) ?? { state: 'UNSPENT', witness: null };
  }

  /** Refuses with 11001 or 11002 unless every coin is unspent. */
  assertSpendable(inputs: readonly VerifiedInput[]): void {
    for (const { y } of inputs) {
      const { state } = this.stateOf(y);
      if (state === 'SPENT') throw new MintRefusal('alreadySpent', 'proofs are already spent');
      if (state === 'PENDING') throw new MintRefusal('inputsPending', 'proofs are pending');
    }
  }

  holdInputs(inputs: readonly VerifiedInput[]): void {
    for (const input of inputs) this.#coins.set(input.y, { state: 'PENDING', witness: null });
  }

  releaseInputs(inputs: readonly VerifiedInput[]): void {
    for (const { y } of inputs) {
      if (this.stateOf(y).state === 'PENDING') this.#coins.delete(y);
    }
  }

  /** Marks coins spent and books their value. */
  spendInputs(inputs: readonly VerifiedInput[]): void {
    for (const { y, witness, amount_sat } of inputs) {
      this.#coins.set(y, { state: 'SPENT', witness });
      this.#money.redeemed_sat += amount_sat;
    }
  }

  /** Refuses with 11003 or 11004 unless every output is new. */
  assertOutputsNew(blinded: readonly string[]): void {
    for (const B_ of blinded) {
      if (this.#signed.has(B_)) throw new MintRefusal('outputsSigned', 'outputs already signed');
      if (this.#heldOutputs.has(B_)) {
        throw new MintRefusal('outputsPending', 'outputs are pending');
      }
    }
  }

  holdOutputs(blinded: readonly string[]): void {
    for (const B_ of blinded) this.#heldOutputs.add(B_);
  }

  releaseOutputs(blinded: readonly string[]): void {
    for (const B_ of blinded) this.#heldOutputs.delete(B_);
  }

  /** Keeps a signature for `restore` and books its value. */
  recordSignature(B_: string, signature: BlindSignature): void {
    this.#signed.set(B_, signature);
    this.#money.issued_sat += signature.amount;
  }

  signatureOf(B_: string): BlindSignature | undefined {
    return this.#signed.get(B_);
  }

  /** Books money; spent inputs and signatures book themselves. */
  book(amounts: Partial<Omit<MoneyCounters, 'issued_sat' | 'redeemed_sat'>>): void {
    for (const [name, amount] of Object.entries(amounts)) {
      this.#money[name as keyof MoneyCounters] += amount;
    }
  }

  /**
   * Sets the state of coins from outside, as if somebody else had moved them. The mint does not
   * know what such coins are worth: the money counters stay as they are.
   */
  injectState(ys: readonly string[], state: ProofState): void {
    for (const y of ys) {
      if (state === 'UNSPENT') this.#coins.delete(y);
      else this.#coins.set(y, { state, witness: null });
    }
  }

  report(): LedgerReport {
    let spent = 0;
    for (const coin of this.#coins.values()) if (coin.state === 'SPENT') spent += 1;
    return {
      ...this.#money,
      outstanding_sat: this.#money.issued_sat - this.#money.redeemed_sat,
      spent_count: spent,
      pending_count: this.#coins.size - spent,
    };
  }
}
