import { createHash } from 'node:crypto';
import { sumProofs } from '@cashu/cashu-ts';
import { describe, expect, it } from 'vitest';
import { code, useMint } from '../../../test/support/practice_mint.ts';
import { type LedgerReport, ledgerCloses } from './client.ts';
import { depositCoins, ysOf } from './practice_wallet.ts';

const { mint, wallet, meltQuote } = await useMint();

/** What a piece of work changed in the books. */
async function booksOf(work: () => Promise<unknown>): Promise<Partial<LedgerReport>> {
  const before = await mint.control.ledger();
  await work();
  const after = await mint.control.ledger();
  expect(ledgerCloses(after)).toBe(true);
  const names = Object.keys(after) as (keyof LedgerReport)[];
  const changed = names.filter((name) => after[name] !== before[name]);
  return Object.fromEntries(changed.map((name) => [name, after[name] - before[name]]));
}

describe('deposits and swaps', () => {
  it('turns a deposit into coins of that value, once', async () => {
    const quote = await wallet.createMintQuoteBolt11(100);
    const books = await booksOf(() => wallet.mintProofsBolt11(100, quote));
    expect(books).toEqual({ minted_sat: 100, issued_sat: 100, outstanding_sat: 100 });
    await expect(wallet.mintProofsBolt11(100, quote)).rejects.toMatchObject(code(20002));
    await expect(wallet.checkMintQuoteBolt11(quote)).resolves.toMatchObject({ state: 'ISSUED' });
  });

  it('waits for a deposit that has to be paid by hand', async () => {
    await mint.control.configure({ deposits_paid_at_once: false });
    const quote = await wallet.createMintQuoteBolt11(8);
    await expect(wallet.mintProofsBolt11(8, quote)).rejects.toMatchObject(code(20001));
    await mint.control.payMintQuote(quote.quote);
    await expect(wallet.mintProofsBolt11(8, quote)).resolves.toHaveLength(1);
  });

  it('swaps coins for the same value less the input fee, and takes no coin twice', async () => {
    const coins = await depositCoins(wallet, [64, 32, 4]);
    const books = await booksOf(async () => {
      const { send, keep } = await wallet.send(50, coins, {}, { send: { type: 'random' } });
      expect(sumProofs([...send, ...keep]).toNumber()).toBe(99);
    });
    const spent = await mint.control.states(ysOf(coins));
    const inputs = spent.filter((state) => state === 'SPENT').length;
    expect(books).toMatchObject({ input_fees_sat: 1, outstanding_sat: -1, spent_count: inputs });
    const again = wallet.receive(coins.filter((_, index) => spent[index] === 'SPENT'));
    await expect(again).rejects.toMatchObject(code(11001));
  });

  it('adds the fees of all inputs before it rounds up', async () => {
    const coins = await depositCoins(wallet, new Array(21).fill(2));
    const books = await booksOf(() => wallet.receive(coins));
    expect(books).toMatchObject({ input_fees_sat: 3, redeemed_sat: 42, issued_sat: 39 });
  });
});

describe('melts', () => {
  it('pays once and returns the whole overshoot as change', async () => {
    const coins = await depositCoins(wallet, [128, 64]);
    const { quote, payment_hash, preimage } = await meltQuote(100);
    expect(quote).toMatchObject({ state: 'UNPAID', payment_preimage: null });
    expect(quote.fee_reserve.toNumber()).toBe(2);
    const books = await booksOf(async () => {
      const paid = await wallet.meltProofsBolt11(quote, coins);
      expect(paid.quote).toMatchObject({ state: 'PAID', payment_preimage: preimage });
      expect(paid.change.map((coin) => coin.amount.toNumber())).toEqual([2, 8, 16, 64]);
    });
    expect(books).toEqual({
      redeemed_sat: 192,
      paid_sat: 100,
      lightning_fees_sat: 1,
      input_fees_sat: 1,
      issued_sat: 90,
      outstanding_sat: -102,
      spent_count: 2,
    });
    expect(createHash('sha256').update(Buffer.from(preimage, 'hex')).digest('hex')).toBe(
      payment_hash,
    );
    await expect(mint.control.paymentCount(payment_hash)).resolves.toBe(1);
    const read = await wallet.checkMeltQuoteBolt11(quote);
    expect(read).toMatchObject({ state: 'PAID', payment_preimage: preimage });
    expect(read.change).toHaveLength(4);
  });

  it('charges the fee of a behaviour, but never more than the reserve', async () => {
    const coins = await depositCoins(wallet, [512, 512]);
    const { quote, payment_hash } = await meltQuote(300);
    await mint.control.setPaymentBehaviour(payment_hash, { outcome: 'succeed', fee_sat: 1000 });
    const books = await booksOf(() => wallet.meltProofsBolt11(quote, coins));
    expect(books).toMatchObject({ lightning_fees_sat: 3, paid_sat: 300 });
  });

  it('keeps what too few blank outputs cannot carry, the smallest amounts first', async () => {
    const coins = await depositCoins(wallet, [128, 64]);
    const { quote } = await meltQuote(100);
    const prepared = await wallet.prepareMelt('bolt11', quote, coins);
    const short = { ...prepared, outputData: prepared.outputData.slice(0, 2) };
    const books = await booksOf(async () => {
      const { change } = await wallet.completeMelt(short);
      expect(change.map((coin) => coin.amount.toNumber())).toEqual([16, 64]);
    });
    expect(books).toMatchObject({ issued_sat: 80, unreturned_sat: 10 });
  });

  it('releases everything when the payment fails, and pays at a second try', async () => {
    const coins = await depositCoins(wallet, [16]);
    const { quote, payment_hash } = await meltQuote(10);
    await mint.control.setPaymentBehaviour(payment_hash, { outcome: 'fail' });
    const prepared = await wallet.prepareMelt('bolt11', quote, coins);
    const books = await booksOf(() =>
      expect(wallet.completeMelt(prepared)).rejects.toMatchObject(code(20004)),
    );
    expect(books).toEqual({});
    await expect(mint.control.states(ysOf(coins))).resolves.toEqual(['UNSPENT']);
    await expect(wallet.checkMeltQuoteBolt11(quote)).resolves.toMatchObject({ state: 'UNPAID' });
    await expect(mint.control.paymentCount(payment_hash)).resolves.toBe(0);
    await mint.control.setPaymentBehaviour(payment_hash, { outcome: 'succeed' });
    const paid = await wallet.completeMelt(prepared);
    expect(paid.quote.quote).toBe(quote.quote);
    await expect(mint.control.paymentCount(payment_hash)).resolves.toBe(1);
  });

  it('holds coins and outputs while a payment hangs, then settles', async () => {
    const coins = await depositCoins(wallet, [16]);
    const { quote, payment_hash } = await meltQuote(10);
    await mint.control.setPaymentBehaviour(payment_hash, { outcome: 'hang' });
    const prepared = await wallet.prepareMelt('bolt11', quote, coins);
    const open = await wallet.completeMelt(prepared);
    expect(open).toMatchObject({ quote: { state: 'PENDING' }, change: [] });
    await expect(mint.control.states(ysOf(coins))).resolves.toEqual(['PENDING']);
    await expect(wallet.completeMelt(prepared)).rejects.toMatchObject(code(20005));
    await expect(wallet.receive(coins)).rejects.toMatchObject(code(11002));
    const other = await depositCoins(wallet, [16]);
    const second = await meltQuote(10);
    const reused = { ...prepared, quote: second.quote, inputs: other };
    await expect(wallet.completeMelt(reused)).rejects.toMatchObject(code(11004));
    await mint.control.resolvePayment(payment_hash, 'succeed');
    const { change = [], ...read } = await wallet.checkMeltQuoteBolt11(quote);
    expect(read.state).toBe('PAID');
    const made = wallet.createMeltChangeProofs(prepared.outputData, change);
    expect(made.map((coin) => coin.amount.toNumber())).toEqual([4]);
    await expect(mint.control.states(ysOf(coins))).resolves.toEqual(['SPENT']);
    await expect(wallet.completeMelt(reused)).rejects.toMatchObject(code(11003));
  });

  it('releases everything when a hanging payment fails in the end', async () => {
    const coins = await depositCoins(wallet, [16]);
    const { quote, payment_hash } = await meltQuote(10);
    await mint.control.setPaymentBehaviour(payment_hash, { outcome: 'hang' });
    await wallet.meltProofsBolt11(quote, coins);
    await mint.control.resolvePayment(payment_hash, 'fail');
    await expect(wallet.checkMeltQuoteBolt11(quote)).resolves.toMatchObject({ state: 'UNPAID' });
    await expect(mint.control.states(ysOf(coins))).resolves.toEqual(['UNSPENT']);
    const again = mint.control.resolvePayment(payment_hash, 'fail');
    await expect(again).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('answers with an error while it does not know, and may still have paid', async () => {
    const coins = await depositCoins(wallet, [16]);
    const { quote, payment_hash } = await meltQuote(10);
    await mint.control.setPaymentBehaviour(payment_hash, { outcome: 'unknown' });
    await expect(wallet.meltProofsBolt11(quote, coins)).rejects.toMatchObject(code(20000));
    await expect(wallet.checkMeltQuoteBolt11(quote)).resolves.toMatchObject({ state: 'PENDING' });
    await mint.control.resolvePayment(payment_hash, 'succeed');
    await expect(wallet.checkMeltQuoteBolt11(quote)).resolves.toMatchObject({ state: 'PAID' });
    await expect(mint.control.paymentCount(payment_hash)).resolves.toBe(1);
  });

  it('answers PENDING at once when asked to, and pays in the background', async () => {
    const coins = await depositCoins(wallet, [16]);
    const { quote, payment_hash } = await meltQuote(10);
    await mint.control.setPaymentBehaviour(payment_hash, { outcome: 'succeed', delay_ms: 300 });
    const prepared = await wallet.prepareMelt('bolt11', quote, coins);
    const open = await wallet.completeMelt(prepared, undefined, { preferAsync: true });
    expect(open.quote).toMatchObject({ state: 'PENDING' });
    await expect
      .poll(() => wallet.checkMeltQuoteBolt11(quote), { timeout: 5000 })
      .toMatchObject({ state: 'PAID' });
  });

  it('lets a slow payment block the answer', async () => {
    const coins = await depositCoins(wallet, [16]);
    const { quote, payment_hash } = await meltQuote(10);
    await mint.control.setPaymentBehaviour(payment_hash, { outcome: 'succeed', delay_ms: 400 });
    const started = performance.now();
    const paid = await wallet.meltProofsBolt11(quote, coins);
    expect(performance.now() - started).toBeGreaterThan(390);
    expect(paid.quote.state).toBe('PAID');
  });

  it.each(['wrong', 'missing'] as const)('shows a %s preimage when told to', async (preimage) => {
    const coins = await depositCoins(wallet, [16]);
    const made = await meltQuote(10);
    await mint.control.setPaymentBehaviour(made.payment_hash, { outcome: 'succeed', preimage });
    const { quote } = await wallet.meltProofsBolt11(made.quote, coins);
    expect(quote.state).toBe('PAID');
    if (preimage === 'missing') expect(quote.payment_preimage).toBeNull();
    else expect(quote.payment_preimage).toMatch(/^[0-9a-f]{64}$/);
    expect(quote.payment_preimage).not.toBe(made.preimage);
  });
});

describe('paying twice', () => {
  it('lets one of two equal requests win, whatever they want', async () => {
    const coins = await depositCoins(wallet, [16]);
    const swaps = await Promise.allSettled([wallet.receive(coins), wallet.receive(coins)]);
    expect(swaps.map((swap) => swap.status).sort()).toEqual(['fulfilled', 'rejected']);
    const others = await depositCoins(wallet, [16]);
    const { quote, payment_hash } = await meltQuote(10);
    await mint.control.setPaymentBehaviour(payment_hash, { outcome: 'succeed', delay_ms: 100 });
    const melts = await Promise.allSettled([
      wallet.meltProofsBolt11(quote, others),
      wallet.meltProofsBolt11(quote, others),
    ]);
    const refused = melts.flatMap((melt) => (melt.status === 'rejected' ? [melt.reason] : []));
    expect(refused).toMatchObject([code(20005)]);
    await expect(mint.control.paymentCount(payment_hash)).resolves.toBe(1);
  });

  it('refuses a second quote of a paid invoice', async () => {
    const coins = await depositCoins(wallet, [16, 16]);
    const { quote, invoice, payment_hash } = await meltQuote(10);
    const second = await wallet.createMeltQuoteBolt11(invoice);
    await wallet.meltProofsBolt11(quote, coins.slice(0, 1));
    const again = wallet.meltProofsBolt11(second, coins.slice(1));
    await expect(again).rejects.toMatchObject(code(20006));
    await expect(wallet.createMeltQuoteBolt11(invoice)).rejects.toMatchObject(code(20006));
    await expect(mint.control.paymentCount(payment_hash)).resolves.toBe(1);
    await expect(mint.control.states(ysOf(coins))).resolves.toEqual(['SPENT', 'UNSPENT']);
  });

  it('refuses a second quote while the first one is in flight', async () => {
    const coins = await depositCoins(wallet, [16, 16]);
    const { quote, invoice, payment_hash } = await meltQuote(10);
    await mint.control.setPaymentBehaviour(payment_hash, { outcome: 'hang' });
    const second = await wallet.createMeltQuoteBolt11(invoice);
    await wallet.meltProofsBolt11(quote, coins.slice(0, 1));
    const again = wallet.meltProofsBolt11(second, coins.slice(1));
    await expect(again).rejects.toMatchObject(code(20005));
    await expect(wallet.createMeltQuoteBolt11(invoice)).rejects.toMatchObject(code(20005));
    await mint.control.resolvePayment(payment_hash, 'succeed');
  });

  it('counts a second payment where nothing refuses it', async () => {
    await mint.control.configure({ refuse_paid_invoices: false });
    const coins = await depositCoins(wallet, [16, 16]);
    const { quote, invoice, payment_hash } = await meltQuote(10);
    await wallet.meltProofsBolt11(quote, coins.slice(0, 1));
    const second = await wallet.createMeltQuoteBolt11(invoice);
    await wallet.meltProofsBolt11(second, coins.slice(1));
    await expect(mint.control.payments()).resolves.toMatchObject({ [payment_hash]: 2 });
  });

  it('settles its own invoices without the network: no fee, and the deposit is paid', async () => {
    await mint.control.configure({ deposits_paid_at_once: false });
    const deposit = await wallet.createMintQuoteBolt11(20);
    await mint.control.configure({ deposits_paid_at_once: true });
    const coins = await depositCoins(wallet, [16, 8]);
    const quote = await wallet.createMeltQuoteBolt11(deposit.request);
    const second = await wallet.createMeltQuoteBolt11(deposit.request);
    expect(quote.fee_reserve.toNumber()).toBe(0);
    const books = await booksOf(() => wallet.meltProofsBolt11(quote, coins));
    expect(books).toMatchObject({ settled_internally_sat: 20, input_fees_sat: 1, issued_sat: 3 });
    expect(books).not.toHaveProperty('paid_sat');
    await expect(wallet.mintProofsBolt11(20, deposit.quote)).resolves.not.toHaveLength(0);
    const again = wallet.meltProofsBolt11(second, await depositCoins(wallet, [32]));
    await expect(again).rejects.toMatchObject(code(20006));
  });
});
