import { randomBytes } from 'node:crypto';
import { CashuOpsError } from './errors.ts';

const PREFIX = /^[a-z][a-z0-9]{0,15}$/;
const FORMAT = /^[A-Za-z][A-Za-z0-9_-]*$/;
const LENGTH_MIN = 8;
const LENGTH_MAX = 100;

/**
 * A new public id of an operation: `<prefix>_<time in ms>_<128 random bits>`.
 *
 * The time makes ids sort by age for people, the random bits make them unique.
 *
 * @param prefix lower-case letters and digits, at most 16
 * @param now time in ms since 1970
 * @throws CashuOpsError INVALID_TRANSACTION_ID for another prefix
 */
export function generateTransactionId(prefix = 'tx', now: number = Date.now()): string {
  if (!PREFIX.test(prefix)) {
    throw new CashuOpsError(
      'INVALID_TRANSACTION_ID',
      `"${prefix}" cannot begin a transaction id: use 1 to 16 lower-case letters or digits.`,
    );
  }
  return `${prefix}_${now}_${randomBytes(16).toString('hex')}`;
}

/** What is wrong with the form of a transaction id; empty when nothing is. */
export function transactionIdProblems(transactionId: string): string[] {
  const problems: string[] = [];
  if (transactionId.length < LENGTH_MIN) problems.push(`shorter than ${LENGTH_MIN} characters`);
  if (transactionId.length > LENGTH_MAX) problems.push(`longer than ${LENGTH_MAX} characters`);
  if (!FORMAT.test(transactionId)) {
    problems.push('not a letter followed by letters, digits, "_" or "-"');
  }
  return problems;
}

/** The ids of the token documents that an operation writes. */
export const tokenIdsOf = (transactionId: string) => ({
  keep: `${transactionId}_keep`,
  meltChange: `${transactionId}_melt_change`,
  swapKeep: `${transactionId}_swap_keep`,
  swapSend: `${transactionId}_swap_send`,
});
