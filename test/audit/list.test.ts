import { mongo } from 'mongoose';
import { beforeAll, describe, expect, it } from 'vitest';
import { AUDIT_LOG } from '../../src/store/collections.ts';
import { type CliGround, cliGround, expectNoLeaks } from '../support/cli_ground.ts';
import { expectRefusal, onlyDocument } from '../support/cli_refusal.ts';
import { spentAtMint } from '../support/reconcile_cli.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests look into events of every type.
type Listed = any;

describe('audit list', () => {
  let ground: CliGround;
  let paid: Listed;
  beforeAll(async () => {
    ground = await cliGround();
    for (const amount of [20, 30]) await ground.melt(await ground.request(amount));
    // A payment that is blocked: events of severity HIGH, and without an operation.
    await spentAtMint(ground, 65_536);
    const { invoice } = await ground.invoice({ amount_sat: 60_000 });
    const env = { CASHU_OPS_ACTOR: 'anna@desk' };
    await ground.run(['melt', invoice, ...ground.owner, '--yes'], { env });
    paid = await log().findOne({ type: 'melt_paid' });
  });

  const log = () => ground.db.collection(AUDIT_LOG);
  const list = async (...args: string[]): Promise<Listed> => {
    const { code, stdout, stderr } = await ground.run(['audit', 'list', '--json', ...args]);
    expect([code, stderr]).toEqual([0, '']);
    return onlyDocument(stdout);
  };
  const idsOf = ({ events }: Listed): string[] => events.map(({ id }: Listed) => id);
  const idsIn = async (filter: mongo.Filter<mongo.Document>) => {
    const found = await log()
      .find(filter, { sort: { time: -1, _id: -1 } })
      .toArray();
    return found.map(({ _id }) => String(_id));
  };

  it('has every event, newest first', async () => {
    const page = await list('--limit', '1000');
    expect([page.schema, page.ok, page.next]).toEqual(['cashu-ops/audit-list@1', true, null]);
    expect(idsOf(page)).toEqual(await idsIn({}));
    expect(page.events[0]).toMatchObject({ damaged: null, link: { seq: expect.any(Number) } });
  });

  it('each filter gives what it names, and nothing else', async () => {
    const { operation_id, quote_id, transaction_id, npub, mint_url, time } = paid;
    const high = { severity: { $in: ['HIGH', 'CRITICAL'] } };
    for (const [args, filter] of [
      [['--npub', npub], { npub }],
      [['--mint', mint_url], { mint_url }],
      [['--operation', operation_id], { operation_id }],
      [['--quote', quote_id], { quote_id }],
      [['--tx', transaction_id], { transaction_id }],
      [['--type', 'melt_paid'], { type: 'melt_paid' }],
      [
        ['--type', 'melt_paid', '--type', 'MELT_PREPARED'],
        { type: { $in: ['melt_paid', 'melt_prepared'] } },
      ],
      [['--severity', 'high'], high],
      [['--actor', 'anna'], { 'actor.user': 'anna' }],
      [['--actor', 'anna@desk'], { 'actor.user': 'anna', 'actor.host': 'desk' }],
      [['--until', time.toISOString()], { time: { $lt: time } }],
      [['--since', time.toISOString()], { time: { $gte: time } }],
      [['--npub', npub, '--mint', mint_url, '--severity', 'HIGH'], { npub, mint_url, ...high }],
      [
        ['--type', 'preflight_blocked', '--severity', 'HIGH', '--since', '2h'],
        { type: 'preflight_blocked' },
      ],
    ] as const) {
      const wanted = await idsIn(filter);
      expect({ args, some: wanted.length > 0 }).toEqual({ args, some: true });
      expect({ args, ids: idsOf(await list(...args, '--limit', '1000')) }).toEqual({
        args,
        ids: wanted,
      });
    }
    expect((await idsIn(high)).length).toBeLessThan((await idsIn({})).length);
  });

  it('pages by cursor: none twice and none left out, while new ones arrive', async () => {
    const before = await idsIn({});
    // Events of one moment: only their ids decide.
    const together = { ...(await log().findOne({})), chain: 'x', time: new Date() } as Listed;
    const same = Array.from({ length: 7 }, (_, at) => ({
      ...together,
      _id: new mongo.ObjectId(),
      seq: at + 1,
    }));
    await log().insertMany(same);
    const whole = await idsIn({});
    expect(whole).toHaveLength(before.length + 7);
    const seen: string[] = [];
    for (let after: string | null = ''; after !== null; ) {
      const page = await list('--limit', '3', ...(after === '' ? [] : ['--after', after]));
      seen.push(...idsOf(page));
      after = page.next;
      await log().insertOne({ ...together, _id: new mongo.ObjectId(), seq: 100 + seen.length });
    }
    expect(seen).toEqual(whole);
    await log().deleteMany({ chain: 'x' });
  });

  it('people get a table of at most 100 columns, and the way to the next page', async () => {
    const { code, stdout, stderr } = await ground.run(['audit', 'list', '--limit', '3']);
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[1]).toMatch(/time \(UTC\).*event.*payment.*sat.*state.*owner/);
    for (const line of lines) expect([...line].length).toBeLessThanOrEqual(100);
    const [, cursor = ''] = /the same command with --after (\S+)\n$/.exec(stderr) ?? [];
    const next = await list('--limit', '3', '--after', cursor);
    expect(idsOf(next)).toEqual((await idsIn({})).slice(3, 6));
  });

  it('takes the beginnings of ids that its table shows, and has ids of events on demand', async () => {
    const whole = await list('--operation', paid.operation_id);
    expect(idsOf(await list('--operation', paid.operation_id.slice(0, 8)))).toEqual(idsOf(whole));
    const { stdout } = await ground.run(['audit', 'list', '--ids', '--limit', '5']);
    for (const id of (await idsIn({})).slice(0, 5)) expect(stdout).toContain(id);
    for (const line of stdout.split('\n')) expect([...line].length).toBeLessThanOrEqual(100);
  });

  it('nothing found is no error, and is said', async () => {
    const args = ['--operation', 'nobody'];
    expect(await list(...args)).toEqual({
      schema: 'cashu-ops/audit-list@1',
      ok: true,
      events: [],
      next: null,
    });
    const { code, stdout, stderr } = await ground.run(['audit', 'list', ...args]);
    expect([code, stdout, stderr]).toEqual([0, '', 'No event matches.\n']);
  });

  it.each([
    [['--since', 'yesterday'], /--since is "yesterday", which is no time\. Say how long ago/],
    [['--until', '2026-13-45'], /--until is "2026-13-45", which is no time/],
    [
      ['--since', '2026-01-02', '--until', '2026-01-01'],
      /--since \(.*\) is not before --until \(.*\)/,
    ],
    [['--since', '2126-01-01'], /lies in the future/],
    [['--type', 'melt_payd'], /no event of that type\. Did you mean melt_paid\?/],
    [['--severity', 'BAD'], /--severity must be one of INFO, LOW, MEDIUM, HIGH, CRITICAL/],
    [['--actor', '@desk'], /--actor must be a user, or user@host/],
    [['--actor', 'a@b@c'], /--actor must be a user, or user@host/],
    [['--after', 'soon'], /The cursor is not one that a page returned/],
    [
      ['--after', `9999999999999999_${'a'.repeat(24)}`],
      /The cursor is not one that a page returned/,
    ],
    [['--operation', ''], /--operation is empty: put an id behind it, or leave it out/],
    [['--quote', ' '], /--quote is empty/],
    [['--tx', ''], /--tx is empty/],
    [['--limit', '0'], /whole number from 1 to 1000/],
    [['--limit', '1001'], /whole number from 1 to 1000/],
  ])('%j is refused', async (args, says) => {
    const words = ['audit', 'list', ...args];
    await expectRefusal(ground, { args: words, code: 'INVALID_ARGUMENT', exit: 2, says });
  });

  it.each([
    [['--npub', 'npub1nobody'], 'INVALID_NPUB', /npub/],
    [['--mint', 'ftp://mint'], 'INVALID_MINT_URL', /http/],
  ])('%j is refused', async (args, code, says) => {
    await expectRefusal(ground, { args: ['audit', 'list', ...args], code, exit: 2, says });
  });

  it('an event that a hand has damaged is listed as what it is', async () => {
    const { insertedId } = await log().insertOne({
      type: 'melt_paid',
      time: new Date(),
      severity: 'FINE',
      secret_note: 'cashuBo2FteBxodHRwczovL21pbnQ',
    });
    const [newest] = (await list('--limit', '1')).events;
    expect(newest).toMatchObject({ id: String(insertedId), time: expect.any(String) });
    expect(newest.damaged).toEqual(
      expect.arrayContaining(['severity', 'npub', 'an unknown field']),
    );
    const table = await ground.run(['audit', 'list', '--limit', '2']);
    expect(table.stdout.replaceAll(/[\s│]+/g, ' ')).toMatch(/cannot be read \([0-9a-f]{24}\)/);
    for (const line of table.stdout.split('\n')) expect([...line].length).toBeLessThanOrEqual(100);
    const shown = await ground.run(['audit', 'show', String(insertedId)]);
    expect([shown.code, shown.stdout]).toEqual([
      0,
      expect.stringMatching(/^damaged +these fields cannot be read: .*severity/m),
    ]);
    const machine = await ground.run(['audit', 'show', String(insertedId), '--json']);
    expect(onlyDocument(machine.stdout).event.damaged).toEqual(newest.damaged);
    expect(table.stdout + shown.stdout + machine.stdout).not.toMatch(/cashuB|secret_note|FINE/);
    await log().deleteOne({ _id: insertedId });
  });

  describe('audit show', () => {
    it('shows one event whole', async () => {
      const id = String(paid._id);
      const { stdout } = await ground.run(['audit', 'show', id]);
      for (const text of [id, paid.operation_id, paid.quote_id, paid.hash, 'melt_paid']) {
        expect(stdout).toContain(text);
      }
      const machine = await ground.run(['audit', 'show', id.toUpperCase(), '--json']);
      const { schema, event } = onlyDocument(machine.stdout);
      expect(schema).toBe('cashu-ops/audit-event@1');
      expect(event).toMatchObject({ id, link: { hash: paid.hash }, damaged: null });
    });

    it('takes the beginning of an id, and names those that it fits', async () => {
      const id = String(paid._id);
      const { code, stdout } = await ground.run(['audit', 'show', id.slice(0, 23)]);
      const fitting = (await idsIn({})).filter((one) => one.startsWith(id.slice(0, 23)));
      expect(code).toBe(fitting.length === 1 ? 0 : 2);
      if (fitting.length === 1) expect(stdout).toContain(id);
      const several = await ground.run(['audit', 'show', id.slice(0, 8)]);
      expect(several.code).toBe(2);
      expect(several.stderr).toMatch(/several ids: .*\nnext: cashu-ops audit list --ids$/m);
    });

    it('says of an event that it was changed, as list does', async () => {
      await log().updateOne({ _id: paid._id }, { $set: { 'amounts.amount': 1 } });
      const { stdout } = await ground.run(['audit', 'show', String(paid._id)]);
      expect(stdout).toMatch(/^record +CHANGED: this event was changed after it was written/);
      const listed = await ground.run(['audit', 'list', '--operation', paid.operation_id]);
      expect(listed.stdout).toMatch(/CHANGED melt_paid/);
      const told = await ground.run(['audit', 'explain', paid.operation_id]);
      expect(told.stdout.replaceAll(/\s+/g, ' ')).toMatch(
        /record the log of this payment was changed/,
      );
      await log().updateOne({ _id: paid._id }, { $set: { amounts: paid.amounts } });
    });

    it('an id that there is not', async () => {
      await expectRefusal(ground, {
        args: ['audit', 'show', 'f'.repeat(24)],
        code: 'EVENT_NOT_FOUND',
        exit: 2,
        says: /There is no event f{24} in this database\. It may have been pruned/,
        next: /^cashu-ops audit list --ids$/,
      });
    });

    it.each([['nonsense'], ['f'.repeat(25)], ['abc'], ['melt_1795000000000_ab'], ['\u001b[2J']])(
      'no id at all: %j',
      async (word) => {
        await expectRefusal(ground, {
          args: ['audit', 'show', word],
          code: 'INVALID_ARGUMENT',
          exit: 2,
          says: [/is no id of an event/, /audit explain/],
        });
      },
    );
  });

  it('nobody learned a secret', () => expectNoLeaks(ground));
});
