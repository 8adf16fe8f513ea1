import { groupDigits } from '../domain/amount.ts';
import { printable } from '../domain/printable.ts';
import type { BookFault, TokenFault } from '../domain/wallet_books.ts';
import type { BookTotals, NamedBooks } from '../services/audit/check_books.ts';
import type { Line } from './lines.ts';
import { counted, walletText } from './reconcile_words.ts';

/** Text by others has an end; the ids of this tool are shorter. */
const TEXT_MAX = 100;

/** The books as a list: what came in, and where it is now. */
export function bookLines(totals: BookTotals): Line[] {
  const {
    came_in,
    live,
    held,
    open_payments,
    paid_out,
    fees,
    failed,
    spent_otherwise,
    difference,
  } = totals;
  const { sent, elsewhere, unattributed } = spent_otherwise;
  const rest: Line[] = [
    ['failed', failed, 'in tokens that are marked failed'],
    ['sent', sent, 'handed on as ecash'],
    ['elsewhere', elsewhere, 'spent by something else, as reconciliations found'],
    ['unattributed', unattributed, 'older data: nothing says what it was spent on'],
    ['missing', Math.max(0, difference), 'they came in, and nothing tells where they are'],
    ['too many', Math.max(0, -difference), 'more is there than ever came in'],
  ];
  return [
    ['came in', came_in],
    ['live', live, 'as the database counts: the mint was not asked'],
    ...openLines(held, open_payments),
    ['paid out', paid_out],
    ['fees', fees],
    ...rest.filter(([, sat]) => sat !== 0),
  ];
}

function openLines(held: number, payments: number): Line[] {
  if (payments === 0) return [];
  const by = `of it, by ${counted(payments, 'open payment')}, whose end is not in these books`;
  return [['held', held, by]];
}

/** What does not close in the books of one wallet, in words. */
export function notClosedWords(books: NamedBooks): string[] {
  const { difference, counted_twice, faults, token_faults } = books;
  const words = [
    ...(difference > 0
      ? [`${sat(difference)} are missing: they came in, and nothing tells where they are`]
      : []),
    ...(difference < 0 ? [`${sat(difference)} too many: more is there than ever came in`] : []),
    ...(counted_twice > 0 ? [`the balance counts ${sat(counted_twice)} twice`] : []),
    ...token_faults.map(tokenWords),
    ...faults.map(operationWords),
  ];
  return words.map((one) => `${walletText(books)}: ${one}`);
}

function operationWords({ operation_id, missing, unreadable }: BookFault): string {
  if (unreadable) return `operation ${operation_id} cannot be read: somebody changed it`;
  return missing > 0
    ? `${sat(missing)} of the change of operation ${operation_id} are in no token`
    : `operation ${operation_id} has left ${sat(missing)} more than it could`;
}

function tokenWords({ transaction_id, says, holds }: TokenFault): string {
  const said = says === null ? 'no amount' : `${groupDigits(says)} sat`;
  const token = printable(String(transaction_id), TEXT_MAX);
  return `token ${token} says ${said}, and its coins have ${sat(holds)}`;
}

function sat(amount: number): string {
  return `${groupDigits(Math.abs(amount))} sat`;
}
