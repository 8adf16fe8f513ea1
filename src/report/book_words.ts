import { groupDigits } from '../domain/amount.ts';
import type { BookTotals, NamedBooks } from '../services/audit/check_books.ts';
import type { Line } from './lines.ts';
import { walletText } from './reconcile_words.ts';

/** The books as a list: what came in, and where it is now. */
export function bookLines(totals: BookTotals): Line[] {
  const { came_in, live, paid_out, fees, failed, spent_otherwise, difference } = totals;
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
    ['live', live, 'in the balance'],
    ['paid out', paid_out],
    ['fees', fees],
    ...rest.filter(([, sat]) => sat !== 0),
  ];
}

/** What does not close in the books of one wallet, in words. */
export function notClosedWords(books: NamedBooks): string[] {
  const { difference, counted_twice, faults } = books;
  const sat = (amount: number) => `${groupDigits(Math.abs(amount))} sat`;
  const words = [
    ...(difference > 0
      ? [`${sat(difference)} are missing: they came in, and nothing tells where they are`]
      : []),
    ...(difference < 0 ? [`${sat(difference)} too many: more is there than ever came in`] : []),
    ...(counted_twice > 0 ? [`the balance counts ${sat(counted_twice)} twice`] : []),
    ...faults.map(({ operation_id, missing }) =>
      missing > 0
        ? `${sat(missing)} of the change of operation ${operation_id} are in no token`
        : `operation ${operation_id} has left ${sat(missing)} more than it could`,
    ),
  ];
  return words.map((one) => `${walletText(books)}: ${one}`);
}
