import { expect } from 'vitest';
import {
  type MeltOperation,
  type PaidOperation,
  totalInputFee,
} from '../../src/domain/melt_operation.ts';
import { sumProofs } from '../../src/domain/proof.ts';
import { journalFiles, operationsOf } from './melt_cli.ts';
import { judge, type MeltGround, soundVerdict } from './melt_ground.ts';

/**
 * Asserts, from the mint's own books and the raw documents, that no sat is lost, nothing is open
 * and exactly these invoices were paid, each once.
 *
 * @param paidHashes payment hashes; the mint's own count is asked
 * @param left journal files that stay behind, where a test has reason to expect some
 */
export async function expectSettledBooks(
  ground: MeltGround,
  paidHashes: readonly string[],
  left: { journals: readonly string[] } = { journals: [] },
): Promise<void> {
  const verdict = await judge(ground);
  expect(verdict).toEqual(soundVerdict(verdict));
  const [payments, ledger, operations, tokens] = await Promise.all([
    ground.mint.control.payments(),
    ground.mint.control.ledger(),
    operationsOf(ground),
    ground.tokens(),
  ]);
  expect(payments).toEqual(Object.fromEntries(paidHashes.map((hash) => [hash, 1])));
  const paid = operations.filter((operation) => operation.state === 'paid');
  expect(paid.map(({ payment_hash }) => payment_hash).sort()).toEqual([...paidHashes].sort());
  for (const operation of paid) expectClosed(operation);
  // What left the wallet is what the mint received, sat by sat.
  expect(ledger.unreturned_sat).toBe(0);
  expect(sum(paid, ({ amount }) => amount)).toBe(ledger.paid_sat);
  expect(sum(paid, ({ lightning_fee }) => lightning_fee)).toBe(ledger.lightning_fees_sat);
  expect(sum(operations, chargedInputFee)).toBe(ledger.input_fees_sat);
  expect(ledger.outstanding_sat).toBe(
    ledger.minted_sat - ledger.paid_sat - ledger.lightning_fees_sat - ledger.input_fees_sat,
  );
  expect(stateNames(operations).filter((state) => state !== 'paid' && state !== 'failed')).toEqual(
    [],
  );
  expect(tokens.filter((token) => token.status === 'pending' || token.reserved_by)).toEqual([]);
  expect(await journalFiles(ground)).toEqual(left.journals);
  expectNoSharedInputs(operations);
}

/** No coin is an input of two operations of which both stand for their payment. */
export function expectNoSharedInputs(operations: readonly MeltOperation[]): void {
  const standing = operations.filter(({ state }) => state !== 'failed');
  const ys = standing.flatMap(({ inputs }) => inputs.map(({ Y }) => Y));
  expect(ys.filter((y, index) => ys.indexOf(y) !== index)).toEqual([]);
}

/** inputs = paid + fees + change, of one operation. */
function expectClosed(operation: PaidOperation): void {
  const { inputs, amount, lightning_fee, input_fee, change_amount, fee_reserve } = operation;
  expect(sumProofs(inputs)).toBe(amount + lightning_fee + input_fee + change_amount);
  expect(lightning_fee).toBeGreaterThanOrEqual(0);
  expect(lightning_fee).toBeLessThanOrEqual(fee_reserve);
}

/** What the mint charged for inputs: of a failed operation only its swap, if that happened. */
function chargedInputFee(operation: MeltOperation): number {
  if (operation.state === 'paid') return totalInputFee(operation);
  return hasOwnInputs(operation) ? (operation.swap?.fee ?? 0) : 0;
}

/** After a swap the inputs are its coins; before it they are those that it was to exchange. */
function hasOwnInputs({ swap, inputs }: MeltOperation): boolean {
  const before = new Set(swap?.inputs.map(({ Y }) => Y));
  return inputs.every(({ Y }) => !before.has(Y));
}

function stateNames(operations: readonly MeltOperation[]): string[] {
  return operations.map(({ state }) => state);
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
