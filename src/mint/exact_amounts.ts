/** The largest sum of coins has 53 bits, so that many coins always suffice; some more for padding. */
const COINS_MAX = 64;

/**
 * Amounts of coins that are worth `needed` plus exactly the fee of giving these coins to the mint.
 *
 * The fee depends on the number of coins and that on the sum, so amount and fee can chase each
 * other for ever; a coin more than the sum needs makes them meet. Nothing may be over: a mint
 * without NUT-08 would keep it.
 *
 * @param needed sat, at least 1
 * @param split the coins of an amount (sat), as few as possible
 * @param feeOf the fee of so many coins (sat, NUT-02)
 * @returns amounts in sat, or null for a keyset that cannot make them
 */
export function exactAmounts(
  needed: number,
  split: (amount: number) => number[],
  feeOf: (coins: number) => number,
): number[] | null {
  for (let coins = 1; coins <= COINS_MAX; coins += 1) {
    const fewest = split(needed + feeOf(coins));
    const amounts = fewest.length <= coins ? padded(fewest, coins, split) : null;
    if (amounts !== null) return amounts;
  }
  return null;
}

/** Halves the largest coins until there are as many as wanted. */
function padded(
  amounts: readonly number[],
  coins: number,
  split: (amount: number) => number[],
): number[] | null {
  const padded = amounts.toSorted((a, b) => a - b);
  while (padded.length < coins) {
    const largest = padded.pop() ?? 0;
    const half = Math.floor(largest / 2);
    if (half === 0) return null;
    padded.push(...split(half), ...split(largest - half));
    padded.sort((a, b) => a - b);
  }
  return padded.length === coins ? padded : null;
}
