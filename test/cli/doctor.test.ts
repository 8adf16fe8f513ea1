import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../src/practice/replica_set/free_port.ts';
import { type CliGround, cliGround, expectNoLeaks } from '../support/cli_ground.ts';
import { onlyDocument } from '../support/cli_refusal.ts';

const ROWS = ['settings', 'journal', 'database', 'indexes', 'policy', 'payments', 'mint'];

/** What an operator runs first when something is wrong. */
describe('doctor', () => {
  let ground: CliGround;
  beforeAll(async () => {
    ground = await cliGround({ coins: [8, 4] });
  });
  afterEach(() => ground.mint.control.resetInfo());

  const doctor = async (env: Record<string, string | undefined> = {}, ...more: string[]) => {
    const [machine, human] = await Promise.all([
      ground.run(['doctor', '--json', ...more], { env }),
      ground.run(['doctor', ...more], { env }),
    ]);
    const { schema, ok, checks } = onlyDocument(machine.stdout);
    expect(schema).toBe('cashu-ops/doctor@1');
    expect(ok).toBe(machine.code === 0);
    expect(human.code).toBe(machine.code);
    const named = (...states: string[]): string[] =>
      checks.flatMap((check: { status: string; name: string }) =>
        states.includes(check.status) ? check.name : [],
      );
    for (const check of checks) {
      const ok = { ok: true, warning: true, failed: false, not_checked: null }[
        String(check.status)
      ];
      expect(check.ok).toBe(ok);
    }
    // Whatever happens, every row is there.
    expect(checks.map(({ name }: { name: string }) => name)).toEqual(ROWS);
    expect(human.stdout.match(/^\w+(?= )/gm)).toEqual(ROWS);
    const unknown = named('not_checked');
    return {
      code: machine.code,
      failed: named('failed'),
      unknown,
      warned: named('warning'),
      human,
    };
  };

  it('all is well: one line for each thing, and nothing is changed', async () => {
    const before = await ground.standing();
    const { code, failed, human } = await doctor();
    expect([code, failed, human.stderr]).toEqual([0, [], '']);
    expect(human.stdout).toMatch(
      /^settings +✓ ok .*\njournal +✓ ok .*\ndatabase +✓ ok .*\nindexes +✓ ok .*\npolicy +✓ ok +melts run for everyone\npayments +✓ ok +no payment is open\nmint +✓ ok .*\n$/,
    );
    expect(await ground.standing()).toEqual(before);
  });

  it('--fix a second time has nothing to do', async () => {
    const before = await ground.standing();
    const { code, failed, human } = await doctor({}, '--fix');
    expect([code, failed]).toEqual([0, []]);
    expect(human.stdout).toMatch(/^indexes +✓ ok +all indexes are there$/m);
    expect(await ground.standing()).toEqual(before);
  });

  it('the mint is down, or lacks what a payment needs', async () => {
    const nowhere = `http://127.0.0.1:${await freePort()}`;
    expect(await doctor({}, '--mint', nowhere)).toMatchObject({ code: 25, failed: ['mint'] });
    await ground.mint.control.setInfo({ nuts: { '7': null, '9': null } });
    const { code, failed, human } = await doctor();
    expect([code, failed]).toEqual([21, ['mint']]);
    expect(human.stdout).toMatch(
      /mint +✗ not ok +http.* lacks states of coins \(NUT-07\), restore \(NUT-09\)/,
    );
  });

  it('the database is down, or an index is missing: with what to type', async () => {
    const uri = `mongodb://127.0.0.1:${await freePort()}/wallets`;
    const down = await doctor({ CASHU_OPS_MONGODB_URI: uri });
    expect([down.code, down.failed]).toEqual([25, ['database']]);
    expect(down.unknown).toEqual(['indexes', 'policy', 'payments']);
    expect(down.human.stdout).toMatch(
      /^indexes +- not checked +the database cannot be used\npolicy +- not checked .*\npayments +- not checked .*\nmint +✓ ok /m,
    );
    await ground.db.collection('melt_operations').dropIndex('one_owner_per_invoice');
    const bare = await doctor();
    expect([bare.code, bare.failed]).toEqual([20, ['indexes']]);
    expect(bare.human.stdout).toMatch(/one_owner_per_invoice\. Run: cashu-ops doctor --fix/);
    const { code } = await ground.run(['doctor', '--fix']);
    expect([code, (await doctor()).code]).toEqual([0, 0]);
  });

  it('an open payment is a warning; one that the database has forgotten is a failure', async () => {
    await ground.addCoins(128);
    const { invoice, payment_hash } = await ground.invoice({ amount_sat: 100 });
    const hang = { outcome: 'hang', delay_ms: 120_000 } as const;
    await ground.mint.control.setPaymentBehaviour(payment_hash, hang);
    const env = { CASHU_OPS_MELT_TIMEOUT: '1s' };
    const melt = await ground.run(['melt', invoice, ...ground.owner, '--yes', '--json'], { env });
    expect(melt.code).toBe(22);
    const open = await doctor();
    expect([open.code, open.warned]).toEqual([0, ['payments']]);
    expect(open.human.stdout).toMatch(
      /^payments +! warning +1 payment open, holding \d+ sat\. Run: cashu-ops melt --resume-all$/m,
    );
    await ground.mint.control.resolvePayment(payment_hash, 'succeed');
    const operations = ground.db.collection<{ _id: string }>('melt_operations');
    const forgotten = await operations.findOneAndDelete({ _id: melt.json().operation_id });
    const lost = await doctor();
    expect([lost.code, lost.failed]).toEqual([20, ['payments']]);
    expect(lost.human.stdout).toMatch(
      /^payments +✗ not ok +the rescue journal of this machine knows 1 payment that the database does not: .* Run: cashu-ops melt --resume-all$/m,
    );
    if (forgotten !== null) await operations.insertOne(forgotten);
    expect((await ground.run(['melt', '--resume-all'])).code).toBe(0);
    expect((await doctor()).code).toBe(0);
  });

  it('no mint is named: it is said that none was asked', async () => {
    const { code, failed, unknown, human } = await doctor({ CASHU_OPS_MINT_URL: undefined });
    expect([code, failed, unknown]).toEqual([0, [], ['mint']]);
    expect(human.stdout).toMatch(/^mint +- not checked +no mint is named; add --mint URL/m);
  });

  it('a quiet period that is too short is a warning, and no failure', async () => {
    const env = { CASHU_OPS_QUIET_PERIOD: '20s', CASHU_OPS_MELT_TIMEOUT: '5m' };
    const { code, failed, warned, human } = await doctor(env);
    expect([code, failed, warned]).toEqual([0, [], ['settings']]);
    expect(human.stdout).toMatch(
      /^settings +! warning +network regtest; quiet_period \(20s\) is shorter than melt_timeout \(5m\)/m,
    );
    expect((await doctor()).warned).toEqual([]);
  });

  it('melts that are stopped are a warning; a policy that cannot be read is a failure', async () => {
    const { policy } = ground.ops;
    await policy.set({ melts: 'off', reason: 'the mint loses payments' });
    const stopped = await doctor();
    expect([stopped.code, stopped.failed, stopped.warned]).toEqual([0, [], ['policy']]);
    expect(stopped.human.stdout).toMatch(
      /^policy +! warning +melts are STOPPED for everyone since \S+Z by tester@test-host because the mint loses payments/m,
    );
    const stop_npubs = [ground.npub];
    await policy.set({ melts: 'on', stop_npubs, rollout_percent: 5, reason: 'a step' });
    expect((await doctor()).human.stdout).toMatch(
      /^policy +! warning +melts run, but not for everyone; stopped wallets: 1; rollout: 5 %; see cashu-ops policy show$/m,
    );
    const policies = ground.db.collection<{ _id: string }>('policies');
    await policies.updateOne({ _id: 'melt' }, { $set: { enabled: 'hunter2' } });
    const odd = await doctor();
    expect([odd.code, odd.failed]).toEqual([20, ['policy']]);
    expect(odd.human.stdout).toMatch(
      /^policy +✗ not ok +.* cannot be read \(enabled must be boolean\)\. Run: cashu-ops policy show$/m,
    );
    await policies.deleteMany({ _id: /^melt/ });
  });

  it('a setting that is wrong: what comes next is not the command that has just failed', async () => {
    const env = { CASHU_OPS_MAXFEE: '1' };
    const { code, stderr } = await ground.run(['doctor'], { env });
    expect(code).toBe(2);
    expect(stderr).toMatch(/CASHU_OPS_MAXFEE .* Did you mean CASHU_OPS_MAX_FEE\?/);
    expect(stderr).toMatch(/^next: cashu-ops doctor --help$/m);
  });

  it('a journal that does not exist is a warning, and is not made', async () => {
    const folder = join(ground.journalDir, 'mistyped');
    const { code, warned, human } = await doctor({ CASHU_OPS_JOURNAL_DIR: folder });
    expect([code, warned]).toEqual([0, ['journal']]);
    expect(human.stdout).toMatch(
      /^journal +! warning .*mistyped does not exist; the first payment makes it/m,
    );
    await expect(stat(folder)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('the journal cannot be written', async () => {
    const env = { CASHU_OPS_JOURNAL_DIR: '/dev/null/journal' };
    expect(await doctor(env)).toMatchObject({ code: 2, failed: ['journal'] });
  });

  it('nobody learned a secret', () => expectNoLeaks(ground));
});
