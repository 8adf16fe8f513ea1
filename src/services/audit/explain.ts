import type { AuditRecord } from '../../domain/audit_record.ts';
import {
  type Explanation,
  type PaymentExplanation,
  type PaymentFacts,
  timelineOf,
} from '../../domain/explanation.ts';
import { isSettled, type MeltOperation } from '../../domain/melt_operation.ts';
import { sumProofs } from '../../domain/proof.ts';
import { type Safety, safetyOfGone } from '../../domain/safety.ts';
import type { AuditSubjects } from '../../store/audit_subjects.ts';
import { askMint, type MintAsker, NOT_ASKED, sideOf } from './ask_mint.ts';
import { databaseSide, sumOf } from './database_side.ts';
import { explainTokens } from './explain_tokens.ts';
import { findSubject, type Subject } from './find_subject.ts';
import { judge } from './judge_payment.ts';

export interface ExplainDeps {
  subjects: AuditSubjects;
  /** Null where the mint must not be asked. */
  mint: MintAsker | null;
}

/**
 * One page about whatever an id leads to. Asks the mint now, changes nothing.
 *
 * @param text see `parseSubjectId`
 * @throws CashuOpsError OPERATION_NOT_FOUND, INVALID_ARGUMENT, INVALID_INVOICE
 */
export async function explain(deps: ExplainDeps, text: string): Promise<Explanation> {
  return explainSubject(deps, await findSubject(deps.subjects, text));
}

/** The same for what was found already. */
export function explainSubject(
  { subjects, mint }: ExplainDeps,
  subject: Subject,
): Promise<Explanation> {
  switch (subject.kind) {
    case 'payment':
      return explainPayment(subjects, mint, subject.operation, subject.others);
    case 'tokens':
      return explainTokens(mint, subject.tokens);
    case 'events':
      return Promise.resolve(explainGone(subject.events));
  }
}

async function explainPayment(
  subjects: AuditSubjects,
  mint: MintAsker | null,
  operation: MeltOperation,
  others: readonly MeltOperation[],
): Promise<PaymentExplanation> {
  const [events, tokens, asked] = await Promise.all([
    subjects.eventsOf(operation._id),
    subjects.tokensOf(operation),
    mint === null ? NOT_ASKED : askMint(mint, operation),
  ]);
  const database = databaseSide(operation, tokens);
  const sum = isSettled(operation) ? sumOf(operation, database.change) : null;
  const safety = judge(operation, asked, database, sum);
  return {
    about: 'payment',
    payment: factsOf(operation),
    other_tries: others.map(({ _id, state, created_at }) => {
      return { operation_id: _id, state, created_at };
    }),
    timeline: timelineOf(events),
    database,
    mint: sideOf(asked),
    sum,
    safety,
    next_command: nextFor(operation, safety),
  };
}

function factsOf(operation: MeltOperation): PaymentFacts {
  const { _id: operation_id, transaction_id, quote_id, payment_hash, npub, mint_url } = operation;
  const { state, amount, fee_reserve, actor, created_at, updated_at } = operation;
  return {
    ...{ operation_id, transaction_id, quote_id, payment_hash, npub, mint_url },
    ...{ state, amount, fee_reserve, actor, created_at, updated_at },
    inputs: sumProofs(operation.inputs),
    reason: 'reason' in operation ? operation.reason : null,
  };
}

/** What to type, or null where nothing is to be done. */
function nextFor(operation: MeltOperation, { verdict, mint }: Safety): string | null {
  const { _id, npub, mint_url, state } = operation;
  if (mint === 'silent') return `cashu-ops doctor --mint ${mint_url}`;
  if (verdict === 'safe') return null;
  // Nothing gets it back but the payee.
  if (verdict === 'lost') return `cashu-ops audit bundle ${_id}`;
  const isBooked = state === 'paid' || state === 'paid_again';
  return isBooked
    ? `cashu-ops reconcile --npub ${npub} --mint ${mint_url} --deep`
    : `cashu-ops melt --resume ${_id}`;
}

/** Restored from a backup, or removed by hand: the rescue journal may still know it. */
function explainGone(events: readonly AuditRecord[]): PaymentExplanation {
  const amounts = events.flatMap((event) => (event.damaged === null ? [event.amounts] : []));
  const newest = amounts.findLast(
    ({ total, amount }) => total !== undefined || amount !== undefined,
  );
  return {
    about: 'payment',
    payment: null,
    other_tries: [],
    timeline: timelineOf(events),
    database: null,
    mint: { answer: 'not_asked', quote: null, coins: {} },
    sum: null,
    safety: safetyOfGone(newest?.total ?? newest?.amount ?? 0),
    next_command: 'cashu-ops melt --resume-all',
  };
}
