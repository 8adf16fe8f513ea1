import { describe, expect, it } from 'vitest';
import { CashuOpsError } from '../../src/domain/errors.ts';
import type { Invoice } from '../../src/domain/invoice.ts';
import { expectSettledBooks } from '../support/melt_books.ts';
import { carelessGround, operationsOf } from '../support/melt_cli.ts';
import type { MeltGround } from '../support/melt_ground.ts';
import { addTokens, freshInvoices, hashesOf, INVOICE_SAT, PAYERS } from './many_payers.ts';

const PATIENCE_MS = 120_000;

/** Calls the service for all invoices at once; answers the status, or the code of the error. */
function payAtOnce(ground: MeltGround, invoices: readonly Invoice[]): Promise<string[]> {
  const { npub, mint } = ground;
  const calls = invoices.map(async (invoice) => {
    try {
      return (await ground.melt({ npub, mint_url: mint.url, invoice, max_fee: null })).status;
    } catch (error) {
      if (error instanceof CashuOpsError) return error.code;
      throw error;
    }
  });
  return Promise.all(calls);
}

describe('twenty calls in one process pay at once', () => {
  it(
    'the same invoice: one pays, the others are told so',
    async () => {
      const ground = await carelessGround();
      const { invoice } = await ground.request(300);
      const answers = await payAtOnce(ground, Array(PAYERS).fill(invoice));
      expect(answers.sort()).toEqual([...Array(PAYERS - 1).fill('conflict'), 'paid']);
      expect(await operationsOf(ground)).toHaveLength(1);
      await expectSettledBooks(ground, [invoice.payment_hash]);
    },
    PATIENCE_MS,
  );

  it(
    'different invoices from one wallet that has enough: all are paid',
    async () => {
      const ground = await carelessGround({ coins: [] });
      await addTokens(ground, 5, 20);
      const invoices = await freshInvoices(ground, INVOICE_SAT);
      expect(await payAtOnce(ground, invoices)).toEqual(Array(PAYERS).fill('paid'));
      await expectSettledBooks(ground, hashesOf(invoices));
    },
    PATIENCE_MS,
  );

  it(
    'different invoices from one wallet that has too little: some are paid, no coin twice',
    async () => {
      const ground = await carelessGround({ coins: [] });
      await addTokens(ground, 8, 2);
      const invoices = await freshInvoices(ground, INVOICE_SAT);
      const answers = await payAtOnce(ground, invoices);
      const paid = invoices.filter((_, index) => answers[index] === 'paid');
      expect(paid.length).toBeGreaterThan(0);
      expect(paid.length).toBeLessThanOrEqual(10);
      const refused = answers.filter((answer) => answer !== 'paid');
      expect(refused).toEqual(refused.map(() => 'INSUFFICIENT_FUNDS'));
      await expectSettledBooks(ground, hashesOf(paid));
    },
    PATIENCE_MS,
  );
});
