import { setTimeout as pause } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { sendLate } from '../../src/practice/late_requests.ts';
import { createPracticeWallet, deposit } from '../../src/practice/practice_ground.ts';
import { always } from '../../src/practice/situations/parts.ts';
import { AUDIT_LOG, TOKENS } from '../../src/store/collections.ts';
import {
  type ExplainGround,
  explainGround,
  inputsOf,
  WITHOUT_SWAP,
} from '../support/explain_ground.ts';

/** What a support person reads aloud, against what the mint's ledger and the raw database hold. */
describe('audit explain', () => {
  let ground: ExplainGround['ground'];
  let operations: ExplainGround['operations'];
  let lastOperation: ExplainGround['lastOperation'];
  let explain: ExplainGround['explain'];
  let page: ExplainGround['page'];
  let pay: ExplainGround['pay'];
  beforeEach(async () => {
    ({ ground, operations, lastOperation, explain, page, pay } = await explainGround());
  });

  it('calls a payment safe that was made, by each of its names', async () => {
    const { invoice } = await ground.invoice({ amount_sat: 500 });
    expect((await pay(invoice)).code).toBe(0);
    const operation = await lastOperation();
    const names = [
      operation._id,
      operation._id.slice(0, 8),
      operation.transaction_id,
      operation.quote_id,
      operation.payment_hash,
      operation.payment_hash.slice(0, 12),
      invoice.toUpperCase(),
      operation.inputs[0]?.Y.toUpperCase() ?? '',
    ];
    for (const name of names) {
      const told = await explain(name);
      expect([name, told.code, told.safety.verdict]).toEqual([name, 0, 'safe']);
      expect(told.payment.operation_id).toBe(operation._id);
    }
    const { sum, mint, database, next_command, timeline } = await explain(operation._id);
    expect(sum.difference).toBe(0);
    expect(sum.inputs).toBe(inputsOf(operation));
    expect(sum.inputs).toBe(sum.paid + sum.lightning_fee + sum.input_fee + sum.change);
    const spent = operation.inputs.length;
    expect(mint).toEqual({ answer: 'answered', quote: 'PAID', coins: { SPENT: spent } });
    expect(database.coins).toEqual({ spent: { coins: spent, sat: sum.inputs } });
    expect(next_command).toBeNull();
    const types = timeline.map(({ type }: { type: string }) => type);
    expect(types.slice(0, 2)).toEqual(['melt_prepared', 'melt_submitted']);
    expect(types).toContain('melt_paid');
  });

  it('reads an invoice from stdin, and is a page that fits and can be read aloud', async () => {
    const { invoice } = await ground.invoice({ amount_sat: 500 });
    await pay(invoice);
    const { code, stdout } = await ground.run(['audit', 'explain', '-'], { stdin: invoice });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^verdict {5}safe \(/);
    expect(stdout).toMatch(/the payment was made and booked/);
    expect(stdout).toMatch(/it closes/);
    expect(stdout).toMatch(/nothing is to be done$/m);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
    expect((await ground.leaks()).shown).toEqual([]);
  });

  it('says how much is locked while Lightning tries, and what to type', async () => {
    const { invoice, payment_hash } = await ground.invoice({ amount_sat: 500 });
    await ground.mint.control.setPaymentBehaviour(payment_hash, { outcome: 'hang' });
    expect((await pay(invoice)).code).toBe(22);
    const operation = await lastOperation();
    const told = await explain(invoice);
    expect([told.code, told.safety.verdict, told.safety.sat]).toEqual([
      22,
      'locked',
      inputsOf(operation),
    ]);
    expect(told.mint.quote).toBe('PENDING');
    expect(told.next_command).toBe(`cashu-ops melt --resume ${operation._id}`);
    expect(Object.keys(told.database.coins)).toEqual(['reserved']);
    await ground.mint.control.resolvePayment(payment_hash, 'succeed');
    expect((await explain(invoice)).safety.because).toMatch(/the mint shows the payment/);
    expect((await ground.run(['melt', '--resume', operation._id])).code).toBe(0);
    expect((await explain(invoice)).safety.verdict).toBe('safe');
  });

  it('says until when coins are locked whose request was lost', async () => {
    const { invoice } = await ground.invoice({ amount_sat: 500 });
    await ground.mint.control.setFaults([always('melt', { type: 'drop' }, 'before')]);
    expect((await pay(invoice)).code).toBe(22);
    const { flat, code } = await page(invoice);
    expect(code).toBe(22);
    expect(flat).toMatch(/^verdict locked: [\d ]+ sat until 20[\d-]+T[\d:]+Z at least \(/);
  });

  it('calls a payment safe that failed, and whose coins are free', async () => {
    const { invoice, payment_hash } = await ground.invoice({ amount_sat: 500 });
    await ground.mint.control.setPaymentBehaviour(payment_hash, { outcome: 'fail' });
    expect((await pay(invoice)).code).toBe(21);
    const told = await explain(invoice);
    expect([told.code, told.safety.verdict, told.sum]).toEqual([0, 'safe', null]);
    expect(Object.keys(told.database.coins)).toEqual(['unspent']);
    // Tried again, the page tells of the payment that stands, and names the other.
    await ground.mint.control.setPaymentBehaviour(payment_hash, { outcome: 'succeed' });
    const failed = await lastOperation();
    // Older than the time in which the same payment counts as a double.
    const long_ago = new Date(Date.now() - 3_600_000);
    await operations().updateOne({ _id: failed._id }, { $set: { created_at: long_ago } });
    expect((await pay(invoice)).code).toBe(0);
    const again = await explain(failed.payment_hash);
    expect(again.payment.state).toBe('paid');
    expect(again.other_tries).toMatchObject([{ operation_id: failed._id, state: 'failed' }]);
  });

  it('calls money at risk where the mint contradicts itself', async () => {
    const { control } = ground.mint;
    const { invoice } = await ground.invoice({ amount_sat: 500 });
    const unpaid = { state: 'UNPAID', payment_preimage: null, change: null };
    await control.setFaults([
      always('melt', { type: 'drop' }),
      always('melt_quote_state', { type: 'set', fields: unpaid }),
    ]);
    expect((await pay(invoice)).code).toBe(22);
    const operation = await lastOperation();
    await ground.run(['melt', '--resume', operation._id]);
    const told = await explain(operation._id);
    expect([told.code, told.safety.verdict, told.safety.sat]).toEqual([
      23,
      'at_risk',
      inputsOf(operation),
    ]);
  });

  it('calls money lost that was paid twice', async () => {
    const { control } = ground.mint;
    await control.configure({ refuse_paid_invoices: false });
    const { invoice } = await ground.invoice({ amount_sat: 300 });
    await control.setFaults([always('melt', { type: 'drop' }, 'before')]);
    const hasty = { env: { CASHU_OPS_QUIET_PERIOD: '1s' } };
    await ground.run(['melt', invoice, ...ground.owner, '--yes'], hasty);
    const first = await lastOperation();
    await pause(1_200);
    expect((await ground.run(['melt', '--resume', first._id], hasty)).code).toBe(21);
    await control.clearFaults();
    const other = await createPracticeWallet(ground.ops.wallets, ground.mint.url);
    await deposit(ground.ops.wallets, other, [1024]);
    expect((await ground.run(['melt', invoice, '--npub', other.npub, '--yes'])).code).toBe(0);
    const late = await operations().findOne({ _id: first._id });
    expect(await sendLate(ground.mint.url, late as never)).toBe(200);
    // Before it is booked: called off here, and paid there.
    const before = await explain(first._id);
    expect([before.code, before.safety.verdict]).toEqual([23, 'at_risk']);
    await ground.run(['melt', '--resume', first._id]);
    const told = await explain(first._id);
    expect([told.code, told.safety.verdict]).toEqual([23, 'lost']);
    expect(told.safety.sat).toBeGreaterThanOrEqual(300);
    expect(told.safety.sat).toBe(told.sum.paid + told.sum.lightning_fee + told.sum.input_fee);
    // Asked by the invoice that the customer has, too.
    const by = await explain(invoice);
    expect([by.code, by.safety.verdict, by.payment.operation_id]).toEqual([23, 'lost', first._id]);
    expect(by.other_tries).toMatchObject([{ state: 'paid', verdict: 'safe', same_invoice: true }]);
  });

  it('says what the database alone knows, offline and while the mint is down', async () => {
    const { invoice } = await ground.invoice({ amount_sat: 500 });
    await pay(invoice);
    const before = await ground.mint.control.requests();
    const offline = await page(invoice, '--offline');
    expect(offline.code).toBe(0);
    expect(offline.flat).toMatch(
      /safe \(the payment is booked; so says the database, and the mint was not asked\)/,
    );
    expect(await ground.mint.control.requests()).toEqual(before);
    await ground.mint.control.setFaults([
      always('melt_quote_state', { type: 'drop' }, 'before'),
      always('checkstate', { type: 'drop' }, 'before'),
    ]);
    const silent = await explain(invoice);
    expect([silent.code, silent.safety.verdict, silent.safety.mint]).toEqual([
      25,
      'safe',
      'silent',
    ]);
    expect(silent.next_command).toBe(`cashu-ops doctor --mint ${ground.mint.url}`);
  });

  it('sees all tokens of a payment that took very many', async () => {
    for (let more = 0; more < 60; more += 1) await ground.addCoins(8);
    await ground.db.collection(TOKENS).deleteOne({ total_amount: 1656 });
    const { invoice } = await ground.invoice({ amount_sat: 430 });
    expect((await pay(invoice, WITHOUT_SWAP)).code).toBe(0);
    expect((await explain(invoice)).safety.verdict).toBe('safe');
  });

  it('says that nothing is known of coins while the mint is down', async () => {
    const [token] = await ground.tokens();
    await ground.mint.control.setFaults([always('checkstate', { type: 'status', status: 500 })]);
    const told = await explain(token?.transaction_id ?? '');
    expect([told.code, told.safety.mint]).toEqual([25, 'silent']);
  });

  it('tells what the log knows of a payment that is not in the database any more', async () => {
    const { invoice } = await ground.invoice({ amount_sat: 500 });
    await pay(invoice);
    const operation = await lastOperation();
    await operations().deleteOne({ _id: operation._id });
    const { code, safety, payment, timeline } = await explain(operation._id);
    expect([code, safety.verdict, payment]).toEqual([23, 'at_risk', null]);
    expect(safety.sat).toBeGreaterThan(0);
    expect(timeline.length).toBeGreaterThan(2);
    expect((await page(operation._id)).flat).toMatch(/not in the database/);
    expect((await explain(operation.transaction_id)).safety.verdict).toBe('at_risk');
  });

  it('explains coins of a deposit, which no payment has', async () => {
    const [token] = await ground.tokens();
    const y = token?.proofs[0]?.Y ?? '';
    const told = await explain(y);
    expect([told.code, told.about, told.safety.verdict]).toEqual([0, 'coins', 'safe']);
    expect(told.mint).toEqual({ answer: 'answered', quote: null, coins: { UNSPENT: 6 } });
    const amount = token?.proofs[0]?.amount;
    expect(told.coin).toEqual({ y, amount, mint: 'UNSPENT' });
    const by = await page(token?.transaction_id ?? '');
    expect([by.code, by.flat]).toEqual([0, expect.stringMatching(/1,656/)]);
  });

  it('draws many looks together in one line', async () => {
    const { invoice, payment_hash } = await ground.invoice({ amount_sat: 500 });
    await ground.mint.control.setPaymentBehaviour(payment_hash, { outcome: 'hang' });
    await pay(invoice);
    const { _id } = await lastOperation();
    for (let look = 0; look < 4; look += 1) await ground.ops.melt.resume(_id);
    const { timeline } = await explain(_id);
    const looks = await ground.db
      .collection(AUDIT_LOG)
      .countDocuments({ operation_id: _id, type: 'melt_observed' });
    const told = timeline.filter(({ type }: { type: string }) => type === 'melt_observed');
    expect(told.length).toBeLessThanOrEqual(looks);
    const times = told.reduce((sum: number, one: { times: number }) => sum + one.times, 0);
    expect(times).toBe(looks);
  });

  it.each([
    [
      'nothing of that name',
      'deadbeefdeadbeef',
      'OPERATION_NOT_FOUND',
      /Understood is an operation id/,
    ],
    [
      'a coin nobody has',
      `02${'ab'.repeat(32)}`,
      'OPERATION_NOT_FOUND',
      /Coins of older tokens have no name/,
    ],
    [
      'a token',
      'cashuBo2FteCJodHRwczovL21pbnQ',
      'INVALID_ARGUMENT',
      /This is a token, that is money/,
    ],
    ['nothing', ' ', 'INVALID_ARGUMENT', /8 characters or more/],
    ['a broken invoice', `lnbcrt1${'q'.repeat(60)}`, 'INVALID_INVOICE', /invoice/],
  ])('refuses %s', async (_, id, errorCode, sentence) => {
    const before = await ground.standing();
    const { code, stdout, stderr } = await ground.run(['audit', 'explain', id]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(`[${errorCode}]`);
    expect(stderr.replaceAll(/\s+/g, ' ')).toMatch(sentence);
    expect(await ground.standing()).toEqual(before);
  });

  it('lists the candidates of an ambiguous beginning', async () => {
    for (const amount of [10, 20])
      await pay((await ground.invoice({ amount_sat: amount })).invoice);
    const { code, stderr } = await ground.run(['audit', 'explain', 'melt_179']);
    expect(code).toBe(2);
    for (const { _id } of await operations().find().toArray()) expect(stderr).toContain(_id);
  });
});
