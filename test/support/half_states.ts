import { isOpen, isSettled, type MeltOperation } from '../../src/domain/melt_operation.ts';
import { sumProofs } from '../../src/domain/proof.ts';
import { tokenIdsOf } from '../../src/domain/transaction_id.ts';
import type { TokenDocument } from '../../src/store/documents.ts';
import type { OutsideBooks } from './outside_books.ts';

/**
 * Finds what only half of a transaction could have written: in the raw documents an operation, its
 * tokens, its change and its audit events belong together at every moment, whatever was killed.
 *
 * @param late_requests operations may have been paid after their release
 */
export function halfStates(books: OutsideBooks, late_requests = false): string[] {
  const tokens = new Map(books.tokens.map((token) => [String(token._id), token]));
  const open = new Set(books.operations.filter(isOpen).map(({ _id }) => _id));
  const orphans = books.tokens.filter(
    ({ reserved_by }) => reserved_by != null && !open.has(reserved_by),
  );
  return [
    ...orphans.map(
      ({ transaction_id, reserved_by }) =>
        `${transaction_id} is held for ${reserved_by}, which is no open operation`,
    ),
    ...books.tokens.flatMap(tokenProblems),
    ...books.operations.flatMap((operation) =>
      operationProblems(books, tokens, operation, late_requests),
    ),
  ];
}

function tokenProblems({ transaction_id, total_amount, proofs, ...token }: TokenDocument) {
  const problems: string[] = [];
  // A deposit that was never minted has an amount and no coins yet.
  const empty = (proofs ?? []).length === 0 && token.status === 'pending';
  if (!empty && total_amount !== sumProofs(proofs ?? [])) {
    problems.push(`${transaction_id} says ${total_amount} sat and holds ${sumProofs(proofs)} sat`);
  }
  if ((token.status === 'spent') !== (token.spent_at != null)) {
    problems.push(`${transaction_id} is ${token.status} with spent_at ${token.spent_at}`);
  }
  if (token.reserved_by != null && token.status !== 'pending') {
    problems.push(`${transaction_id} is ${token.status} and held for ${token.reserved_by}`);
  }
  return problems;
}

function operationProblems(
  books: OutsideBooks,
  tokens: ReadonlyMap<string, TokenDocument>,
  operation: MeltOperation,
  late_requests: boolean,
): string[] {
  const { _id, state, rev } = operation;
  const problems: string[] = [];
  const events = books.events.get(_id) ?? 0;
  if (events !== rev + 1 && !books.brought_back.has(_id)) {
    problems.push(`operation ${_id} is at revision ${rev} with ${events} audit events`);
  }
  const sources = operation.source_token_ids.map((id) => tokens.get(id));
  if (isOpen(operation)) {
    const held = sources.filter((one) => one?.status === 'pending' && one.reserved_by === _id);
    const value = sumProofs(held.flatMap((one) => one?.proofs ?? []));
    if (held.length !== sources.length || value !== sumProofs(operation.inputs)) {
      problems.push(
        `operation ${_id} is ${state} with ${held.length} of ${sources.length} tokens held, ${value} of ${sumProofs(operation.inputs)} sat`,
      );
    }
  }
  // What was paid after its release may have been booked from wherever its coins stood by then.
  if (state === 'paid' && !late_requests && sources.some((one) => one?.status !== 'spent')) {
    problems.push(`operation ${_id} is paid, and not all of its tokens are spent`);
  }
  return isSettled(operation) ? [...problems, ...changeProblems(books, operation)] : problems;
}

function changeProblems(
  { tokens }: OutsideBooks,
  operation: Extract<MeltOperation, { state: 'paid' | 'paid_again' }>,
): string[] {
  const { _id, transaction_id, change_amount } = operation;
  const id = tokenIdsOf(transaction_id).meltChange;
  const stored = tokens.filter((token) => token.transaction_id === id);
  const expected = change_amount > 0 ? 1 : 0;
  return stored.length === expected
    ? []
    : [`operation ${_id} has ${change_amount} sat of change in ${stored.length} tokens`];
}
