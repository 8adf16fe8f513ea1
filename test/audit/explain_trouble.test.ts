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

/** Money that is not where it should be: no page calls it safe. */
describe('audit explain of what is wrong', () => {
  let ground: ExplainGround['ground'];
  let operations: ExplainGround['operations'];
  let lastOperation: ExplainGround['lastOperation'];
  let explain: ExplainGround['explain'];
  let page: ExplainGround['page'];
  let pay: ExplainGround['pay'];
  beforeEach(async () => {
    ({ ground, operations, lastOperation, explain, page, pay } = await explainGround());
  });

  it('finds change that is in no token, and coins that are counted although they are spent', async () => {
    const { invoice } = await ground.invoice({ amount_sat: 500 });
    await pay(invoice);
    const operation = await lastOperation();
    const change = { transaction_id: `${operation.transaction_id}_melt_change` };
    const kept = await ground.db.collection(TOKENS).findOne(change);
    await ground.db.collection(TOKENS).deleteOne(change);
    const missing = await explain(invoice);
    expect([missing.code, missing.safety.verdict, missing.safety.sat]).toEqual([
      23,
      'at_risk',
      kept?.total_amount,
    ]);
    expect(missing.sum.difference).toBe(kept?.total_amount);
    await ground.db.collection(TOKENS).insertOne(kept as never);
    await ground.db
      .collection(TOKENS)
      .updateMany({ status: 'spent' }, { $set: { status: 'unspent', spent_at: null } });
    const counted = await explain(invoice);
    expect([counted.code, counted.safety.verdict]).toEqual([23, 'at_risk']);
    expect(counted.safety.because).toMatch(/the balance still counts coins of it/);
  });

  it.each(['_keep', '_melt_change'])('finds that %s is gone, or failed', async (suffix) => {
    await ground.addCoins(4, 2);
    const { invoice } = await ground.invoice({ amount_sat: 900 });
    await pay(invoice, WITHOUT_SWAP);
    const operation = await lastOperation();
    const named = { transaction_id: `${operation.transaction_id}${suffix}` };
    const token = await ground.db.collection(TOKENS).findOne(named);
    expect(token?.total_amount).toBeGreaterThan(0);
    expect((await explain(invoice)).safety.verdict).toBe('safe');
    await ground.db.collection(TOKENS).deleteOne(named);
    const told = await explain(invoice);
    expect([told.code, told.safety.verdict, told.safety.sat]).toEqual([
      23,
      'at_risk',
      token?.total_amount,
    ]);
  });

  it('finds that change was spent by somebody else', async () => {
    const { invoice } = await ground.invoice({ amount_sat: 500 });
    await pay(invoice);
    const operation = await lastOperation();
    const change = { transaction_id: `${operation.transaction_id}_melt_change` };
    const token = await ground.db.collection(TOKENS).findOne(change);
    const ys = token?.proofs.map(({ Y }: { Y: string }) => Y);
    await ground.mint.control.setState(ys, 'SPENT');
    const told = await explain(invoice);
    expect([told.code, told.safety.verdict, told.safety.sat]).toEqual([
      23,
      'at_risk',
      token?.total_amount,
    ]);
  });

  it('finds coins of a failed payment that are gone, or stand as spent', async () => {
    const { invoice, payment_hash } = await ground.invoice({ amount_sat: 500 });
    await ground.mint.control.setPaymentBehaviour(payment_hash, { outcome: 'fail' });
    await pay(invoice);
    const sat = inputsOf(await lastOperation());
    const spent = { $set: { status: 'spent', spent_at: new Date() } };
    await ground.db.collection(TOKENS).updateMany({}, spent);
    const marked = await explain(invoice);
    expect([marked.code, marked.safety.verdict, marked.safety.sat]).toEqual([23, 'at_risk', sat]);
    await ground.db.collection(TOKENS).deleteMany({});
    const gone = await explain(invoice);
    expect([gone.code, gone.safety.verdict, gone.safety.sat]).toEqual([23, 'at_risk', sat]);
  });

  it('does not call a payment safe that never left, when its coins are spent at the mint', async () => {
    const { invoice, payment_hash } = await ground.invoice({ amount_sat: 500 });
    await ground.mint.control.setPaymentBehaviour(payment_hash, { outcome: 'fail' });
    await pay(invoice);
    const operation = await lastOperation();
    const neverLeft = { $set: { 'refusal.kind': 'never_left' } };
    await operations().updateOne({ _id: operation._id }, neverLeft);
    expect((await explain(invoice)).safety.verdict).toBe('safe');
    const ys = operation.inputs.map(({ Y }) => Y);
    await ground.mint.control.setState(ys, 'SPENT');
    const told = await explain(invoice);
    expect([told.code, told.safety.verdict, told.safety.sat]).toEqual([
      23,
      'at_risk',
      inputsOf(operation),
    ]);
  });

  it('of a coin that is held for a payment that is gone says so, by each of its names', async () => {
    const { invoice, payment_hash } = await ground.invoice({ amount_sat: 20 });
    await ground.mint.control.setPaymentBehaviour(payment_hash, { outcome: 'hang' });
    await pay(invoice, WITHOUT_SWAP);
    const { _id, transaction_id, inputs } = await lastOperation();
    const y = inputs[0]?.Y ?? '';
    await operations().deleteOne({ _id });
    for (const name of [_id, _id.slice(0, 12), y, y.slice(0, 12), `${y.slice(0, 10)}…`]) {
      const told = await explain(name);
      expect([name, told.code, told.safety.verdict]).toEqual([name, 23, 'at_risk']);
    }
    expect((await explain(transaction_id)).runbook).toBe('docs/runbooks/database-restored.md');
    await ground.db.collection(AUDIT_LOG).deleteMany({ operation_id: _id });
    const silent = await explain(y);
    expect([silent.code, silent.safety.because]).toEqual([
      23,
      'they are held for a payment that is not in the database',
    ]);
  });

  it('leaves coins to the payment that holds them now', async () => {
    const first = await ground.invoice({ amount_sat: 1000 });
    await pay(first.invoice, WITHOUT_SWAP);
    const { _id, transaction_id } = await lastOperation();
    await ground.mint.control.setFaults([always('melt', { type: 'drop' }, 'before')]);
    const second = await ground.invoice({ amount_sat: 630 });
    expect((await pay(second.invoice, WITHOUT_SWAP)).code).toBe(22);
    const change = { transaction_id: `${transaction_id}_melt_change` };
    const { _id: holder } = await lastOperation();
    expect((await ground.db.collection(TOKENS).findOne(change))?.reserved_by).toBe(holder);
    expect((await explain(_id)).safety).toMatchObject({ verdict: 'safe' });
    expect((await explain(second.invoice)).safety).toMatchObject({ verdict: 'locked' });
  });

  it('judges every try of an invoice, also the oldest of many', async () => {
    const { control } = ground.mint;
    const { invoice, payment_hash } = await ground.invoice({ amount_sat: 50 });
    const other = await createPracticeWallet(ground.ops.wallets, ground.mint.url);
    await deposit(ground.ops.wallets, other, [128]);
    await control.setPaymentBehaviour(payment_hash, { outcome: 'fail' });
    const env = WITHOUT_SWAP;
    await ground.run(['melt', invoice, '--npub', other.npub, '--yes'], { env });
    const first = await lastOperation();
    for (let tries = 0; tries < 12; tries += 1) {
      const startDate = { startDate: '$created_at', unit: 'day', amount: 2 };
      await operations().updateMany({}, [{ $set: { created_at: { $dateSubtract: startDate } } }]);
      await pay(invoice, WITHOUT_SWAP);
    }
    await control.setPaymentBehaviour(payment_hash, { outcome: 'succeed' });
    await sendLate(ground.mint.url, first as never);
    const told = await explain(invoice);
    expect([told.code, told.safety.verdict, told.payment.operation_id]).toEqual([
      23,
      'at_risk',
      first._id,
    ]);
    const { flat } = await page(invoice);
    expect(flat).toMatch(/… and 2 more; --json has all/);
  });

  it('finds that coins are gone of what an exchange brought back', async () => {
    const { invoice } = await ground.invoice({ amount_sat: 300 });
    await pay(invoice, { CASHU_OPS_SWAP: 'always' });
    const { transaction_id } = await lastOperation();
    const kept = { transaction_id: `${transaction_id}_swap_keep` };
    const token = await ground.db.collection(TOKENS).findOne(kept);
    expect((await explain(invoice)).safety.verdict).toBe('safe');
    const [coin, ...gone] = token?.proofs ?? [];
    const bypass = { bypassDocumentValidation: true };
    await ground.db.collection(TOKENS).updateOne(kept, { $set: { proofs: [coin] } }, bypass);
    const told = await explain(invoice);
    const sat = gone.reduce((sum: number, { amount }: { amount: number }) => sum + amount, 0);
    expect(sat).toBeGreaterThan(0);
    expect([told.code, told.safety.verdict, told.safety.sat]).toEqual([23, 'at_risk', sat]);
  });

  it('does not call a payment safe that nobody has proven', async () => {
    const { invoice, payment_hash } = await ground.invoice({ amount_sat: 500 });
    const unproven = { outcome: 'succeed', preimage: 'wrong' } as const;
    await ground.mint.control.setPaymentBehaviour(payment_hash, unproven);
    expect((await pay(invoice)).code).toBe(0);
    const told = await explain(invoice);
    expect([told.code, told.safety.verdict, told.safety.sat]).toEqual([23, 'at_risk', 500]);
    expect([told.payment.proven, told.runbook]).toEqual([
      false,
      'docs/runbooks/paid-without-proof.md',
    ]);
    const { flat } = await page(invoice);
    expect(flat).toMatch(/what the mint shows as its proof is none: ask the payee/);
    expect(flat).toMatch(/proof none: the mint has shown no preimage that fits this invoice/);
  });
});
