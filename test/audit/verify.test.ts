import { beforeEach, describe, expect, it } from 'vitest';
import { eventHash } from '../../src/domain/audit_chain.ts';
import { AUDIT_LOG, MELT_OPERATIONS, TOKENS, WALLETS } from '../../src/store/collections.ts';
import { type CliGround, cliGround } from '../support/cli_ground.ts';
import { onlyDocument } from '../support/cli_refusal.ts';

/** Events as somebody with access to the database changes them, past the tool. */
describe('audit verify', () => {
  let ground: CliGround;
  let chain: string;
  beforeEach(async () => {
    ground = await cliGround({ coins: [512, 256, 128, 64, 32, 16] });
    chain = `${ground.npub} ${ground.mint.url}`;
    for (const amount of [20, 30, 40]) await ground.melt(await ground.request(amount));
  });

  const log = () => ground.db.collection(AUDIT_LOG);
  const at = (seq: number) => ({ chain, seq });
  const verify = async (...more: string[]) => {
    const { code, stdout } = await ground.run(['audit', 'verify', '--json', ...more]);
    const document = onlyDocument(stdout);
    return { code, ...document };
  };
  const places = async () =>
    (await verify()).breaks.map(({ kind, seq }: { kind: string; seq: number }) => `${kind} ${seq}`);

  /** Written anew by somebody who knows how the hash is made. */
  async function rewrite(seq: number, change: object): Promise<void> {
    const event = await log().findOne(at(seq));
    if (event === null) throw new Error(`there is no event ${seq}`);
    const { _id, ...rest } = { ...event, ...change };
    const hash = eventHash({ ...rest, id: String(_id) });
    await log().updateOne({ _id }, { $set: { ...change, hash } });
  }

  it('holds where nobody touched anything', async () => {
    const { code, ok, events, chains, unchained, breaks, state_faults } = await verify();
    expect([code, ok, breaks, state_faults, unchained]).toEqual([0, true, [], [], 0]);
    expect(events).toBe(await log().countDocuments());
    expect(chains).toBe((await log().distinct('chain')).length);
    const { stdout } = await ground.run(['audit', 'verify', ...ground.owner]);
    expect(stdout).toMatch(/^The record holds\.$/m);
  });

  it('names two that were forged, one that was removed and one that was moved', async () => {
    await log().updateOne(at(2), { $set: { 'amounts.amount': 1 } });
    await rewrite(5, { severity: 'LOW' });
    await log().deleteOne(at(8));
    await log().updateOne(at(10), { $set: { seq: 8 } });
    expect(await places()).toEqual(['changed 2', 'not_following 5', 'moved 8', 'missing 10']);
    const { code, stdout, stderr } = await ground.run(['audit', 'verify']);
    expect([code, stderr]).toEqual([23, expect.stringMatching(/^page: .*record-changed\.md$/m)]);
    expect(stdout).toMatch(/^The record does NOT hold/);
    expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(/event 2 \([0-9a-f]{24}\) was changed after/);
  });

  it('finds what was cut off at the end by the operations', async () => {
    const last = await log().findOne({ chain }, { sort: { seq: -1 } });
    const paid = await log().findOne({ chain, type: 'melt_paid' }, { sort: { seq: -1 } });
    await log().deleteMany({ chain, seq: { $gte: paid?.seq } });
    expect(last?.seq).toBeGreaterThanOrEqual(paid?.seq);
    const { code, breaks, state_faults } = await verify();
    expect([code, breaks]).toEqual([23, []]);
    expect(state_faults).toEqual([
      { operation_id: paid?.operation_id, state: 'paid', told: 'submitting', changed: false },
    ]);
  });

  it('finds an operation that was changed or removed without an event', async () => {
    const operations = ground.db.collection<{ _id: string }>(MELT_OPERATIONS);
    const [one, other] = await operations.find().toArray();
    await operations.updateOne({ _id: one?._id ?? '' }, { $set: { state: 'failed' } });
    await operations.deleteOne({ _id: other?._id ?? '' });
    const { state_faults } = await verify();
    expect(state_faults).toEqual(
      expect.arrayContaining([
        { operation_id: one?._id, state: 'failed', told: 'paid', changed: false },
        { operation_id: other?._id, state: null, told: 'paid', changed: false },
      ]),
    );
  });

  it.each(['payment_hash', 'invoice', 'quote_id'])('finds that %s was changed', async (field) => {
    const operations = ground.db.collection(MELT_OPERATIONS);
    const operation = await operations.findOne();
    await operations.updateOne({ _id: operation?._id }, { $set: { [field]: 'f'.repeat(64) } });
    const { code, state_faults } = await verify();
    const named = { operation_id: operation?._id, state: 'paid', told: 'paid', changed: true };
    expect([code, state_faults]).toEqual([23, [named]]);
  });

  it('finds a chain that is gone as a whole, by the operations', async () => {
    await log().deleteMany({ chain });
    const { code, state_faults } = await verify();
    expect([code, state_faults.length]).toEqual([23, 3]);
  });

  it('is not wrong about a wallet that pays meanwhile', async () => {
    let paying = true;
    const pays = (async () => {
      while (paying) await ground.melt(await ground.request(1));
    })();
    const codes: number[] = [];
    for (let round = 0; round < 4; round += 1) codes.push((await verify()).code);
    paying = false;
    await pays;
    expect(codes).toEqual([0, 0, 0, 0]);
  });

  it('draws up the books of a wallet whose document is gone, too', async () => {
    await ground.db.collection(WALLETS).deleteMany({});
    const { books } = await verify();
    expect(books.wallets).toBe(1);
  });

  it('names what cannot be hashed, and goes on', async () => {
    await log().updateOne(at(2), { $set: { 'amounts.amount': Number.NaN } });
    await ground.db.collection(TOKENS).insertOne({
      ...{
        npub: ground.npub,
        mint_url: ground.mint.url,
        status: 'spent',
        transaction_id: 'odd-one',
      },
    });
    expect(await places()).toEqual(['changed 2']);
  });

  it.each([
    ['has a field less', { $unset: { blanks: '' } }],
    ['has a number that is none', { $set: { amount: Number.NaN } }],
  ])('names an operation that %s, and a forged event beside it', async (_, change) => {
    const operations = ground.db.collection(MELT_OPERATIONS);
    const operation_id = (await operations.findOne())?._id;
    await log().updateOne(at(2), { $set: { 'amounts.amount': 1 } });
    await operations.updateOne({ _id: operation_id }, change);
    const { code, breaks, books } = await verify();
    expect([code, breaks]).toEqual([23, [expect.objectContaining({ kind: 'changed', seq: 2 })]]);
    const fault = { operation_id, missing: 0, unreadable: true };
    expect(books.not_closed[0]?.faults).toContainEqual(fault);
    const { stdout } = await ground.run(['audit', 'verify']);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(`operation ${operation_id} cannot be read`);
    const explained = await ground.run(['audit', 'explain', String(operation_id)]);
    expect([explained.code, explained.stderr]).toEqual([
      20,
      expect.stringMatching(/\[OPERATION_DAMAGED\][\s\S]*^next: cashu-ops audit verify$/m),
    ]);
  });

  it('names an operation that somebody has put there', async () => {
    const { npub, mint } = ground;
    const paid = { npub, mint_url: mint.url, state: 'paid', inputs: [] };
    await ground.db.collection(MELT_OPERATIONS).insertOne(paid, { bypassDocumentValidation: true });
    const { code, state_faults, books } = await verify();
    expect([code, state_faults]).toEqual([23, [expect.objectContaining({ state: 'paid' })]]);
    expect(books.not_closed[0]?.faults).toMatchObject([{ unreadable: true }]);
  });

  it('names a live token that holds less than it says', async () => {
    const tokens = ground.db.collection(TOKENS);
    const token = await tokens.findOne({ status: 'unspent', 'proofs.1': { $exists: true } });
    const proofs = token?.proofs.slice(0, 1);
    await tokens.updateOne(
      { _id: token?._id },
      { $set: { proofs } },
      { bypassDocumentValidation: true },
    );
    const { code, books } = await verify();
    const transaction_id = token?.transaction_id;
    const fault = { transaction_id, says: token?.total_amount, holds: proofs[0].amount };
    expect([code, books.not_closed[0]?.token_faults]).toEqual([23, [fault]]);
    const { stdout } = await ground.run(['audit', 'verify']);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(`token ${transaction_id} says`);
  });

  it('says what open payments hold, and calls nothing wrong', async () => {
    const { invoice, payment_hash } = await ground.invoice({ amount_sat: 40 });
    await ground.mint.control.setPaymentBehaviour(payment_hash, { outcome: 'hang' });
    expect((await ground.run(['melt', invoice, ...ground.owner, '--yes'])).code).toBe(22);
    const { totals } = (await verify()).books;
    const [held] = await ground.db
      .collection(MELT_OPERATIONS)
      .aggregate([
        { $match: { state: 'pending' } },
        { $project: { sat: { $sum: '$inputs.amount' } } },
      ])
      .toArray();
    expect(totals).toMatchObject({ held: held?.sat, open_payments: 1, difference: 0 });
    const { code, stdout, stderr } = await ground.run(['audit', 'verify']);
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/^next: cashu-ops melt --resume-all$/m),
    ]);
    expect(stdout).toMatch(/^1 payment has not ended: [\d,]+ sat/m);
    expect(stdout).toMatch(/^held +[\d,]+ sat +of it, by 1 open payment, /m);
  });

  it('goes on behind an event that a hand has put at the end of all numbers', async () => {
    await log().updateOne(at(3), { $set: { seq: 2 ** 53 } });
    expect((await ground.melt(await ground.request(5))).status).toBe('paid');
    expect((await verify()).code).toBe(23);
  });

  it('says what is from before there were chains, and goes by it', async () => {
    await log().updateMany(
      {},
      { $unset: { chain: '', seq: '', prev: '', hash: '', chain_version: '' } },
    );
    const before = await log().countDocuments();
    const { code, unchained, state_faults } = await verify();
    expect([code, unchained, state_faults]).toEqual([0, before, []]);
    await ground.melt(await ground.request(10));
    const after = await verify();
    expect([after.code, after.unchained]).toEqual([0, before]);
    expect(after.events).toBeGreaterThan(0);
  });

  it('draws up the books from what the mint has signed, and they close', async () => {
    const { books } = await verify();
    const { totals, wallets, not_closed } = books;
    expect([wallets, not_closed]).toEqual([1, []]);
    const ledger = await ground.mint.control.ledger();
    expect(totals.came_in).toBe(1008);
    expect(totals.live).toBe(ledger.outstanding_sat);
    expect(totals.paid_out).toBe(90);
    expect(totals.came_in).toBe(totals.live + totals.paid_out + totals.fees);
    const { stdout } = await ground.run(['audit', 'verify']);
    expect(stdout).toMatch(/^The books of 1 wallet close\.$/m);
    expect(stdout).toMatch(/^came in +1,008 sat$/m);
  });

  it('names the operation whose change is gone, and what nothing tells of', async () => {
    const operation = await ground.db
      .collection(MELT_OPERATIONS)
      .findOne({ change_amount: { $gt: 0 } });
    const change = `${operation?.transaction_id}_melt_change`;
    const token = await ground.db.collection(TOKENS).findOne({ transaction_id: change });
    await ground.db.collection(TOKENS).deleteOne({ transaction_id: change });
    const { code, ok, books } = await verify();
    expect([code, ok]).toEqual([23, false]);
    const faults = [{ operation_id: operation?._id, missing: token?.total_amount }];
    expect(books.not_closed).toMatchObject([{ npub: ground.npub, faults }]);
    const { stderr } = await ground.run(['audit', 'verify']);
    expect(stderr).toMatch(`next: cashu-ops audit explain ${operation?._id}`);
  });

  it('names what older data does not tell, without calling it wrong', async () => {
    const [token] = (await ground.tokens()).filter(({ status }) => status === 'unspent');
    const spent = { $set: { status: 'spent', spent_at: new Date() } };
    await ground.db.collection(TOKENS).updateOne({ _id: token?._id }, spent);
    const { code, books } = await verify();
    const { unattributed } = books.totals.spent_otherwise;
    expect([code, unattributed]).toEqual([0, token?.total_amount]);
    const { stdout } = await ground.run(['audit', 'verify']);
    expect(stdout).toMatch(/^unattributed +[\d,]+ sat +older data/m);
  });

  it('gives the newest hash of each chain, to be kept elsewhere', async () => {
    const { heads } = await verify('--heads');
    const last = await log().findOne({ chain }, { sort: { seq: -1 } });
    expect(heads).toContainEqual({ chain, seq: last?.seq, hash: last?.hash });
    const { stdout } = await ground.run(['audit', 'verify', '--heads']);
    expect(stdout).toContain(`\n${last?.hash}  ${last?.seq}\n  ${chain}\n`);
    expect(stdout.split('\n').filter((line) => line.length > 100)).toEqual([]);
  });

  it('refuses a mint without an owner', async () => {
    const { code, stderr } = await ground.run(['audit', 'verify', '--mint', ground.mint.url]);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/Add --npub to --mint/)]);
  });
});
