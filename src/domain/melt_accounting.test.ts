import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { closeBooks, type MeltSums } from './melt_accounting.ts';

const sat = fc.integer({ min: 0, max: 2 ** 48 });

/** A melt of an honest mint: what was put in comes out as payment, fees and change. */
const honest = fc
  .record({
    amount: sat,
    fee_reserve: sat,
    input_fee: sat,
    over: sat,
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ amount, fee_reserve, input_fee, over, share }) => {
    const lightning_fee = Math.floor(fee_reserve * share);
    const inputs = amount + fee_reserve + input_fee + over;
    const change = inputs - amount - input_fee - lightning_fee;
    return { sums: { inputs, amount, fee_reserve, input_fee, change }, lightning_fee };
  });

describe('closeBooks', () => {
  it('says with grouped digits how much does not close', () => {
    const sums = { inputs: 20_000, amount: 10_000, fee_reserve: 1_000, input_fee: 0, change: 0 };
    expect(closeBooks(sums)).toMatchObject({
      closed: false,
      why: '9,000 sat of change are missing (10,000 sat would be the fee, 1,000 sat were reserved)',
    });
    expect(closeBooks({ ...sums, change: 11_000 })).toMatchObject({
      why: expect.stringContaining('returned 1,000 sat more change'),
    });
  });

  it('closes for every honest mint, with the fee that it took', () => {
    fc.assert(
      fc.property(honest, ({ sums, lightning_fee }) => {
        expect(closeBooks(sums)).toEqual({ closed: true, lightning_fee });
      }),
    );
  });

  it('never books missing change as a fee', () => {
    fc.assert(
      fc.property(honest, fc.integer({ min: 1, max: 2 ** 48 }), ({ sums, lightning_fee }, lost) => {
        fc.pre(lost <= sums.change);
        const books = closeBooks({ ...sums, change: sums.change - lost });
        expect(books.lightning_fee).toBe(lightning_fee + lost);
        expect(books.closed).toBe(lightning_fee + lost <= sums.fee_reserve);
      }),
    );
  });

  it('never books a gift as a negative fee', () => {
    fc.assert(
      fc.property(honest, fc.integer({ min: 1, max: 2 ** 48 }), ({ sums, lightning_fee }, more) => {
        const books = closeBooks({ ...sums, change: sums.change + more });
        expect(books.closed).toBe(more <= lightning_fee);
      }),
    );
  });

  it('whenever it closes, the equation of the design holds', () => {
    fc.assert(
      fc.property(sat, sat, sat, sat, sat, (inputs, amount, fee_reserve, input_fee, change) => {
        const books = closeBooks({ inputs, amount, fee_reserve, input_fee, change });
        if (!books.closed) return;
        expect(inputs).toBe(amount + books.lightning_fee + input_fee + change);
        expect(books.lightning_fee).toBeGreaterThanOrEqual(0);
        expect(books.lightning_fee).toBeLessThanOrEqual(fee_reserve);
      }),
    );
  });

  const sums: MeltSums = { inputs: 128, amount: 100, fee_reserve: 10, input_fee: 1, change: 27 };

  it.each([
    ['no fee at all', 27, { closed: true, lightning_fee: 0 }],
    ['the whole reserve', 17, { closed: true, lightning_fee: 10 }],
    ['one sat above the reserve', 16, { closed: false, why: expect.stringContaining('1 sat of') }],
    ['one sat too much', 28, { closed: false, why: expect.stringContaining('1 sat more change') }],
    ['no change', 0, { closed: false, why: expect.stringContaining('17 sat of change') }],
  ])('%s', (_, change, books) => {
    expect(closeBooks({ ...sums, change })).toMatchObject(books);
  });
});
