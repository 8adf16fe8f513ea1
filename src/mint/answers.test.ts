import { describe, expect, it } from 'vitest';
import { newQuoteAnswer, quoteAnswer, restoreAnswer } from './answers.ts';

const SIGNATURE = { id: '00', amount: 4, C_: '02' };

describe('newQuoteAnswer', () => {
  const quote = { quote: 'q', amount: 100, fee_reserve: 2, state: 'UNPAID' };

  it('needs no more than it must', () => {
    expect(newQuoteAnswer.parse(quote)).toEqual(quote);
  });

  it.each([100, 100n, '100'])('reads the amount %s', (amount) => {
    expect(newQuoteAnswer.parse({ ...quote, amount }).amount).toBe(100);
  });

  it.each([2n ** 63n, '18446744073709551615', 2 ** 53])('refuses the amount %s', (amount) => {
    expect(() => newQuoteAnswer.parse({ ...quote, amount })).toThrow(
      expect.objectContaining({ code: 'AMOUNT_TOO_LARGE' }),
    );
  });

  it.each([
    ['no id', { quote: '' }],
    ['no reserve', { fee_reserve: undefined }],
    ['a negative amount', { amount: -1 }],
    ['a fraction', { amount: 0.5 }],
    ['an unknown state', { state: 'MAYBE' }],
  ])('refuses %s', (_, fields) => {
    expect(() => newQuoteAnswer.parse({ ...quote, ...fields })).toThrow();
  });
});

describe('quoteAnswer', () => {
  const nothing = { quote_id: null, preimage: null, change: [] };

  it('needs the state alone', () => {
    expect(quoteAnswer.parse({ state: 'PAID' })).toEqual({ ...nothing, state: 'PAID' });
  });

  it.each([
    [{ paid: true }, 'PAID'],
    [{ paid: false }, 'UNKNOWN'],
    [{}, 'UNKNOWN'],
    [{ state: 'UNPAID', paid: true }, 'UNPAID'],
  ])('reads the form of old mints: %j is %s', (answer, state) => {
    expect(quoteAnswer.parse(answer).state).toBe(state);
  });

  it.each([
    ['a preimage that is no text', { payment_preimage: 5 }],
    ['an empty preimage', { payment_preimage: '' }],
    ['change that is no list', { change: 'x' }],
    ['a signature without an amount', { change: [{ id: '00', C_: '02' }] }],
    ['a signature over more than there is', { change: [{ ...SIGNATURE, amount: 2n ** 60n }] }],
    ['a signature over a negative amount', { change: [{ ...SIGNATURE, amount: -1 }] }],
    ['no change', { change: null }],
    ['a field of another kind', { paid: 'yes' }],
  ])('%s does not hide that the payment happened', (_, fields) => {
    expect(quoteAnswer.parse({ state: 'PAID', ...fields })).toEqual({ ...nothing, state: 'PAID' });
  });

  it('keeps change as it came', () => {
    const dleq = { s: '01', e: '02' };
    const change = [SIGNATURE, { ...SIGNATURE, amount: '8', dleq }, { ...SIGNATURE, dleq: null }];
    expect(quoteAnswer.parse({ state: 'PAID', change }).change).toEqual([
      { ...SIGNATURE, dleq: undefined },
      { ...SIGNATURE, amount: 8, dleq },
      { ...SIGNATURE, dleq: undefined },
    ]);
  });

  it('does not guess the meaning of a state that it does not know', () => {
    expect(() => quoteAnswer.parse({ state: 'SETTLED' })).toThrow();
  });
});

describe('points', () => {
  const point = `02${'AB'.repeat(32)}`;

  it('are read in one form', () => {
    const restored = restoreAnswer.parse({ outputs: [{ B_: point }], signatures: [] });
    expect(restored.outputs[0]?.B_).toBe(point.toLowerCase());
  });
});
