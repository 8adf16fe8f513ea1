import { expect } from 'vitest';
import {
  isOpen,
  isSettled,
  type MeltOperation,
  type SettledOperation,
  totalInputFee,
} from '../../src/domain/melt_operation.ts';
import { sumProofs } from '../../src/domain/proof.ts';
import { type LedgerReport, ledgerCloses } from '../../src/practice/mint/client.ts';
import type { TokenDocument } from '../../src/store/documents.ts';
import { halfStates } from './half_states.ts';
import { isLive, type JudgedGround, type OutsideBooks, readOutsideBooks } from './outside_books.ts';

/*
 * The judge from outside: the mint's own ledger and payment counter, and the raw database. Nothing
 * that the tool says counts. All amounts in sat:
 *
 *   issued = live + paid + fees + change to claim + held by others
 *
 * where a live coin that the mint has taken already for an open operation is `given`, not live.
 */

export interface JudgeOptions {
  /** Only this wallet; the mint's other wallets must have been quiet since `since`. */
  npub?: string;
  /** The mint's ledger when the wallet was still empty: what it counted before is left out. */
  since?: LedgerReport;
  /** Value of coins of this mint that the test itself holds, outside of the database (sat). */
  outside_sat?: number;
  /** Everything should have ended: nothing is open, nothing is locked, no change is to come. */
  ended?: boolean;
  /** Operations that may be open all the same, because a person is needed. */
  left_open?: readonly string[];
  /** A request was held up on purpose: operations that were released may have been paid. */
  late_requests?: boolean;
  /** The mint was told to contradict itself about these payment hashes: their count is not judged. */
  mint_lies_about?: readonly string[];
}

export interface Conservation {
  issued_sat: number;
  /** Live coins in the database, each once, without those that are `given`. */
  live_sat: number;
  /** Live in the database for an open operation, and taken by the mint already. */
  given_sat: number;
  paid_sat: number;
  /** Lightning and input fees, and what the mint kept because no blank was there for it. */
  fees_sat: number;
  /** Signed by the mint for outputs of operations, and not in the database yet. */
  change_to_claim_sat: number;
  outside_sat: number;
  /** What is wrong; empty where no sat is lost and nothing is half done. */
  problems: string[];
}

/** Reads everything from outside and judges it. */
export async function conservation(
  ground: JudgedGround,
  options: JudgeOptions = {},
): Promise<Conservation> {
  return judgeBooks(await readOutsideBooks(ground, options.npub), options);
}

/** Fails with all sums where a sat is lost, an invoice was paid twice, or something is half done. */
export async function expectConserved(
  name: string,
  ground: JudgedGround,
  options: JudgeOptions = {},
): Promise<Conservation> {
  const judged = await conservation(ground, options);
  expect(judged.problems, failureText(name, judged)).toEqual([]);
  return judged;
}

/** The case and its sums, for whoever reads the failure. */
export function failureText(name: string, { problems, ...sums }: Conservation): string {
  const lines = Object.entries(sums).map(([key, sat]) => `  ${key.padEnd(20)} ${sat}`);
  return [`${name}:`, ...problems.map((problem) => `  ${problem}`), ...lines].join('\n');
}

/** Judges what was read. */
export function judgeBooks(books: OutsideBooks, options: JudgeOptions = {}): Conservation {
  const mint = minus(books.ledger, options.since);
  const live = books.tokens.filter(isLive).flatMap(({ proofs }) => proofs ?? []);
  const owners = ownersOf(books, options);
  const given = live.filter(({ secret }) => isSpent(books, secret) && owners.has(secret));
  const sums = {
    issued_sat: mint.minted_sat,
    live_sat: sumProofs(live) - sumProofs(given),
    given_sat: sumProofs(given),
    paid_sat: mint.paid_sat + mint.settled_internally_sat,
    fees_sat: mint.lightning_fees_sat + mint.input_fees_sat + mint.unreturned_sat,
    change_to_claim_sat: changeToClaim(books),
    outside_sat: options.outside_sat ?? 0,
  };
  const problems = [
    ...(ledgerCloses(books.ledger) ? [] : ["the mint's own books do not close"]),
    ...sumProblem(sums),
    ...coinProblems(books, owners),
    ...paymentProblems(books, options),
    ...halfStates(books, options.late_requests),
    ...(options.ended ? endProblems(books, sums, options) : []),
  ];
  return { ...sums, problems };
}

type Sums = Omit<Conservation, 'problems'>;

function sumProblem(sums: Sums): string[] {
  const { issued_sat, live_sat, paid_sat, fees_sat, change_to_claim_sat, outside_sat } = sums;
  const found = live_sat + paid_sat + fees_sat + change_to_claim_sat + outside_sat;
  if (found === issued_sat) return [];
  const what = found < issued_sat ? 'lost' : 'counted that do not exist';
  return [`${Math.abs(issued_sat - found)} sat are ${what}`];
}

function minus(now: LedgerReport, since: LedgerReport | undefined): LedgerReport {
  if (since === undefined) return now;
  const entries = Object.entries(now) as [keyof LedgerReport, number][];
  return Object.fromEntries(entries.map(([key, sat]) => [key, sat - since[key]])) as LedgerReport;
}

function isSpent({ states }: OutsideBooks, secret: string): boolean {
  return states.get(secret) === 'SPENT';
}

/** Coins that an open operation has given, or may have given, to the mint. */
function ownersOf({ operations }: OutsideBooks, { late_requests }: JudgeOptions): Set<string> {
  const owning = operations.filter((one) => isOpen(one) || (late_requests && isReleased(one)));
  return new Set(
    owning.flatMap(({ inputs, swap }) =>
      [...inputs, ...(swap?.inputs ?? [])].map(({ secret }) => secret),
    ),
  );
}

function isReleased({ state }: MeltOperation): boolean {
  return state === 'failed';
}

/** Each output counts once, however many operations wrote it down. */
function changeToClaim({ outputs, tokens }: OutsideBooks): number {
  const stored = new Set(
    tokens.flatMap(({ proofs }) => (proofs ?? []).map(({ secret }) => secret)),
  );
  const open = new Map(outputs.map((output) => [output.secret, output]));
  return [...open.values()].reduce((sum, { secret, signed_sat, spent }) => {
    return stored.has(secret) || spent ? sum : sum + (signed_sat ?? 0);
  }, 0);
}

function coinProblems(books: OutsideBooks, owners: ReadonlySet<string>): string[] {
  const problems: string[] = [];
  const holders = new Map<string, string>();
  for (const { proofs, transaction_id } of books.tokens.filter(isLive)) {
    for (const { secret, amount, Y } of proofs ?? []) {
      const coin = `the coin ${Y?.slice(0, 10)}… of ${amount} sat`;
      const other = holders.get(secret);
      if (other !== undefined) problems.push(`${coin} is live in ${other} and ${transaction_id}`);
      holders.set(secret, transaction_id);
      if (isSpent(books, secret) && !owners.has(secret)) {
        problems.push(`${coin} in ${transaction_id} is live, and the mint calls it SPENT`);
      }
    }
  }
  return problems;
}

function paymentProblems(books: OutsideBooks, options: JudgeOptions): string[] {
  const { payments, operations } = books;
  const not_judged = new Set(options.mint_lies_about);
  const twice = Object.entries(payments).filter(([hash, n]) => n > 1 && !not_judged.has(hash));
  const problems = twice.map(([hash, count]) => `${hash.slice(0, 10)}… was paid ${count} times`);
  for (const operation of operations) {
    const { payment_hash, state, _id } = operation;
    if (not_judged.has(payment_hash)) continue;
    const count = payments[payment_hash] ?? 0;
    if (isSettled(operation) && count === 0) {
      problems.push(`operation ${_id} is booked as ${state}, and nothing was paid`);
    }
    const others = operations.filter((one) => one.payment_hash === payment_hash);
    if (count > 0 && others.every(isReleased) && !options.late_requests) {
      problems.push(`operation ${_id} is booked as failed, and its invoice was paid`);
    }
  }
  return problems;
}

function endProblems(books: OutsideBooks, sums: Sums, options: JudgeOptions): string[] {
  const left = new Set(options.left_open);
  const open = books.operations.filter((one) => isOpen(one) && !left.has(one._id));
  const problems = open.map(({ _id, state }) => `operation ${_id} is still ${state}`);
  const locked = books.tokens.filter((token) => isLocked(token) && !left.has(holder(token)));
  problems.push(...locked.map(({ transaction_id }) => `${transaction_id} is still locked`));
  if (left.size > 0) return problems;
  if (sums.given_sat > 0) problems.push(`${sums.given_sat} sat are live that the mint has taken`);
  if (sums.change_to_claim_sat > 0) {
    problems.push(`${sums.change_to_claim_sat} sat of change are not claimed`);
  }
  return [...problems, ...bookedProblems(books, sums)];
}

function isLocked({ status, reserved_by, proofs }: TokenDocument): boolean {
  return reserved_by != null || (status === 'pending' && (proofs ?? []).length > 0);
}

function holder({ reserved_by }: TokenDocument): string {
  return reserved_by ?? '';
}

/** What the operations say that left the wallet is what the mint says that it got. */
function bookedProblems({ operations }: OutsideBooks, sums: Sums): string[] {
  const settled = operations.filter((one): one is SettledOperation => isSettled(one));
  const paid = settled.reduce((sum, { amount }) => sum + amount, 0);
  const fees = settled.reduce((sum, one) => sum + one.lightning_fee + totalInputFee(one), 0);
  const swapped = operations.filter(
    (one) => one.state === 'failed' && one.swap !== null && hasSwapped(one),
  );
  const swapFees = swapped.reduce((sum, { swap }) => sum + (swap?.fee ?? 0), 0);
  const problems: string[] = [];
  if (paid !== sums.paid_sat) {
    problems.push(`operations say ${paid} sat were paid, the mint says ${sums.paid_sat} sat`);
  }
  if (fees + swapFees !== sums.fees_sat && sums.outside_sat === 0) {
    problems.push(`operations say ${fees + swapFees} sat of fees, the mint ${sums.fees_sat} sat`);
  }
  return problems;
}

/** After its swap an operation has other inputs than the swap had. */
function hasSwapped({ swap, inputs }: MeltOperation): boolean {
  return swap !== null && swap.inputs[0]?.secret !== inputs[0]?.secret;
}
