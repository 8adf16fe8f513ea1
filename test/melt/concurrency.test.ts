import { describe, expect, it } from 'vitest';
import { expectSettledBooks } from '../support/melt_books.ts';
import { carelessGround, operationsOf } from '../support/melt_cli.ts';
import { codesOf } from './kill_points.ts';
import {
  addTokens,
  freshInvoices,
  hashesOf,
  INVOICE_SAT,
  PAYERS,
  payAtOnce,
} from './many_payers.ts';

const PATIENCE_MS = 300_000;

describe('twenty processes pay at once', () => {
  it(
    'the same invoice: one pays, the others are told so',
    async () => {
      const ground = await carelessGround();
      const { invoice } = await ground.request(300);
      const ends = await payAtOnce(ground, Array(PAYERS).fill(invoice));
      const codes = codesOf(ends).sort();
      expect(codes).toEqual([0, ...Array(PAYERS - 1).fill(24)]);
      const [operation, another] = await operationsOf(ground);
      expect(another).toBeUndefined();
      const conflicts = ends.filter(({ code }) => code === 24);
      for (const end of conflicts) {
        expect(end.json()).toMatchObject({ status: 'conflict', operation_id: operation?._id });
      }
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
      const ends = await payAtOnce(ground, invoices);
      expect(codesOf(ends)).toEqual(Array(PAYERS).fill(0));
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
      const ends = await payAtOnce(ground, invoices);
      const paid = invoices.filter((_, index) => ends[index]?.code === 0);
      const refused = ends.filter(({ code }) => code !== 0);
      // 1,024 sat are enough for ten payments of 100 sat with 2 sat in fees each, and not for eleven.
      expect(paid.length).toBeGreaterThan(0);
      expect(paid.length).toBeLessThanOrEqual(10);
      for (const end of refused) {
        expect(end.code).toBe(21);
        expect(end.json().error.code).toBe('INSUFFICIENT_FUNDS');
      }
      await expectSettledBooks(ground, hashesOf(paid));
    },
    PATIENCE_MS,
  );
});
