import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createPracticeWallet, deposit } from '../../src/practice/practice_ground.ts';
import { type CliGround, cliGround, expectNoLeaks } from '../support/cli_ground.ts';
import { expectRefusal, onlyDocument } from '../support/cli_refusal.ts';
import { hugeInvoice } from '../support/odd_invoices.ts';

/** Invoices and amounts that cannot or must not be paid. */
describe('payments that are refused', () => {
  let ground: CliGround;
  const melt = (invoice: string, ...more: string[]) => [
    'melt',
    invoice,
    ...ground.owner,
    '--yes',
    ...more,
  ];
  beforeAll(async () => {
    ground = await cliGround();
  });

  it('an owner without a wallet here', async () => {
    const { invoice } = await ground.invoice({ amount_sat: 10 });
    const nobody = 'npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg';
    await expectRefusal(ground, {
      args: ['melt', invoice, '--npub', nobody, '--yes'],
      code: 'WALLET_NOT_FOUND',
      exit: 21,
      says: /has no wallet at http/,
      next: new RegExp(`^cashu-ops balance --npub ${nobody}$`),
    });
  });

  it('an invoice of another network', async () => {
    const { invoice } = await ground.invoice({ amount_sat: 10, network: 'mainnet' });
    await expectRefusal(ground, {
      args: melt(invoice),
      code: 'INVOICE_WRONG_NETWORK',
      exit: 21,
      says: [/for mainnet/, /pays on regtest/],
    });
  });

  it('an expired invoice', async () => {
    const timestamp = Math.floor(Date.now() / 1000) - 7200;
    const { invoice } = await ground.invoice({ amount_sat: 10, timestamp, expiry_s: 60 });
    await expectRefusal(ground, {
      args: melt(invoice),
      code: 'INVOICE_EXPIRED',
      exit: 21,
      says: [/expired at 20\d\d-/, /new one/],
    });
  });

  it('an invoice without an amount', async () => {
    const { invoice } = await ground.invoice({});
    await expectRefusal(ground, {
      args: melt(invoice),
      code: 'INVOICE_WITHOUT_AMOUNT',
      exit: 21,
      says: /names no amount/,
    });
  });

  it('an invoice over more than can be counted exactly (2^53-1 sat)', async () => {
    await expectRefusal(ground, {
      args: melt(hugeInvoice(90_071_993n)),
      code: 'AMOUNT_TOO_LARGE',
      exit: 21,
      says: /more than all bitcoin/,
    });
  });

  it.each([
    ['lnurl1dp68gurn8ghj7ampd3kx2ar0veekzar0wd5xjtnrdakj7', /LNURL/],
    ['lno1qcp4256ypq', /BOLT12/],
    ['somebody@example.com', /Lightning address/],
    ['', /text is empty/],
  ])('no invoice at all: "%s"', async (text, says) => {
    await expectRefusal(ground, { args: melt(text), code: 'INVALID_INVOICE', exit: 2, says });
  });

  it('more than the wallet holds: what is missing, and the fees by name', async () => {
    const { invoice } = await ground.invoice({ amount_sat: 5000 });
    const { error } = await expectRefusal(ground, {
      args: melt(invoice),
      code: 'INSUFFICIENT_FUNDS',
      exit: 21,
      says: [
        /sat are missing/,
        /5,000 amount/,
        /50 fee reserve/,
        /input fee/,
        /4,095 sat are spendable/,
      ],
      next: new RegExp(`^cashu-ops balance --npub ${ground.npub}$`),
    });
    const { missing, spendable, amount, fee_reserve, input_fee } = error.facts;
    expect(missing).toBe(amount + fee_reserve + input_fee - spendable);
  });

  it('a fee reserve above --max-fee', async () => {
    const { invoice } = await ground.invoice({ amount_sat: 1000 });
    await expectRefusal(ground, {
      args: melt(invoice, '--max-fee', '9'),
      code: 'FEE_ABOVE_CEILING',
      exit: 21,
      says: [/10 sat/, /ceiling of 9 sat/, /raise --max-fee/],
    });
    await expectRefusal(ground, {
      args: melt(invoice),
      env: { CASHU_OPS_MAX_FEE: '9' },
      code: 'FEE_ABOVE_CEILING',
      exit: 21,
      says: /ceiling of 9 sat/,
    });
  });

  it('coins of a keyset that the mint does not know', async () => {
    const wallet = await createPracticeWallet(ground.ops.wallets, ground.mint.url);
    const token = await deposit(ground.ops.wallets, wallet, [64, 32]);
    await ground.db
      .collection('cashu_tokens')
      .updateOne({ _id: token._id }, { $set: { 'proofs.$[].id': '00ffffffffffffff' } });
    const { invoice } = await ground.invoice({ amount_sat: 20 });
    await expectRefusal(ground, {
      args: ['melt', invoice, '--npub', wallet.npub, '--yes'],
      code: 'UNKNOWN_KEYSET',
      exit: 21,
      says: [/96 sat of the wallet/, /does not know/],
    });
  });

  it('an invoice that somebody else has paid: the mint says so', async () => {
    const { invoice } = await ground.invoice({ amount_sat: 10 });
    const other = await createPracticeWallet(ground.ops.wallets, ground.mint.url);
    await deposit(ground.ops.wallets, other, [16, 8]);
    // On another machine: the journal of this one would say that the database was restored.
    const env = { CASHU_OPS_JOURNAL_DIR: join(ground.journalDir, 'elsewhere') };
    const args = ['melt', invoice, '--npub', other.npub, '--yes', '--json'];
    const paid = await ground.run(args, { env });
    expect(paid.code).toBe(0);
    // The other wallet is no longer known here: only the mint can tell.
    await ground.db.collection('melt_operations').deleteMany({ npub: other.npub });
    await expectRefusal(ground, {
      args: melt(invoice),
      code: 'INVOICE_ALREADY_PAID',
      exit: 21,
      says: [/already paid/, /nothing was paid now/],
    });
  });

  it('an invoice that we have paid: the earlier operation, and nothing paid', async () => {
    const { invoice, payment_hash } = await ground.invoice({ amount_sat: 30 });
    const first = await ground.run([...melt(invoice), '--json']);
    expect(first.code).toBe(0);
    const before = await ground.standing();
    const [machine, human] = await Promise.all([
      ground.run([...melt(invoice), '--json']),
      ground.run(melt(invoice)),
    ]);
    expect(await ground.standing()).toEqual(before);
    expect([machine.code, human.code]).toEqual([24, 24]);
    expect(onlyDocument(machine.stdout)).toMatchObject({
      schema: 'cashu-ops/melt@1',
      ok: false,
      status: 'conflict',
      state: 'paid',
      operation_id: first.json().operation_id,
    });
    expect(human.stdout).toMatch(
      /^status +conflict; what follows is the earlier operation \(paid\)$/m,
    );
    expect(human.stderr).toContain(`operation ${first.json().operation_id} has paid this invoice`);
    expect(await ground.mint.control.paymentCount(payment_hash)).toBe(1);
  });

  it('a payment that failed a moment ago: the earlier operation, and when it may be tried again', async () => {
    const { invoice, payment_hash } = await ground.invoice({ amount_sat: 31 });
    await ground.mint.control.setPaymentBehaviour(payment_hash, { outcome: 'fail' });
    const first = await ground.run([...melt(invoice), '--json']);
    expect([first.code, first.json().status]).toEqual([21, 'failed']);
    const before = await ground.standing();
    const again = await ground.run([...melt(invoice), '--json']);
    expect(await ground.standing()).toEqual(before);
    expect([again.code, again.json().status, again.json().state]).toEqual([
      24,
      'conflict',
      'failed',
    ]);
    const inMs = new Date(again.json().look_again_at).getTime() - Date.now();
    expect(inMs).toBeGreaterThan(200_000);
    expect(inMs).toBeLessThanOrEqual(300_000);
  });

  it('nobody learned a secret', () => expectNoLeaks(ground));
});
