/** What an event is about in the first place; the others are in `audit show`. */
const MAIN_AMOUNTS = ['amount', 'total', 'retired', 'given_back', 'counted_twice', 'at_risk'];

/** The one amount (sat) that stands for an event where there is room for one only. */
export function mainAmount(amounts: Readonly<Record<string, number>>): number | null {
  const name = MAIN_AMOUNTS.find((known) => known in amounts);
  return name === undefined ? null : (amounts[name] ?? null);
}
