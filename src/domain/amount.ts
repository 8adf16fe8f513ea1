import { CashuOpsError } from './errors.ts';

/** The largest amount that a JavaScript number counts without rounding: 2^53 - 1. */
export const MAX_AMOUNT = Number.MAX_SAFE_INTEGER;

/**
 * Groups digits for a person: 1234567 becomes 1,234,567. In every table and every sentence, never
 * for a number in JSON or CSV.
 */
export function groupDigits(value: number | bigint): string {
  return value.toLocaleString('en-US');
}

/**
 * Turns a count from outside into an amount.
 *
 * @param value a non-negative whole number (sat)
 * @param what the name of the amount for the error sentence
 * @throws CashuOpsError AMOUNT_TOO_LARGE above 2^53-1, INVALID_ARGUMENT for anything that is no
 *   whole number of at least 0
 */
export function toAmount(value: bigint | number, what: string): number {
  if (typeof value === 'bigint' ? value > BigInt(MAX_AMOUNT) : value > MAX_AMOUNT) {
    throw new CashuOpsError(
      'AMOUNT_TOO_LARGE',
      `${what} is ${groupDigits(value)}, more than the largest amount that is counted exactly (${groupDigits(MAX_AMOUNT)}).`,
    );
  }
  const amount = Number(value);
  if (!Number.isSafeInteger(amount) || amount < 0) {
    throw new CashuOpsError('INVALID_ARGUMENT', `${what} must be a whole number of at least 0.`);
  }
  return amount;
}

/**
 * Adds amounts exactly.
 *
 * @param amounts safe integers (sat)
 * @throws CashuOpsError AMOUNT_TOO_LARGE when the sum passes 2^53-1
 */
export function sumAmounts(amounts: Iterable<number>): number {
  let total = 0;
  for (const amount of amounts) {
    // Documents of other services may hold text where a number should be: 0 + "64" is "064".
    if (typeof amount !== 'number') {
      throw new CashuOpsError('INVALID_TOKEN', 'An amount in the database is not a number.');
    }
    total = toAmount(total + amount, 'The sum');
  }
  return total;
}
