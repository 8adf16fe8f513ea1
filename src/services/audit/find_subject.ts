import { ambiguousBeginning } from '../../domain/ambiguous.ts';
import { groupDigits } from '../../domain/amount.ts';
import { MELT_EVENTS } from '../../domain/audit_event.ts';
import type { AuditRecord } from '../../domain/audit_record.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import type { MeltOperation } from '../../domain/melt_operation.ts';
import { standsForInvoice } from '../../domain/melt_tries.ts';
import { type Npub, shortNpub } from '../../domain/npub.ts';
import { assertReadable, isReadable } from '../../domain/readable_operation.ts';
import { parseSubjectId, type SubjectId, UNDERSTOOD } from '../../domain/subject_id.ts';
import type { AuditSubjects, TokenView } from '../../store/audit_subjects.ts';

/** What an id leads to. */
export type Subject =
  | {
      kind: 'payment';
      operation: MeltOperation;
      others: MeltOperation[];
      /** The id names this payment, and not only its invoice, its quote or a coin. */
      by_own_id: boolean;
    }
  /** Coins that no payment has to do with. */
  | { kind: 'tokens'; tokens: TokenView[] /** The coin that was asked for. */; y: string | null }
  /** The audit log names it, and nothing else does. */
  | { kind: 'events'; events: AuditRecord[] };

/**
 * Finds what somebody has in hand: looks for it whole first, then for what begins with it.
 *
 * @throws CashuOpsError OPERATION_NOT_FOUND where nothing has that name, INVALID_ARGUMENT where the
 *   beginning of an id fits several, or the text can be no id
 */
export async function findSubject(subjects: AuditSubjects, text: string): Promise<Subject> {
  const id = parseSubjectId(text);
  const found = await findWhole(subjects, id);
  if (found !== null) return found;
  if (id.form === 'id') {
    const begun = await findBeginning(subjects, id.id);
    if (begun !== null) return begun;
  }
  throw notFound(id);
}

async function findWhole(subjects: AuditSubjects, id: SubjectId): Promise<Subject | null> {
  switch (id.form) {
    case 'invoice':
      return paymentOf(subjects, await subjects.operationsByHash(id.payment_hash));
    case 'coin': {
      const operations = await subjects.operationsWith([id.y]);
      const payment = await paymentOf(subjects, operations);
      return payment ?? holderOrTokens(subjects, await subjects.tokensWith([id.y]), id.y);
    }
    case 'id': {
      const [operations, tokens, events] = await Promise.all([
        subjects.operationsById(id.id),
        subjects.tokensOfTransaction(id.id),
        subjects.eventsNaming(id.id),
      ]);
      const payment = await paymentOf(subjects, operations, id.id);
      if (payment !== null) return payment;
      // The payment is gone; its tokens alone would look sound.
      if (events.some(tellsOfPayment)) return eventsOrNull(events);
      return (await holderOrTokens(subjects, tokens, null)) ?? eventsOrNull(events);
    }
  }
}

/** Tokens that a payment holds are that one's, also where only the log tells of it any more. */
async function holderOrTokens(
  subjects: AuditSubjects,
  tokens: TokenView[],
  y: string | null,
): Promise<Subject | null> {
  const holder = tokens.find(({ reserved_by }) => reserved_by !== undefined)?.reserved_by;
  if (holder !== undefined) {
    const payment = await paymentOf(subjects, await subjects.operationsById(holder));
    if (payment !== null) return payment;
    const events = await subjects.eventsNaming(holder);
    if (events.some(tellsOfPayment)) return { kind: 'events', events };
  }
  return tokens.length === 0 ? null : { kind: 'tokens', tokens, y };
}

/** Of several payments the one that stands for the invoice, else the newest. */
async function paymentOf(
  subjects: AuditSubjects,
  found: readonly MeltOperation[],
  id: string | null = null,
): Promise<Subject | null> {
  const own = found.find(({ _id, transaction_id }) => _id === id || transaction_id === id);
  // Who asks for one payment is told of it; what an invoice has come to, all of its tries must say.
  for (const one of own === undefined ? found : [own]) assertReadable(one);
  const operation = own ?? found.find(standsForInvoice) ?? found[0];
  if (operation === undefined) return null;
  const tries = await subjects.operationsByHash(operation.payment_hash);
  if (own === undefined) tries.forEach(assertReadable);
  const others = [...new Map([...tries, ...found].map((one) => [one._id, one])).values()];
  const rest = others.filter((one) => one._id !== operation._id && isReadable(one));
  return { kind: 'payment', operation, others: rest, by_own_id: own !== undefined };
}

function tellsOfPayment(event: AuditRecord): boolean {
  return event.damaged === null && MELT_EVENTS.some((type) => type === event.type);
}

function eventsOrNull(events: AuditRecord[]): Subject | null {
  return events.length === 0 ? null : { kind: 'events', events };
}

async function findBeginning(subjects: AuditSubjects, text: string): Promise<Subject | null> {
  const begun = await subjects.operationsBeginning(text);
  if (begun.length === 0) return findBeginningElsewhere(subjects, text);
  const [own, ...more] = begun.filter(
    ({ _id, transaction_id }) => _id.startsWith(text) || transaction_id.startsWith(text),
  );
  if (own !== undefined && more.length === 0) return paymentOf(subjects, [own], own._id);
  const hashes = new Set(begun.map(({ payment_hash }) => payment_hash));
  // All of one invoice: its page tells of each try.
  if (hashes.size <= 1) return paymentOf(subjects, begun);
  throw ambiguous(text, begun);
}

/** Of a coin as tables show it, or of a payment that only the log tells of any more. */
async function findBeginningElsewhere(
  subjects: AuditSubjects,
  text: string,
): Promise<Subject | null> {
  const coins = COIN_BEGUN.test(text) ? await subjects.coinsBeginning(text.toLowerCase()) : [];
  const told = coins.length === 0 ? await subjects.toldBeginning(text) : [];
  if (coins.length + told.length > 1) throw ambiguousBeginning(text, [...coins, ...told]);
  const [coin, payment] = [coins[0], told[0]];
  if (coin !== undefined) return findWhole(subjects, { form: 'coin', y: coin });
  return payment === undefined ? null : findWhole(subjects, { form: 'id', id: payment });
}

const COIN_BEGUN = /^0[23][0-9a-f]*$/i;

function ambiguous(text: string, begun: readonly MeltOperation[]): CashuOpsError {
  const candidates = begun.map(({ _id, state, amount, created_at, npub }) => {
    const at = created_at.toISOString().slice(0, 16).replace('T', ' ');
    return `${_id} (${state}, ${groupDigits(amount)} sat, ${at}, ${shortNpub(npub as Npub)})`;
  });
  return ambiguousBeginning(text, candidates);
}

const NOT_KNOWN: Readonly<Record<SubjectId['form'], string>> = {
  invoice:
    'The database has no payment of this invoice. That does not say that nothing was paid: another database may know it.',
  coin: 'The database has no payment and no token with this coin. Coins of older tokens have no name (Y) there until a reconciliation has looked at them.',
  id: `Neither the database nor its audit log has this id. That does not say that nothing was paid: another database may know it, or the id is not whole. Understood is ${UNDERSTOOD}.`,
};

function notFound({ form }: SubjectId): CashuOpsError {
  return new CashuOpsError('OPERATION_NOT_FOUND', NOT_KNOWN[form], {
    next_command: 'cashu-ops doctor',
  });
}
