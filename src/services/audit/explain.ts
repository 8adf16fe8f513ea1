import type { AuditRecord } from '../../domain/audit_record.ts';
import {
  type DatabaseSide,
  type Explanation,
  type PaymentExplanation,
  type PaymentFacts,
  type Sum,
  timelineOf,
} from '../../domain/explanation.ts';
import { isOpen, isSettled, type MeltOperation } from '../../domain/melt_operation.ts';
import { sumProofs } from '../../domain/proof.ts';
import {
  gravest,
  type Safety,
  safetyOfGone,
  safetyOfLateSecond,
  safetyOfOrphans,
  verdictOf,
} from '../../domain/safety.ts';
import { shellWord } from '../../domain/shell_word.ts';
import type { AuditSubjects, TokenView } from '../../store/audit_subjects.ts';
import { type AskedMint, askMint, type MintAsker, NOT_ASKED, sideOf } from './ask_mint.ts';
import { databaseSide, keptMissing, outputNames, sumOf } from './database_side.ts';
import { explainTokens } from './explain_tokens.ts';
import { findSubject, type Subject } from './find_subject.ts';
import { holdersOf } from './holders.ts';
import { askStates, coinsOf, judgeCoins } from './judge_coins.ts';
import { judge } from './judge_payment.ts';

/** So many tries are looked at side by side; the mint is asked for each. */
const TRIES_AT_ONCE = 5;

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
export function explainSubject(deps: ExplainDeps, subject: Subject): Promise<Explanation> {
  switch (subject.kind) {
    case 'payment':
      return explainPayment(deps, subject);
    case 'tokens':
      return explainTokens(deps, subject.tokens, subject.y);
    case 'events':
      return Promise.resolve(explainGone(subject.events));
  }
}

/** That somebody looked into a payment is no part of its story. */
function tellsOfMoney(event: AuditRecord): boolean {
  return event.damaged !== null || event.type !== 'audit_bundled';
}

/** A payment with what was learned of it. */
interface LookedAt {
  operation: MeltOperation;
  asked: AskedMint;
  database: DatabaseSide;
  sum: Sum | null;
  safety: Safety;
}

/** Of several payments of one invoice the page is about the one whose money stands worst. */
async function explainPayment(
  deps: ExplainDeps,
  { operation, others, by_own_id }: Subject & { kind: 'payment' },
): Promise<PaymentExplanation> {
  const first = await lookAtPayment(deps, operation);
  const all = [first];
  for (let at = 0; at < others.length; at += TRIES_AT_ONCE) {
    const some = others.slice(at, at + TRIES_AT_ONCE);
    all.push(...(await Promise.all(some.map((other) => lookAtPayment(deps, other)))));
  }
  const worst = gravest(first.safety, ...all.map(({ safety }) => safety)).verdict;
  const about = by_own_id ? first : (all.find(({ safety }) => safety.verdict === worst) ?? first);
  const { payment_hash } = about.operation;
  const tries = all.filter((one) => one !== about);
  return {
    about: 'payment',
    payment: factsOf(about.operation),
    other_tries: tries.map(({ operation: { _id, state, created_at, ...one }, safety }) => ({
      ...{ operation_id: _id, state, created_at, verdict: safety.verdict },
      same_invoice: one.payment_hash === payment_hash,
    })),
    timeline: timelineOf((await deps.subjects.eventsOf(about.operation._id)).filter(tellsOfMoney)),
    database: about.database,
    mint: sideOf(about.asked),
    sum: about.sum,
    safety: isLateSecond(about, tries) ? safetyOfLateSecond(about.safety) : about.safety,
    next_command: nextFor(about.operation, about.safety),
  };
}

/** It went through late, and another has paid the same invoice. */
function isLateSecond({ asked, operation }: LookedAt, tries: readonly LookedAt[]): boolean {
  const { payment_hash } = operation;
  const paid = tries.some(
    ({ operation: one }) => one.state === 'paid' && one.payment_hash === payment_hash,
  );
  return asked.released === 'happened' && paid;
}

async function lookAtPayment(
  { subjects, mint }: ExplainDeps,
  operation: MeltOperation,
): Promise<LookedAt> {
  const change = outputNames(operation.blanks);
  const keptNames = outputNames(operation.swap?.keep_outputs ?? []);
  const outputs = [...change, ...keptNames];
  const [tokens, asked] = await Promise.all([
    subjects.tokensOf(operation, outputs),
    mint === null ? NOT_ASKED : askMint(mint, operation),
  ]);
  const database = databaseSide(operation, tokens, change);
  const sum = isSettled(operation) ? sumOf(operation, database.change) : null;
  const kept = keptMissing(operation, tokens, keptNames);
  const { elsewhere, orphaned_sat } = await holdersOf(subjects, tokens, operation._id);
  const own = new Set(outputs.filter((name) => !elsewhere.has(name)));
  // While it has not ended its coins are on their way; the decision about it judges them.
  const given = isOpen(operation) ? [] : operation.inputs;
  for (const { Y } of given) if (!elsewhere.has(Y)) own.add(Y);
  const safety = gravest(
    judge(operation, asked, database, sum),
    await judgeOwnCoins(mint, tokens, own),
    ...(kept > 0 ? [verdictOf('at_risk', kept, KEPT_MISSING, asked.answer)] : []),
    ...(orphaned_sat > 0 ? [safetyOfOrphans(orphaned_sat, asked.answer)] : []),
  );
  return { operation, asked, database, sum, safety };
}

const KEPT_MISSING = 'so much of what stayed in the wallet is in no token';

/** Do the database and the mint agree on its coins, and on those that came back? */
async function judgeOwnCoins(
  mint: MintAsker | null,
  tokens: readonly TokenView[],
  own: ReadonlySet<string>,
): Promise<Safety> {
  const coins = coinsOf(tokens).filter(({ y }) => y !== null && own.has(y));
  if (coins.length === 0) return verdictOf('safe', 0, '', 'not_needed');
  const { states, answer } = await askStates(mint, coins);
  return judgeCoins(coins, states, answer);
}

function factsOf(operation: MeltOperation): PaymentFacts {
  const { _id: operation_id, transaction_id, quote_id, payment_hash, npub, mint_url } = operation;
  const { state, amount, fee_reserve, input_fee, actor, created_at, updated_at } = operation;
  return {
    ...{ operation_id, transaction_id, quote_id, payment_hash, npub, mint_url },
    ...{ state, amount, fee_reserve, input_fee, actor, created_at, updated_at },
    inputs: sumProofs(operation.inputs),
    reason: 'reason' in operation ? operation.reason : null,
    proven: isSettled(operation) ? operation.preimage_valid : null,
  };
}

/** What to type, or null where nothing is to be done. */
function nextFor(operation: MeltOperation, safety: Safety): string | null {
  const { verdict, mint, trouble } = safety;
  const { _id, npub, mint_url, state } = operation;
  if (mint === 'silent') return `cashu-ops doctor --mint ${shellWord(mint_url)}`;
  if (verdict === 'safe') return null;
  // Nothing gets it back, or proves it, but the payee and the mint: that is what they are given.
  if (verdict === 'lost' || trouble === 'unproven') return `cashu-ops audit bundle ${_id}`;
  const isBooked = state === 'paid' || state === 'paid_again';
  return isBooked || trouble === 'orphaned'
    ? `cashu-ops reconcile --npub ${npub} --mint ${shellWord(mint_url)} --deep`
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
