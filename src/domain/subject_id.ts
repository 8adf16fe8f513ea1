import { CashuOpsError } from './errors.ts';
import { parseInvoice } from './invoice.ts';
import { parseNpub } from './npub.ts';

/*
 * Whatever a support person has in hand to name a payment: an id from a log, a hash from another
 * wallet, the name of a coin, the invoice itself.
 */

/** What was given, as far as its form tells. */
export type SubjectId =
  | { form: 'invoice'; payment_hash: string }
  | { form: 'coin'; y: string }
  /** Ids of operations, transactions and quotes, and payment hashes. */
  | { form: 'id'; id: string };

/** For messages: what is understood, in the order in which it is looked for. */
export const UNDERSTOOD =
  'an operation id, a transaction id, a quote id of the mint, a payment hash, the name of a coin (Y), each whole or its first 8 characters or more, or an invoice';

const COIN = /^0[23][0-9a-f]{64}$/i;
const INVOICE = /^(lightning:)?ln(bc|tb|bcrt|tbs|sb)\d*[a-z0-9]{20,}$/i;
const ID = /^[\p{L}\p{N}._:~+/=@-]{1,500}$/u;
const ID_MIN = 8;
/** A proof's secret in hex, or a token, has no business on a command line. */
const TOKEN = /^cashu[AB]/;

/**
 * Reads what was given by its form.
 *
 * @throws CashuOpsError INVALID_ARGUMENT for what can be none of these, INVALID_INVOICE
 */
export function parseSubjectId(text: string): SubjectId {
  // As tables show the beginning of an id.
  const given = text.trim().replace(/…$/, '');
  if (TOKEN.test(given)) {
    throw refused('This is a token, that is money: whoever reads it can spend it. Give an id.');
  }
  if (COIN.test(given)) return { form: 'coin', y: given.toLowerCase() };
  if (INVOICE.test(given)) {
    return { form: 'invoice', payment_hash: parseInvoice(given).payment_hash };
  }
  if (/^npub1/i.test(given)) {
    throw new CashuOpsError('INVALID_ARGUMENT', 'That is an owner, and not a payment.', {
      next_command: `cashu-ops audit list --npub ${parseNpub(given)}`,
    });
  }
  if (/^(lightning:)?ln(bc|tb|bcrt|tbs|sb)/i.test(given)) parseInvoice(given);
  if (given.length < ID_MIN) {
    throw refused(`An id has ${ID_MIN} characters or more, also where it is only its beginning.`);
  }
  if (!ID.test(given)) {
    // Not repeated: it may be a secret in the wrong place.
    throw refused(`What was given names nothing. Give ${UNDERSTOOD}.`);
  }
  return { form: 'id', id: given };
}

function refused(sentence: string): CashuOpsError {
  return new CashuOpsError('INVALID_ARGUMENT', sentence);
}
