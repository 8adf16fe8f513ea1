import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Invoice } from '../../src/domain/invoice.ts';
import { MELT_OPERATIONS, WALLETS } from '../../src/store/collections.ts';
import { type Backup, backUp, restore } from '../support/backup.ts';
import { fault } from '../support/defects.ts';
import { expectSettledBooks } from '../support/melt_books.ts';
import { carelessGround, operationsOf } from '../support/melt_cli.ts';
import { codeOf, judge, type MeltGround, soundVerdict } from '../support/melt_ground.ts';
import { until } from './kill_points.ts';

/*
 * What an attack on the rescue journal found. The mint pays an invoice as often as it is asked to,
 * so that nothing but the journal stands between a restored database and a second payment.
 */

const EVERYTHING = { npubs: 'all' as const, mint_url: null };
const GO = new AbortController().signal;
const MANY_COINS = [1024, 1024, 2048];

function resumeAll({ ops }: MeltGround, scope = EVERYTHING) {
  return ops.melt.resumeAll(scope, { interrupted: GO, onProgress: () => {} });
}

/** Asks for a payment again and again, as a person would whose coins are being corrected. */
async function payAgain(ground: MeltGround, invoice: Invoice): Promise<string[]> {
  const operations = ground.ops.store.db.collection(MELT_OPERATIONS);
  // Past the time in which the same request counts as the earlier one.
  await operations.updateMany({}, { $set: { created_at: new Date(Date.now() - 600_000) } });
  const said: string[] = [];
  for (let attempt = 0; attempt < 4; attempt += 1) {
    const request = await ground.request(1, { invoice });
    said.push(await codeOf(ground.melt(request)));
  }
  return said;
}

async function planned(ground: MeltGround, amountSat: number) {
  const request = await ground.request(amountSat);
  const plan = await ground.ops.melt.plan(request);
  if ('status' in plan) throw new Error('there is no plan');
  return { request, plan, hash: request.invoice.payment_hash };
}

/** The only file that was put aside. */
async function putAside({ journalDir }: MeltGround): Promise<string> {
  const [day = ''] = await readdir(join(journalDir, 'ended'));
  const [file = ''] = await readdir(join(journalDir, 'ended', day));
  return join(journalDir, 'ended', day, file);
}

async function expectSound(ground: MeltGround): Promise<void> {
  const verdict = await judge(ground);
  expect(verdict).toEqual(soundVerdict(verdict));
}

describe('the journal', { timeout: 180_000 }, () => {
  it('keeps what a live payment wrote, although somebody else has ended it', async () => {
    const ground = await carelessGround({ coins: MANY_COINS });
    const backup = await backUp(ground);
    const { plan, request, hash } = await planned(ground, 700);
    const { control } = ground.mint;
    await control.setFaults([fault('melt', 'after', { type: 'delay', ms: 4_000 })]);
    const paying = ground.ops.melt.pay(plan, GO);
    await until(async () => (await control.paymentCount(hash)) === 1);
    expect((await resumeAll(ground)).outcomes.map(({ status }) => status)).toEqual(['paid']);
    expect((await paying).status).toBe('paid');
    await restore(ground, backup);
    expect((await resumeAll(ground)).brought_back).toBe(1);
    await payAgain(ground, request.invoice);
    await expectSettledBooks(ground, [hash]);
  });

  it('keeps the outputs of an exchange that somebody else has booked', async () => {
    const ground = await carelessGround({ coins: [4096], ops: { swap: 'always' } });
    const backup = await backUp(ground);
    const { plan } = await planned(ground, 700);
    await ground.mint.control.setFaults([fault('swap', 'after', { type: 'delay', ms: 4_000 })]);
    const paying = codeOf(ground.ops.melt.pay(plan, GO));
    await until(async () => (await ground.mint.control.ledger()).redeemed_sat > 0);
    const [{ _id = '' } = {}] = await operationsOf(ground);
    await ground.ops.melt.resume(_id);
    await paying;
    await restore(ground, backup);
    await resumeAll(ground);
    await expectSound(ground);
    await expectSettledBooks(ground, []);
  });

  it('that is shared by two databases guards both', async () => {
    const ground = await carelessGround({ coins: MANY_COINS });
    const other = await carelessGround({ ops: { journal_dir: ground.journalDir } });
    const backup = await backUp(ground);
    const { plan, request, hash } = await planned(ground, 700);
    await ground.ops.melt.pay(plan, GO);
    await other.melt(await other.request(100));
    await restore(ground, backup);
    expect(await payAgain(ground, request.invoice)).toEqual(Array(4).fill('DATABASE_RESTORED'));
    expect(await ground.mint.control.paymentCount(hash)).toBe(1);
    expect((await resumeAll(other)).brought_back).toBe(0);
  });

  it('takes a copy of a file for no operation', async () => {
    const ground = await carelessGround();
    await ground.melt(await ground.request(700));
    const path = await putAside(ground);
    await copyFile(path, path.replace('.jsonl', '-copy.jsonl'));
    expect(await ground.ops.melt.lostOperations(EVERYTHING)).toMatchObject({
      operations: [],
      errors: [],
    });
    expect((await resumeAll(ground)).brought_back).toBe(0);
  });

  it('whose line about the request is damaged still knows by its reply that it had left', async () => {
    const ground = await carelessGround();
    const backup = await backUp(ground);
    const { plan, hash } = await planned(ground, 700);
    await ground.ops.melt.pay(plan, GO);
    await restore(ground, backup);
    const path = await putAside(ground);
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('"kind":"sent"', '"kind":"sEnt"'));
    expect((await resumeAll(ground)).brought_back).toBe(1);
    await expectSettledBooks(ground, [hash]);
  });

  it('whose only trace of the request is damaged is named, and stays', async () => {
    const ground = await carelessGround();
    const backup = await backUp(ground);
    const { plan } = await planned(ground, 700);
    await ground.ops.melt.pay(plan, GO);
    await restore(ground, backup);
    const path = await putAside(ground);
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('"kind":"intent"', '"kind":"inTent"'));
    const { brought_back, errors } = await resumeAll(ground);
    expect([brought_back, errors.length]).toEqual([0, 1]);
    expect(errors[0]?.error).toMatchObject({ code: 'JOURNAL_UNREADABLE' });
    expect(await readFile(path, 'utf8')).toContain('inTent');
  });
});

describe('an operation that is brought back', { timeout: 180_000 }, () => {
  it('brings all others with it, or their invoices could be paid again', async () => {
    const ground = await carelessGround({ coins: MANY_COINS });
    const backup = await backUp(ground);
    const { plan, request, hash } = await planned(ground, 700);
    await ground.ops.melt.pay(plan, GO);
    const second = await ground.melt(await ground.request(100));
    await restore(ground, backup);
    expect((await ground.ops.melt.resume(second.operation._id)).status).toBe('paid');
    await payAgain(ground, request.invoice);
    expect(await ground.mint.control.paymentCount(hash)).toBe(1);
    await resumeAll(ground);
    await expectSettledBooks(ground, [hash, second.operation.payment_hash]);
  });

  it('is looked at until the mint has answered: an exchange and a payment', async () => {
    const ground = await carelessGround({ coins: [4096, 4096], ops: { swap: 'always' } });
    const backup = await backUp(ground);
    const { plan, request, hash } = await planned(ground, 700);
    await ground.ops.melt.pay(plan, GO);
    await restore(ground, backup);
    const down = fault('restore', 'before', { type: 'status', status: 503 }, 0);
    await ground.mint.control.setFaults([down]);
    expect((await resumeAll(ground)).outcomes.map(({ status }) => status)).toEqual(['pending']);
    await payAgain(ground, request.invoice);
    expect(await ground.mint.control.paymentCount(hash)).toBe(1);
    await ground.mint.control.clearFaults();
    expect((await resumeAll(ground)).outcomes.map(({ status }) => status)).toEqual(['paid']);
    await payAgain(ground, request.invoice);
    await expectSettledBooks(ground, [hash]);
  });

  it('is looked at until the mint has answered: a payment whose reply was lost', async () => {
    const ground = await carelessGround();
    const backup = await backUp(ground);
    const { plan, hash } = await planned(ground, 700);
    await ground.ops.melt.pay(plan, GO);
    await restore(ground, backup);
    const path = await putAside(ground);
    const lines = (await readFile(path, 'utf8')).split('\n');
    await writeFile(path, lines.filter((line) => !line.includes('"kind":"reply"')).join('\n'));
    const down = fault('melt_quote_state', 'before', { type: 'status', status: 503 }, 0);
    await ground.mint.control.setFaults([down]);
    expect((await resumeAll(ground)).outcomes.map(({ status }) => status)).toEqual(['pending']);
    expect((await resumeAll(ground)).outcomes.map(({ status }) => status)).toEqual(['pending']);
    await ground.mint.control.clearFaults();
    expect((await resumeAll(ground)).outcomes.map(({ status }) => status)).toEqual(['paid']);
    await expectSettledBooks(ground, [hash]);
    expect((await resumeAll(ground)).outcomes).toEqual([]);
  });

  it('and one that stayed open are ended in the order of their payments', async () => {
    const ground = await carelessGround({ coins: [4096] });
    const backups: Backup[] = [];
    const { melts } = ground.ops;
    const settle = melts.settle.bind(melts);
    Object.assign(melts, {
      settle: async (...args: Parameters<typeof settle>) => {
        if (backups.length === 0) backups.push(await backUp(ground));
        return settle(...args);
      },
    });
    const first = await ground.melt(await ground.request(700));
    const second = await ground.melt(await ground.request(100));
    const [backup] = backups;
    if (backup === undefined) throw new Error('there is no backup');
    await restore(ground, backup);
    expect((await resumeAll(ground)).outcomes.map(({ status }) => status)).toEqual([
      'paid',
      'paid',
    ]);
    const hashes = [first, second].map(({ operation }) => operation.payment_hash);
    await expectSettledBooks(ground, hashes);
  });

  it('is named where its wallet is missing, and nothing is paid before it is back', async () => {
    const ground = await carelessGround();
    const backup = await backUp(ground);
    const { plan, request, hash } = await planned(ground, 700);
    const { operation } = await ground.ops.melt.pay(plan, GO);
    await restore(ground, backup);
    const wallets = ground.ops.store.db.collection(WALLETS);
    const [wallet] = await wallets.find().toArray();
    if (wallet === undefined) throw new Error('there is no wallet');
    await wallets.deleteMany({});
    const { _id: _, ...anew } = wallet;
    await wallets.insertOne({ ...anew });
    const { brought_back, errors } = await resumeAll(ground);
    expect(brought_back).toBe(0);
    expect(errors).toMatchObject([
      { operation_id: operation._id, error: { code: 'WALLET_NOT_FOUND' } },
    ]);
    expect(await payAgain(ground, request.invoice)).toEqual(Array(4).fill('DATABASE_RESTORED'));
    await wallets.deleteMany({});
    await wallets.insertOne(wallet);
    expect((await resumeAll(ground)).brought_back).toBe(1);
    await expectSettledBooks(ground, [hash]);
  });
});

describe('a stop', { timeout: 180_000 }, () => {
  it('that is set while the coins are checked still holds', async () => {
    const ground = await carelessGround();
    const { plan, hash } = await planned(ground, 700);
    await ground.mint.control.setFaults([
      fault('checkstate', 'before', { type: 'delay', ms: 3_000 }),
    ]);
    const paying = codeOf(ground.ops.melt.pay(plan, GO));
    await sleep(1_000);
    await ground.ops.policy.set({ melts: 'off', reason: 'the mint loses payments' });
    expect(await paying).toBe('MELTS_STOPPED');
    expect(await ground.mint.control.paymentCount(hash)).toBe(0);
    await expectSettledBooks(ground, []);
  });
});

describe('keys that were written down wrong', { timeout: 180_000 }, () => {
  it('spoil no change: those of the mint do it', async () => {
    const ground = await carelessGround();
    await ground.mint.control.setFaults([
      fault('melt', 'after', { type: 'drop' }, 0),
      fault('melt_quote_state', 'before', { type: 'status', status: 503 }, 0),
    ]);
    const { operation } = await ground.melt(await ground.request(700));
    await ground.mint.control.clearFaults();
    const [{ keysets = [] } = {}] = await operationsOf(ground);
    const wrong = keysets.map(({ id, keys }) => {
      const values = Object.values(keys);
      const turned = Object.keys(keys).map((name, at) => [name, values[(at + 1) % values.length]]);
      return { id, keys: Object.fromEntries(turned) };
    });
    await ground.ops.store.db
      .collection<{ _id: string }>(MELT_OPERATIONS)
      .updateOne({ _id: operation._id }, { $set: { keysets: wrong } });
    expect((await ground.ops.melt.resume(operation._id)).status).toBe('paid');
    await expectSettledBooks(ground, [operation.payment_hash]);
  });
});
