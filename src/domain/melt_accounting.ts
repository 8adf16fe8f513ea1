import { groupDigits } from './amount.ts';

/** The sums of one melt, all in sat. */
export interface MeltSums {
  /** Value of the coins given to the mint. */
  inputs: number;
  /** What the invoice asked for. */
  amount: number;
  /** The most that Lightning may cost (NUT-05). */
  fee_reserve: number;
  /** What the mint charges for the inputs (NUT-02). */
  input_fee: number;
  /** What came back (NUT-08). */
  change: number;
}

export type Books =
  | { closed: true; lightning_fee: number }
  | { closed: false; lightning_fee: number; why: string };

/**
 * Does `inputs = amount + lightning fee + input fee + change` hold with
 * `0 <= lightning fee <= fee reserve`?
 *
 * A fee above the reserve means that change is missing: it is never booked as a fee.
 */
export function closeBooks(sums: MeltSums): Books {
  const lightning_fee = sums.inputs - sums.amount - sums.input_fee - sums.change;
  if (lightning_fee < 0) {
    return {
      closed: false,
      lightning_fee,
      why: `the mint returned ${groupDigits(-lightning_fee)} sat more change than the payment left over`,
    };
  }
  if (lightning_fee > sums.fee_reserve) {
    return {
      closed: false,
      lightning_fee,
      why: `${groupDigits(lightning_fee - sums.fee_reserve)} sat of change are missing (${groupDigits(lightning_fee)} sat would be the fee, ${groupDigits(sums.fee_reserve)} sat were reserved)`,
    };
  }
  return { closed: true, lightning_fee };
}
