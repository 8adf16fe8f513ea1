/**
 * The pretended Lightning network: how a payment ends is set by hand, and each payment is counted.
 * The count is its own, kept apart from quotes and coins, so that it can contradict them.
 */

import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

export const paymentBehaviourSchema = z.strictObject({
  /**
   * `hang`: the mint answers PENDING until `resolvePayment`. `unknown`: the mint answers with an
   * error (20000), the payment stays in flight until `resolvePayment`.
   */
  outcome: z.enum(['succeed', 'fail', 'hang', 'unknown']),
  /** What routing costs; never charged above the reserve. */
  fee_sat: z.int().nonnegative().optional(),
  /** How long the payment takes, or, for `hang` and `unknown`, the answer. */
  delay_ms: z.int().nonnegative().optional(),
  preimage: z.enum(['right', 'wrong', 'missing']).optional(),
});
export type PaymentBehaviour = z.output<typeof paymentBehaviourSchema>;

export type PaymentOutcome =
  | { paid: true; fee_sat: number; preimage: string | null }
  | { paid: false };

/** A payment under way. */
export interface PaymentAttempt {
  /** What the mint may tell the wallet meanwhile: nothing yet, PENDING, or that it cannot tell. */
  meanwhile: 'wait' | 'pending' | 'unknown';
  /** How long the mint takes to say so. */
  delay_ms: number;
  outcome: Promise<PaymentOutcome>;
}

export interface PaymentOrder {
  payment_hash: string;
  /** Null when the network has no way to the payee: the payment fails. */
  preimage: string | null;
  fee_reserve_sat: number;
  /** The fee without a behaviour of its own. */
  usual_fee_sat: number;
}

/** A delay that does not keep the process alive. */
export async function pause(ms: number): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, { ref: false });
}

export class PretendedLightning {
  readonly #behaviours = new Map<string, PaymentBehaviour>();
  readonly #paid = new Map<string, number>();
  readonly #inFlight = new Map<string, Set<(success: boolean) => void>>();

  /** Sets how payments of one hash end, or of all that have no own rule (`*`). */
  setBehaviour(paymentHash: string, behaviour: PaymentBehaviour): void {
    this.#behaviours.set(paymentHash, behaviour);
  }

  isInFlight(paymentHash: string): boolean {
    return this.#inFlight.has(paymentHash);
  }

  paymentCount(paymentHash: string): number {
    return this.#paid.get(paymentHash) ?? 0;
  }

  /** How often each invoice was paid, for those that were. */
  payments(): Record<string, number> {
    return Object.fromEntries(this.#paid);
  }

  /** Counts a payment. The Lightning side does so itself; a settlement inside the mint asks. */
  countPayment(paymentHash: string): void {
    this.#paid.set(paymentHash, this.paymentCount(paymentHash) + 1);
  }

  /** Sends a payment on its way. */
  pay(order: PaymentOrder): PaymentAttempt {
    const behaviour = this.#behaviours.get(order.payment_hash) ??
      this.#behaviours.get('*') ?? { outcome: 'succeed' };
    const delay_ms = behaviour.delay_ms ?? 0;
    const ended = this.#start(order.payment_hash);
    const outcome = ended.promise.then((success) => this.#end(order, behaviour, success));
    switch (behaviour.outcome) {
      case 'succeed':
      case 'fail': {
        const success = behaviour.outcome === 'succeed';
        void pause(delay_ms).then(() => ended.resolve(success));
        return { meanwhile: 'wait', delay_ms: 0, outcome };
      }
      case 'hang':
        return { meanwhile: 'pending', delay_ms, outcome };
      case 'unknown':
        return { meanwhile: 'unknown', delay_ms, outcome };
    }
  }

  /**
   * Ends the payments of a hash that are in flight.
   *
   * @returns how many there were
   */
  resolve(paymentHash: string, success: boolean): number {
    const waiting = [...(this.#inFlight.get(paymentHash) ?? [])];
    for (const end of waiting) end(success);
    return waiting.length;
  }

  #start(paymentHash: string): { promise: Promise<boolean>; resolve: (success: boolean) => void } {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiting = this.#inFlight.get(paymentHash) ?? new Set();
    const end = (success: boolean): void => {
      waiting.delete(end);
      if (waiting.size === 0) this.#inFlight.delete(paymentHash);
      resolve(success);
    };
    this.#inFlight.set(paymentHash, waiting.add(end));
    return { promise, resolve: end };
  }

  #end(order: PaymentOrder, behaviour: PaymentBehaviour, success: boolean): PaymentOutcome {
    if (!success || order.preimage === null) return { paid: false };
    this.countPayment(order.payment_hash);
    const fee = behaviour.fee_sat ?? order.usual_fee_sat;
    return {
      paid: true,
      fee_sat: Math.min(fee, order.fee_reserve_sat),
      preimage: shownPreimage(order.preimage, behaviour.preimage ?? 'right'),
    };
  }
}

function shownPreimage(
  preimage: string,
  shown: NonNullable<PaymentBehaviour['preimage']>,
): string | null {
  switch (shown) {
    case 'right':
      return preimage;
    case 'wrong':
      return randomBytes(32).toString('hex');
    case 'missing':
      return null;
  }
}
