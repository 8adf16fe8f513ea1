import { describe, expect, it } from 'vitest';
import { CashuOpsError } from '../../src/domain/errors.ts';
import { type PaidOperation, totalInputFee, totalKept } from '../../src/domain/melt_operation.ts';
import { sumProofs } from '../../src/domain/proof.ts';
import { depositCoins, openPracticeWallet } from '../../src/practice/mint/practice_wallet.ts';
import { reportDryRun } from '../../src/report/melt_report.ts';
import type { MeltOutcome, MeltPlan, MeltRequest } from '../../src/services/melt/types.ts';
import { journalFiles } from '../support/melt_cli.ts';
import { judge, type MeltGround, meltGround, soundVerdict } from '../support/melt_ground.ts';

/** What is shown before a person agrees, or to a dry run, is what the payment then costs. */

const GO = new AbortController().signal;

/** One sat for each coin, and Lightning takes its whole reserve: the most that a payment can cost. */
const DEAR = { inputFeePpk: 1000, settings: { lightning_fee_sat: 2 } };

async function planOf({ ops }: MeltGround, request: MeltRequest): Promise<MeltPlan> {
  const plan = await ops.melt.plan(request);
  if ('status' in plan) throw new Error(plan.message);
  return plan;
}

function paidOf({ status, operation }: MeltOutcome): PaidOperation {
  expect(status).toBe('paid');
  if (operation.state !== 'paid') throw new Error('it says paid');
  return operation;
}

const balanceOf = ({ ops, wallet }: MeltGround) =>
  ops.wallets.calculateBalance(wallet.npub, wallet.mint_url);

/** 64 sat in coins that only the wallet's key can spend. */
async function addLockedCoins({ wallet, ops }: MeltGround): Promise<void> {
  const { npub, _id: wallet_id, mint_url } = wallet;
  const purse = await openPracticeWallet(mint_url);
  const options = { pubkey: wallet.p2pk_pubkey };
  const coins = await depositCoins(purse, [64, 64, 64]);
  const { send } = await purse.send(64, coins, {}, { send: { type: 'p2pk', options } });
  await ops.wallets.storeTokens({
    npub,
    wallet_id,
    mint_url,
    proofs: send.map(({ id, amount, secret, C }) => ({ id, amount: Number(amount), secret, C })),
    status: 'unspent',
    transaction_type: 'received',
    transaction_id: 'locked-coins-1',
  });
}

describe('the figures of a plan', () => {
  it.each([
    ['an exchange before', 'always', [[4096]], 100],
    ['an exchange, and a coin beside that stays', 'always', [[4096, 8192]], 100],
    ['an exchange of several tokens', 'always', [[512, 16], [256], [128, 4096]], 800],
    ['no exchange', 'never', [[4096]], 100],
    ['no exchange, and coins beside that stay', 'never', [[64, 32, 16, 8, 4, 2, 1, 4096]], 50],
    ['an exchange that is wanted and cannot be paid for', 'always', [[64, 32, 8]], 98],
  ] as const)('are those of the payment: %s', async (_, swap, tokens, amount_sat) => {
    const ground = await meltGround({ coins: [], ops: { swap }, mint: DEAR });
    for (const coins of tokens) await ground.addCoins(...coins);
    const plan = await planOf(ground, await ground.request(amount_sat));
    const report = reportDryRun(plan);
    const before = await balanceOf(ground);
    const operation = paidOf(await ground.ops.melt.pay(plan, GO));
    expect(report.input_fee).toBe(totalInputFee(operation));
    expect(report.keep_amount).toBe(totalKept(operation));
    const atMost = plan.quote.amount + plan.quote.fee_reserve + plan.input_fee;
    const room = plan.quote.fee_reserve - operation.lightning_fee;
    expect(before - (await balanceOf(ground))).toBe(atMost - room);
    const verdict = await judge(ground);
    expect(verdict).toEqual(soundVerdict(verdict));
  });

  it('one coin of 4,096 sat: the exchange costs 1 sat, and its coins 4 sat', async () => {
    const ground = await meltGround({ coins: [4096], ops: { swap: 'always' }, mint: DEAR });
    const plan = await planOf(ground, await ground.request(100));
    expect(reportDryRun(plan)).toMatchObject({ input_fee: 5, keep_amount: 3989 });
    await ground.ops.melt.pay(plan, GO);
    expect(await balanceOf(ground)).toBe(4096 - 107);
  });

  it('hold for locked coins, whose exchange needs the key of the wallet', async () => {
    const ground = await meltGround({ coins: [], ops: { swap: 'always' } });
    await addLockedCoins(ground);
    const plan = await planOf(ground, await ground.request(10));
    expect(plan.swap?.inputs.every(({ witness }) => witness !== undefined)).toBe(true);
    const operation = paidOf(await ground.ops.melt.pay(plan, GO));
    expect([plan.input_fee, plan.keep_amount]).toEqual([
      totalInputFee(operation),
      totalKept(operation),
    ]);
  });

  it('name a payment that cannot be: a mint that would keep what is too much', async () => {
    const ground = await meltGround({ coins: [4096], ops: { swap: 'never' } });
    await ground.mint.control.setInfo({ nuts: { '8': null } });
    const planning = ground.ops.melt.plan(await ground.request(100));
    await expect(planning).rejects.toMatchObject({ code: 'MINT_CANNOT_MELT' });
  });
});

describe('the exchange of a plan', () => {
  const outputsOf = ({ swap }: Pick<MeltPlan, 'swap'>) =>
    swap?.send_outputs.map(({ blindedMessage }) => blindedMessage.B_) ?? [];

  it('is the one that is carried out', async () => {
    const ground = await meltGround({ coins: [4096], ops: { swap: 'always' } });
    const plan = await planOf(ground, await ground.request(100));
    const operation = paidOf(await ground.ops.melt.pay(plan, GO));
    expect(outputsOf(operation)).toEqual(outputsOf(plan));
    expect(outputsOf(plan).length).toBeGreaterThan(0);
  });

  it('never gives its outputs to two operations', async () => {
    const ground = await meltGround({
      coins: [4096],
      ops: { swap: 'always', quiet_period_ms: 1 },
    });
    const plan = await planOf(ground, await ground.request(100));
    await ground.mint.control.setFaults([
      { endpoint: 'swap', phase: 'before', action: { type: 'drop' } },
    ]);
    const first = await ground.ops.melt.pay(plan, GO);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await ground.ops.melt.resume(first.operation._id)).status).toBe('failed');
    // Past the five minutes in which the same request is a duplicate anyway.
    await ground.ops.store.db
      .collection<{ _id: string }>('melt_operations')
      .updateOne({ _id: first.operation._id }, { $set: { created_at: new Date(0) } });
    const second = paidOf(await ground.ops.melt.pay(plan, GO));
    const [sent, again] = [outputsOf(first.operation), outputsOf(second)];
    expect(again.length).toBeGreaterThan(0);
    expect(again.filter((output) => sent.includes(output))).toEqual([]);
  });
});

describe('coins that are taken after a person agreed', () => {
  /** One coin that pays by itself, and small ones that cost 1 sat each. */
  async function agreed() {
    const ground = await meltGround({ coins: [128], mint: DEAR });
    const request = await ground.request(100);
    const plan = await planOf(ground, request);
    expect(plan.choice.inputs.map(({ amount }) => amount)).toEqual([128]);
    // Later: the library's choice among these is left to chance.
    await ground.addCoins(...Array.from({ length: 20 }, () => 8));
    await ground.mint.control.setState([plan.choice.inputs[0]?.Y ?? ''], 'PENDING');
    return {
      ground,
      plan,
      payments: () => ground.mint.control.paymentCount(request.invoice.payment_hash),
    };
  }

  it('are not replaced by dearer ones', async () => {
    const { ground, plan, payments } = await agreed();
    const error = await ground.ops.melt.pay(plan, GO, plan.input_fee).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(CashuOpsError);
    expect(error).toMatchObject({
      code: 'TOKENS_NOT_AVAILABLE',
      details: { facts: { input_fee: 15, input_fee_max: 1 } },
    });
    expect(error.message).toMatch(
      /cost 15 sat of input fees, more than the 1 sat .*Nothing was paid/,
    );
    expect(await payments()).toBe(0);
    expect((await ground.tokens()).map(({ status }) => status)).toEqual(['unspent', 'unspent']);
    expect(await journalFiles(ground)).toEqual([]);
  });

  it('are replaced by others at the same cost', async () => {
    const { ground, plan, payments } = await agreed();
    await ground.addCoins(128);
    // Whatever the library finds first among all of them.
    paidOf(await ground.ops.melt.pay(plan, GO, plan.input_fee));
    expect(await payments()).toBe(1);
  });

  it('are replaced by any without a ceiling', async () => {
    const { ground, plan, payments } = await agreed();
    expect(totalInputFee(paidOf(await ground.ops.melt.pay(plan, GO)))).toBe(15);
    expect(await payments()).toBe(1);
  });
});

describe('a rehearsal, while the mint holds coins for another payment', () => {
  const hold = async ({ mint, tokens }: MeltGround, amount_sat: number) => {
    const coins = (await tokens()).flatMap(({ proofs }) => proofs);
    const held = coins.filter(({ amount }) => amount === amount_sat);
    await mint.control.setState(
      held.map(({ Y }) => Y ?? ''),
      'PENDING',
    );
  };
  const hashes = async ({ ops }: MeltGround) =>
    (await ops.store.db.command({ dbHash: 1 })).collections;

  it('says what is held when the rest is too little, as the payment does', async () => {
    const ground = await meltGround({ coins: [256, 32, 32] });
    await hold(ground, 256);
    const plan = await planOf(ground, await ground.request(100));
    const before = await hashes(ground);
    const facts = { missing: 39, spendable: 64, held_coins: 1, held_amount: 256 };
    const refused = {
      code: 'INSUFFICIENT_FUNDS',
      kind: 'refused',
      message: expect.stringMatching(
        /39 sat are missing.* holds or has taken 1 coin worth 256 sat\. Nothing was paid and nothing was changed; try again when/,
      ),
      details: {
        facts: expect.objectContaining(facts),
        next_command: `cashu-ops balance --npub ${ground.npub} --verify`,
      },
    };
    await expect(ground.ops.melt.rehearse(plan)).rejects.toMatchObject(refused);
    expect(await hashes(ground)).toEqual(before);
    await expect(ground.ops.melt.pay(plan, GO)).rejects.toMatchObject(refused);
  });

  it('finds other coins, and its figures are theirs', async () => {
    const ground = await meltGround({ coins: [128, 64, 32, 16], mint: DEAR });
    const plan = await planOf(ground, await ground.request(100));
    for (const { amount } of plan.choice.inputs) await hold(ground, amount);
    const before = await hashes(ground);
    const rehearsed = await ground.ops.melt.rehearse(plan);
    expect(await hashes(ground)).toEqual(before);
    expect([plan.input_fee, rehearsed.input_fee]).toEqual([3, 1]);
    const operation = paidOf(await ground.ops.melt.pay(plan, GO));
    const report = reportDryRun(rehearsed);
    expect([report.input_fee, report.keep_amount]).toEqual([
      totalInputFee(operation),
      totalKept(operation),
    ]);
    expect(sumProofs(operation.inputs)).toBe(128);
  });

  it('looks at the other coins too: all of them are held', async () => {
    const ground = await meltGround({ coins: [128, 64, 32, 16] });
    const plan = await planOf(ground, await ground.request(100));
    for (const amount of [128, 64, 32, 16]) await hold(ground, amount);
    await expect(ground.ops.melt.rehearse(plan)).rejects.toMatchObject({
      code: 'INSUFFICIENT_FUNDS',
      message: expect.stringMatching(/4 coins worth 240 sat/),
    });
  });

  it('says what it does not know: the mint is silent', async () => {
    const ground = await meltGround({ coins: [128] });
    const plan = await planOf(ground, await ground.request(100));
    await ground.mint.control.setFaults([
      {
        endpoint: 'checkstate',
        phase: 'before',
        times: 0,
        action: { type: 'status', status: 503 },
      },
    ]);
    await expect(ground.ops.melt.rehearse(plan)).rejects.toMatchObject({
      code: 'MINT_UNREACHABLE',
      message: expect.stringMatching(/the state of 1 coin .*Nothing was changed/),
    });
  });
});
