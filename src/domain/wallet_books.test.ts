import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MeltOperation, StoredOutput } from './melt_operation.ts';
import { type NamedProof, sumProofs, type TokenStatus } from './proof.ts';
import { type BookToken, WalletBooks } from './wallet_books.ts';

/** A wallet as the tool leaves it behind, with its true sums kept beside it. */
class TrueWallet {
  readonly tokens: BookToken[] = [];
  readonly operations: MeltOperation[] = [];
  readonly foundSpent = new Set<string>();
  readonly sums = { came_in: 0, paid_out: 0, fees: 0, sent: 0, elsewhere: 0, unattributed: 0 };
  #number = 0;

  get live(): BookToken[] {
    return this.tokens.filter(({ status }) => status === 'unspent');
  }

  coin(amount: number): NamedProof {
    this.#number += 1;
    const name = String(this.#number);
    return { id: '00', amount, secret: `secret ${name}`, C: 'c', Y: `Y${name}` } as NamedProof;
  }

  store(proofs: NamedProof[], status: TokenStatus = 'unspent', transaction_type = 'minted'): void {
    this.#number += 1;
    const total_amount = sumProofs(proofs);
    const transaction_id = `t${this.#number}`;
    this.tokens.push({ transaction_id, status, transaction_type, total_amount, proofs });
  }

  deposit(amounts: readonly number[]): void {
    this.store(amounts.map((amount) => this.coin(amount)));
    this.sums.came_in += amounts.reduce((sum, amount) => sum + amount, 0);
  }

  /** Spends the n-th live token otherwise than by an operation. */
  spend(token: BookToken | undefined, how: 'sent' | 'elsewhere' | 'unattributed'): void {
    if (token === undefined) return;
    token.status = 'spent';
    if (how === 'sent') token.transaction_type = 'sent';
    if (how === 'elsewhere') for (const { Y } of token.proofs) this.foundSpent.add(Y ?? '');
    this.sums[how] += sumProofs(token.proofs);
  }

  /** Pays with the n-th live token, after an exchange of its coins where that is wanted. */
  pay(token: BookToken | undefined, exchanged: boolean): void {
    if (token === undefined || sumProofs(token.proofs) < 10) return;
    token.status = 'spent';
    let inputs = token.proofs as NamedProof[];
    let swap: MeltOperation['swap'] = null;
    if (exchanged) {
      const [send, keep] = [this.coin(sumProofs(inputs) - 3), this.coin(2)];
      const outputs = { send_outputs: [outputOf(send)], keep_outputs: [outputOf(keep)] };
      swap = { inputs, fee: 1, keep_amount: 2, ...outputs };
      this.store([keep], 'unspent', 'change');
      this.store([send], 'spent', 'change');
      inputs = [send];
      this.sums.fees += 1;
    }
    const change = this.coin(Math.floor(sumProofs(inputs) / 2));
    const lightning_fee = 1;
    const input_fee = 2;
    const amount = sumProofs(inputs) - change.amount - lightning_fee - input_fee;
    this.store([change], 'unspent', 'change');
    this.sums.paid_out += amount;
    this.sums.fees += lightning_fee + input_fee;
    const blanks = [outputOf(change), outputOf(this.coin(0))];
    this.operate({ state: 'paid', amount, lightning_fee, input_fee, inputs, blanks, swap });
  }

  operate(facts: object): void {
    const own = {
      ...{ _id: `op${this.operations.length}`, source_token_ids: [], fee_reserve: 0 },
      ...{ transaction_id: 'tx', payment_hash: 'ph', quote_id: 'q' },
      ...{ created_at: new Date(0), updated_at: new Date(0) },
    };
    this.operations.push({ ...own, ...facts } as unknown as MeltOperation);
  }

  books() {
    const books = new WalletBooks(this.foundSpent);
    for (const operation of this.operations) books.addOperation(operation);
    for (const token of this.tokens) books.addToken(token);
    return books.close();
  }
}

function outputOf({ secret }: NamedProof): StoredOutput {
  const blindedMessage = { amount: '0', B_: '', id: '00' };
  return { blindedMessage, blindingFactor: '', secret: Buffer.from(secret).toString('hex') };
}

const step = fc.oneof(
  fc.record({
    do: fc.constant('deposit' as const),
    amounts: fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 5 }),
  }),
  fc.record({ do: fc.constant('pay' as const), at: fc.nat(), exchanged: fc.boolean() }),
  fc.record({
    do: fc.constant('spend' as const),
    at: fc.nat(),
    how: fc.constantFrom('sent' as const, 'elsewhere' as const, 'unattributed' as const),
  }),
);

/** A wallet with any history. */
const wallets = fc.array(step, { maxLength: 30 }).map((steps) => {
  const wallet = new TrueWallet();
  for (const one of steps) {
    const token = 'at' in one ? wallet.live[one.at % Math.max(1, wallet.live.length)] : undefined;
    if (one.do === 'deposit') wallet.deposit(one.amounts);
    else if (one.do === 'pay') wallet.pay(token, one.exchanged);
    else wallet.spend(token, one.how);
  }
  return wallet;
});

describe('the books of a wallet', () => {
  it('close, whatever was done to it, and name each sum', () => {
    fc.assert(
      fc.property(wallets, (wallet) => {
        const { came_in, paid_out, fees, ...otherwise } = wallet.sums;
        expect(wallet.books()).toEqual({
          came_in,
          live: wallet.live.reduce((sum, { proofs }) => sum + sumProofs(proofs), 0),
          ...{ held: 0, open_payments: 0, counted_twice: 0 },
          paid_out,
          fees,
          spent_otherwise: otherwise,
          ...{ failed: 0, difference: 0, faults: [], token_faults: [] },
        });
      }),
    );
  });

  const paying = () => {
    const wallet = new TrueWallet();
    wallet.deposit([100, 50]);
    wallet.pay(wallet.live[0], true);
    return wallet;
  };

  it('do not close where the change of a payment is in no token', () => {
    const wallet = paying();
    const change = wallet.tokens.findIndex(
      ({ status, proofs }) => status === 'unspent' && sumProofs(proofs) > 2,
    );
    const [gone] = wallet.tokens.splice(change, 1);
    const missing = sumProofs(gone?.proofs ?? []);
    expect(wallet.books()).toMatchObject({
      difference: missing,
      faults: [{ operation_id: 'op0', missing }],
    });
  });

  it('do not close where a coin that was paid away is live again', () => {
    const wallet = paying();
    const [deposit] = wallet.tokens;
    if (deposit !== undefined) deposit.status = 'unspent';
    expect(wallet.books().difference).toBe(-150);
  });

  it('need no token of what was paid away long ago', () => {
    const wallet = paying();
    wallet.tokens.splice(0, 1);
    expect(wallet.books()).toMatchObject({ came_in: 150, difference: 0, faults: [] });
  });

  it('count a coin once that stands in a spent token and in a later live one', () => {
    const wallet = new TrueWallet();
    const coins = [wallet.coin(8), wallet.coin(4)];
    wallet.store(coins, 'spent');
    wallet.store(coins.slice(0, 1), 'unspent', 'change');
    expect(wallet.books()).toMatchObject({
      came_in: 12,
      live: 8,
      counted_twice: 0,
      spent_otherwise: { unattributed: 4 },
      difference: 0,
    });
  });

  it('name what the balance counts twice', () => {
    const wallet = new TrueWallet();
    const coins = [wallet.coin(8)];
    wallet.store(coins);
    wallet.store(coins);
    expect(wallet.books()).toMatchObject({ live: 8, counted_twice: 8, difference: 0 });
  });

  it('name what stands in failed tokens', () => {
    const wallet = new TrueWallet();
    wallet.store([wallet.coin(8)], 'failed');
    expect(wallet.books()).toMatchObject({ came_in: 8, failed: 8, difference: 0 });
  });

  it('name what open payments hold', () => {
    const wallet = new TrueWallet();
    wallet.deposit([100, 50]);
    const inputs = wallet.live[0]?.proofs.slice(0, 1);
    wallet.operate({ state: 'pending', amount: 90, input_fee: 0, inputs, blanks: [], swap: null });
    const books = { live: 150, held: 100, open_payments: 1, difference: 0, faults: [] };
    expect(wallet.books()).toMatchObject(books);
  });

  it.each([
    { amount: Number.NaN },
    { blanks: undefined },
    { swap: undefined },
    { inputs: [null] },
    { state: 'paid_by_hand' },
  ])('name an operation that cannot be read, and go on: %j', (change) => {
    const wallet = paying();
    Object.assign(wallet.operations[0] ?? {}, change);
    wallet.deposit([1000]);
    wallet.pay(wallet.live.at(-1), false);
    expect(wallet.books()).toMatchObject({
      faults: [{ operation_id: 'op0', missing: 0, unreadable: true }],
      paid_out: wallet.operations[1]?.amount,
    });
  });

  it.each([
    [{ total_amount: 151 }, { says: 151, holds: 150 }],
    [{ total_amount: undefined }, { says: null, holds: 150 }],
    [{ proofs: [null, { secret: 's', amount: '150' }] }, { says: 150, holds: 0 }],
  ])('name a live token that says another amount than it holds: %j', (change, fault) => {
    const wallet = new TrueWallet();
    wallet.deposit([100, 50]);
    Object.assign(wallet.tokens[0] ?? {}, change);
    const [token] = wallet.tokens;
    const named = { transaction_id: token?.transaction_id, ...fault };
    expect(wallet.books().token_faults).toEqual([named]);
    Object.assign(token ?? {}, { status: 'spent' });
    expect(wallet.books().token_faults).toEqual([]);
  });
});
