import { beforeAll, describe, expect, it } from 'vitest';
import { conservation, judgeBooks } from './conservation.ts';
import { type MeltGround, meltGround } from './melt_ground.ts';
import { type JudgedGround, type OutsideBooks, readOutsideBooks } from './outside_books.ts';

/** A judge that never says no is none: each kind of loss is made on purpose. */
describe('the judge from outside', () => {
  let ground: MeltGround;
  let judged: JudgedGround;
  let books: OutsideBooks;
  beforeAll(async () => {
    ground = await meltGround();
    judged = { control: ground.mint.control, db: ground.ops.store.db };
    expect((await ground.melt(await ground.request(700))).status).toBe('paid');
    books = await readOutsideBooks(judged);
  });
  const problemsOf = (change: (own: OutsideBooks) => void): string => {
    const own = structuredClone(books);
    // Ids are objects of the driver, which a clone makes plain.
    own.tokens.forEach((token, index) => {
      token._id = (books.tokens[index] ?? token)._id;
    });
    change(own);
    return judgeBooks(own, { ended: true }).problems.join('\n');
  };
  const live = ({ tokens }: OutsideBooks) => {
    const [token] = tokens.filter(({ status }) => status === 'unspent');
    if (token === undefined) throw new Error('no live token');
    return token;
  };
  const paid = ({ operations }: OutsideBooks) => {
    const [operation] = operations;
    if (operation?.state !== 'paid') throw new Error('no paid operation');
    return operation;
  };

  it('finds nothing where a payment was booked', async () => {
    const judgement = await conservation(judged, { ended: true });
    expect(judgement).toMatchObject({ problems: [], issued_sat: 4095, paid_sat: 700 });
    expect(judgement).toMatchObject({ given_sat: 0, change_to_claim_sat: 0 });
    expect(problemsOf(() => {})).toBe('');
  });

  it('finds a coin that is gone', () => {
    expect(problemsOf((own) => own.tokens.splice(own.tokens.indexOf(live(own)), 1))).toMatch(
      /^\d+ sat are lost/,
    );
  });

  it('finds a coin that is counted twice', () => {
    const problems = problemsOf((own) => own.tokens.push({ ...live(own), transaction_id: 'twin' }));
    expect(problems).toMatch(/sat are counted that do not exist/);
    expect(problems).toMatch(/is live in .* and twin/);
  });

  it('finds a live coin that the mint has taken', () => {
    const problems = problemsOf((own) => {
      const secret = live(own).proofs[0]?.secret ?? '';
      (own.states as Map<string, string>).set(secret, 'SPENT');
    });
    expect(problems).toMatch(/is live, and the mint calls it SPENT/);
  });

  it('finds change that nobody claimed', () => {
    const problems = problemsOf((own) => {
      const change = own.tokens.find(({ transaction_id }) => transaction_id.endsWith('_change'));
      own.tokens.splice(own.tokens.indexOf(change ?? live(own)), 1);
    });
    expect(problems).toMatch(/sat of change are not claimed/);
    expect(problems).toMatch(/sat of change in 0 tokens/);
  });

  it.each([
    [2, /was paid 2 times/],
    [0, /is booked as paid, and nothing was paid/],
  ])('finds an invoice that was paid %i times', (count, text) => {
    expect(
      problemsOf((own) => {
        own.payments[paid(own).payment_hash] = count;
      }),
    ).toMatch(text);
  });

  it('finds a payment that is booked as failed', () => {
    const problems = problemsOf((own) => Object.assign(paid(own), { state: 'failed' }));
    expect(problems).toMatch(/is booked as failed, and its invoice was paid/);
  });

  it('finds half of a transaction', () => {
    expect(problemsOf((own) => Object.assign(paid(own), { state: 'submitting' }))).toMatch(
      /is submitting with 0 of \d tokens held/,
    );
    expect(problemsOf((own) => Object.assign(paid(own), { rev: 1 }))).toMatch(
      /at revision 1 with \d audit events/,
    );
    expect(problemsOf((own) => Object.assign(live(own), { reserved_by: 'nobody' }))).toMatch(
      /held for nobody, which is no open operation/,
    );
    expect(problemsOf((own) => Object.assign(live(own), { total_amount: 1 }))).toMatch(
      /says 1 sat and holds/,
    );
  });

  it('finds that the mint got more than the books say', () => {
    expect(problemsOf((own) => Object.assign(paid(own), { lightning_fee: 0 }))).toMatch(
      /operations say \d+ sat of fees, the mint \d+ sat/,
    );
  });

  it('finds a mint whose own books do not close', () => {
    expect(problemsOf((own) => Object.assign(own.ledger, { redeemed_sat: 1 }))).toMatch(
      /the mint's own books do not close/,
    );
  });
});
