import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { rolloutPlace } from '../../src/domain/melt_policy.ts';
import { createPracticeWallet } from '../../src/practice/practice_ground.ts';
import { type CliGround, cliGround, expectNoLeaks } from '../support/cli_ground.ts';
import { expectErrorDocument, expectRefusal, onlyDocument } from '../support/cli_refusal.ts';

const NOBODY = 'npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg';
const WHY = ['--reason', 'a test'];
const ENV = { CASHU_OPS_ACTOR: 'ada@ops1' };

type Case = [args: string[], says: RegExp, code?: string];

/** Words that contradict each other or mean nothing: one sentence, exit 2, nothing changed. */
const CASES: Case[] = [
  [[], /What is to be done with the policy\? Name one of show, set and history/],
  [['stop'], /Name one of show, set and history/],
  [['set'], /What is to change\? Add --melts off or on, --stop-mint/],
  [['set', ...WHY], /What is to change\?/],
  [['set', '--melts', 'off'], /Why\? Add --reason TEXT/],
  [['set', '--melts', 'off', '--reason', ' '], /Why\? Add --reason TEXT/],
  [['set', '--melts', 'off', '--dry-run'], /Why\? Add --reason TEXT/],
  [['set', '--melts', 'maybe', ...WHY], /'maybe' is invalid\. It must be on or off/],
  [
    ['set', '--melts', 'off', '--melts', 'on', ...WHY],
    /'on' is invalid\. It was given before; name it once/,
  ],
  [['set', '--rollout', '5', '--rollout', '50', ...WHY], /'50' is invalid\. It was given before/],
  [['set', '--rollout', '101', ...WHY], /must be a number from 0 to 100/],
  [['set', '--rollout', '-1', ...WHY], /must be a number from 0 to 100/],
  [['set', '--rollout', '5%', ...WHY], /must be a number from 0 to 100, such as 5 or 12\.5/],
  [['set', '--stop-mint', 'mint.example', ...WHY], /not a web address/, 'INVALID_MINT_URL'],
  [['set', '--stop-mint', 'https://me:hunter2@a.b', ...WHY], /password/, 'INVALID_MINT_URL'],
  [['set', '--stop-npub', 'npub1x', ...WHY], /length of the npub is wrong/, 'INVALID_NPUB'],
  [['set', '--allow-npub', `nsec1${NOBODY.slice(5)}`, ...WHY], /secret key/, 'INVALID_NPUB'],
  [
    ['set', '--stop-mint', 'https://a.b', '--start-mint', 'https://a.b/', ...WHY],
    /behind --stop-mint and --start-mint: name it once/,
  ],
  [['set', '--stop-npub', NOBODY, '--start-npub', NOBODY, ...WHY], /--stop-npub and --start-npub/],
  [['set', '--allow-npub', NOBODY, '--disallow-npub', NOBODY, ...WHY], /name it once/],
  [['set', '--allow-all', '--allow-npub', NOBODY, ...WHY], /--allow-npub does not go with it/],
  [['set', '--disallow-npub', NOBODY, ...WHY], /There is no list of wallets that may melt/],
  [['set', '--back', '--melts', 'off', ...WHY], /--melts does not go with it/],
  [['set', '--replace', ...WHY], /add --melts on or --melts off/],
  [['set', '--melts', 'off', 'now', ...WHY], /Too many arguments/],
  [['set', '--meltz', 'off'], /Unknown option '--meltz'\. .*Did you mean --melts\?/],
  [['--quiet', 'show'], /A flag stands before show, set or history/],
  [['show', '--npub', 'npub1x'], /length of the npub/, 'INVALID_NPUB'],
  [['show', '--mint', 'mint'], /not a web address/, 'INVALID_MINT_URL'],
  [['history', '--limit', '0'], /whole number from 1 to 1000/],
];

describe('policy', () => {
  let ground: CliGround;
  let wallets: string[];
  beforeAll(async () => {
    ground = await cliGround({ coins: [64, 32, 16] });
    for (let n = 0; n < 11; n += 1) {
      await createPracticeWallet(ground.ops.wallets, ground.mint.url);
    }
    const documents = await ground.db.collection('cashu_wallets').find().toArray();
    wallets = documents.map(({ npub }) => npub);
  });
  const documents = () => ground.db.collection<{ _id: string }>('policies');
  beforeEach(() => documents().deleteMany({ _id: /^melt/ }));

  const run = (...args: string[]) => ground.run(['policy', ...args], { env: ENV });
  const json = async (...args: string[]) => {
    const { code, stdout } = await run(...args, '--json');
    return { code, ...onlyDocument(stdout) };
  };
  const set = (...args: string[]) => json('set', '--yes', ...args, ...WHY);

  it.each(CASES)('%j', async (args, says, code = 'INVALID_ARGUMENT') => {
    const words = ['policy', ...args];
    const { machine, human } = await expectRefusal(ground, { args: words, code, exit: 2, says });
    expect(machine.stdout + human.stderr).not.toContain('hunter2');
    const [, inner = ''] = words;
    const help = ['show', 'set', 'history'].includes(inner) ? `${inner} --help` : '--help';
    const next = code === 'INVALID_ARGUMENT' && !args[0]?.startsWith('--');
    if (next) expect(human.stderr).toMatch(new RegExp(`^next: cashu-ops policy ${help}$`, 'm'));
  });

  it('before anybody has set one: everyone may melt, and there is no history', async () => {
    const shown = await run('show');
    expect([shown.code, shown.stderr]).toEqual([0, '']);
    expect(shown.stdout).toBe(
      [
        'melts run for everyone',
        'version     none: nobody has set a policy yet',
        'wallets     12 of 12 may melt',
        'rollout     100 %: 12 of 12 wallets',
        '',
      ].join('\n'),
    );
    const history = await run('history');
    expect([history.code, history.stdout]).toEqual([0, '']);
    expect(history.stderr).toMatch(/^Nobody has set a policy yet, so melts run for everyone/);
    expect(await json('history')).toEqual({
      code: 0,
      schema: 'cashu-ops/policy-history@1',
      ok: true,
      versions: [],
      more: false,
      by_hand: false,
    });
  });

  it('an emergency stop asks nobody, needs no --yes, no mint and no journal', async () => {
    const args = ['policy', 'set', '--melts', 'off', '--reason', 'it loses payments'];
    const env = {
      ...ENV,
      CASHU_OPS_MINT_URL: 'http://127.0.0.1:9',
      CASHU_OPS_JOURNAL_DIR: '/dev/null/journal',
    };
    const { code, stdout, stderr } = await ground.run(args, { env });
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^melts are STOPPED for everyone since 20\S+Z by ada@ops1 because it loses payments\n/,
    );
    expect(stdout).toMatch(/^changed {5}melts: on → off\nwallets {5}12 → 0 of 12 may melt\n/m);
    expect(stdout).toMatch(/^version {5}1\n$/m);
    expect(stderr).toBe('to undo it: cashu-ops policy set --back --reason TEXT\n');
    const shown = await run('show');
    expect([shown.code, shown.stdout.split('\n')[0]]).toEqual([0, stdout.split('\n')[0]]);
  });

  it('what lets more melts run needs --yes without a terminal, and with --json', async () => {
    await set('--melts', 'off');
    for (const change of [['--melts', 'on'], ['--back']]) {
      await expectRefusal(ground, {
        args: ['policy', 'set', ...change, ...WHY],
        env: ENV,
        code: 'CONFIRMATION_REQUIRED',
        exit: 2,
        says: /This lets more melts run\. There is no terminal to ask on: add --yes .*--dry-run/,
      });
    }
    expect(await set('--melts', 'on')).toMatchObject({ code: 0, rev: 2, changed: true });
  });

  it('a dry run says what would be, and writes nothing', async () => {
    await set('--stop-npub', ground.npub);
    const before = await ground.standing();
    const args = ['--melts', 'off', '--start-npub', ground.npub, ...WHY, '--dry-run'];
    const human = await run('set', ...args);
    expect([human.code, human.stderr]).toEqual([0, 'Dry run: nothing was changed.\n']);
    expect(human.stdout).toMatch(
      /^Dry run, nothing is changed; it would be so:\nmelts are STOPPED for everyone since/,
    );
    expect(human.stdout).toMatch(/^wallets {5}11 → 0 of 12 may melt$/m);
    expect(await json('set', ...args)).toMatchObject({
      code: 0,
      ok: true,
      dry_run: true,
      changed: false,
      policy: { enabled: false, stopped_npubs: [] },
      changes: [
        { field: 'enabled', before: true, after: false },
        { field: 'stopped_npubs', before: [ground.npub], after: [] },
      ],
      effect: { wallets: 12, may_melt: 0 },
    });
    expect(await ground.standing()).toEqual(before);
  });

  it('a change that changes nothing says so, and writes nothing', async () => {
    await run('set', '--melts', 'off', '--reason', 'the first');
    const before = await ground.standing();
    const { code, stdout, stderr } = await run('set', '--melts', 'off', '--reason', 'the second');
    expect([code, stderr]).toEqual([0, 'Nothing was changed: the policy is like that already.\n']);
    expect(stdout).toMatch(
      /^melts are STOPPED for everyone since \S+ by ada@ops1 because the first/,
    );
    expect(await set('--melts', 'off')).toMatchObject({ changed: false, changes: [], rev: 1 });
    expect(await ground.standing()).toEqual(before);
  });

  it('rolls out step by step: the same wallets each time, and more', async () => {
    const inAt = new Map<number, string[]>();
    for (const percent of [0, 10, 35, 60, 100]) {
      const { effect } = await set('--rollout', String(percent), '--reason', `${percent}`);
      const expected = wallets.filter((npub) => rolloutPlace(npub) < percent);
      expect(effect).toEqual({
        wallets: 12,
        may_melt: expected.length,
        in_rollout: expected.length,
      });
      inAt.set(percent, expected);
    }
    const [npub = ''] = wallets;
    const place = rolloutPlace(npub);
    await set('--rollout', String(Math.floor(place)));
    const stopped = await json('show', '--npub', npub);
    expect([stopped.code, stopped.ok, stopped.wallet]).toEqual([
      20,
      false,
      {
        npub,
        mint_url: ground.mint.url,
        may_melt: false,
        why: expect.stringMatching(/rolled out to \d+ % of the wallets .*set by ada@ops1 at/),
      },
    ]);
    await set('--rollout', String(Math.floor(place) + 1));
    expect(await json('show', '--npub', npub)).toMatchObject({
      code: 0,
      wallet: { may_melt: true },
    });
  });

  it('show: each stop with who, when and why, whoever changed something else since', async () => {
    const asAda = ['set', '--stop-mint', `${ground.mint.url}/`, '--reason', 'mint is down'];
    await ground.run(['policy', ...asAda], { env: ENV });
    const asBob = ['policy', 'set', '--stop-npub', NOBODY, '--rollout', '50', '--reason', 'step 1'];
    await ground.run(asBob, { env: { CASHU_OPS_ACTOR: 'bob@ops2' } });
    const { code, stdout } = await run('show', ...ground.owner);
    expect(code).toBe(20);
    expect(stdout).toMatch(
      /^melts are STOPPED for every wallet that there is, by the rules below\nversion {5}2, set at \S+ by bob@ops2: step 1\n/,
    );
    const text = stdout.replaceAll(/\n {12}/g, ' ');
    expect(text).toMatch(/^wallets {5}0 of 12 may melt$/m);
    expect(text).toMatch(/^stopped {5}mint http\S+ since \S+ by ada@ops1 because mint is down$/m);
    expect(text).toMatch(/^stopped {5}wallet npub10elf\S+ since \S+ by bob@ops2 because step 1$/m);
    expect(text).toMatch(
      /^rollout {5}50 %: \d+ of 12 wallets since \S+ by bob@ops2 because step 1$/m,
    );
    expect(text).toMatch(/may NOT melt: melts are stopped for the mint \S+, set by ada@ops1 at/);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
    const told = await json('show', '--mint', ground.mint.url);
    expect(told).toMatchObject({
      code: 20,
      wallet: { npub: null, mint_url: ground.mint.url, may_melt: false },
      stops: [
        { rule: 'mint', of: ground.mint.url, set_by: 'ada@ops1', reason: 'mint is down' },
        { rule: 'wallet', of: NOBODY, set_by: 'bob@ops2' },
        { rule: 'rollout', of: null, set_by: 'bob@ops2', reason: 'step 1' },
      ],
    });
    expect(await json('show', '--mint', 'https://other.test')).toMatchObject({ code: 0, ok: true });
  });

  it('the JSON has one form for show and set', async () => {
    const keys = 'schema ok rev policy changed effect wallet'.split(' ');
    const stored = 'enabled stopped_mints stopped_npubs allowed_npubs rollout_percent'.split(' ');
    const { code: _, ...changed } = await set('--allow-npub', ground.npub);
    const { code: __, ...shown } = await json('show');
    for (const document of [changed, shown]) {
      expect(document.schema).toBe('cashu-ops/policy@1');
      expect(Object.keys(document)).toEqual(expect.arrayContaining(keys));
      expect(Object.keys(document.policy)).toEqual([...stored, 'reason', 'set_by', 'set_at']);
      expect(document).toMatchObject({ ok: true, rev: 1, wallet: null });
      expect(document.effect).toMatchObject({ wallets: 12, may_melt: 1 });
    }
    expect([changed.changed, shown.changed]).toEqual([true, false]);
    expect(shown.policy).toEqual(changed.policy);
  });

  it('history: newest first, what changed from what to what, by whom and why', async () => {
    await run('set', '--melts', 'off', '--rollout', '5', '--reason', 'storm');
    await run('set', '--back', '--yes', '--reason', 'calm');
    const { code, stdout, stderr } = await run('history');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.replaceAll(/20\d\d-\S+Z/g, 'TIME')).toBe(
      [
        'version 2  TIME  by ada@ops1',
        '  changed     melts: off → on',
        '              rollout: 5 % → 100 %',
        '  why         calm',
        'version 1  TIME  by ada@ops1',
        '  changed     melts: on → off',
        '              rollout: 100 % → 5 %',
        '  why         storm',
        '',
      ].join('\n'),
    );
    expect(await json('history', '--limit', '1')).toMatchObject({
      schema: 'cashu-ops/policy-history@1',
      more: true,
      versions: [
        {
          rev: 2,
          set_by: 'ada@ops1',
          set_at: expect.stringMatching(/^20/),
          reason: 'calm',
          changes: [
            { field: 'enabled', before: false, after: true },
            { field: 'rollout_percent', before: 5, after: 100 },
          ],
        },
      ],
    });
    expect((await run('history', '--limit', '1')).stderr).toMatch(/--limit shows more/);
  });

  it('names that no wallet has are kept, and said: perhaps one is mistyped', async () => {
    const args = ['--stop-npub', NOBODY, '--stop-mint', 'https://mistyped.test'];
    const { code, stderr, stdout } = await run('set', ...args, ...WHY);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/12 → 12 of 12 may melt/)]);
    for (const name of [NOBODY, 'https://mistyped.test']) {
      expect(stderr).toContain(`warning: no wallet in the database has the name ${name}.\n`);
    }
    const known = ['--stop-npub', ground.npub, '--stop-mint', ground.mint.url];
    expect(await set(...known)).toMatchObject({ unknown: [], effect: { may_melt: 0 } });
  });

  it('two at once: one wins, the other ends with 24 and says who won', async () => {
    const both = await Promise.all([20, 30].map((percent) => set('--rollout', String(percent))));
    const codes = both.map(({ code }) => code).toSorted();
    // Who came late enough to see the other's version has made the next one.
    expect([
      [0, 24],
      [0, 0],
    ]).toContainEqual(codes);
    const plan = await ground.ops.policy.plan({ rollout_percent: 5, reason: 'slow thinker' });
    await set('--rollout', '7');
    const error = await ground.ops.policy.apply(plan).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'POLICY_CHANGED',
      message: expect.stringMatching(/meanwhile by ada@ops1 at 20\S+ \(a test\)/),
      details: { next_command: 'cashu-ops policy show' },
    });
  });

  it('a document that cannot be read: what is wrong, and how to mend it', async () => {
    await set('--rollout', '40');
    const fields = { enabled: 'hunter2', stopped_mints: ['https://me:hunter2@a.b'], extra: 1 };
    await documents().updateOne({ _id: 'melt' }, { $set: fields });
    const { code, stdout } = await run('show');
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/^melts are STOPPED for everyone: the/),
    ]);
    for (const line of [
      /^wrong {7}enabled must be boolean$/m,
      /^wrong {7}stopped_mints\.0 names nothing$/m,
      /^wrong {7}"extra" is no field of a policy$/m,
      /^to mend {5}cashu-ops policy set --melts on --replace --reason TEXT$/m,
      /^ +cashu-ops policy set --back --reason TEXT$/m,
      /^wallets {5}0 of 12 may melt$/m,
    ]) {
      expect(stdout).toMatch(line);
    }
    const told = await json('show', ...ground.owner);
    expect(told).toMatchObject({ code: 20, ok: false, policy: null, rev: null });
    expect(stdout + JSON.stringify(told)).not.toContain('hunter2');
    await expectRefusal(ground, {
      args: ['policy', 'set', '--melts', 'on', ...WHY],
      env: ENV,
      code: 'POLICY_UNREADABLE',
      exit: 20,
      says: /Nothing was changed: .* stopped for everyone as it is/,
      next: /^cashu-ops policy show$/,
    });
    const replaced = await set('--melts', 'on', '--replace', '--rollout', '70');
    expect(replaced).toMatchObject({ code: 0, rev: 2, policy: { rollout_percent: 70 } });
    expect((await run('show')).stdout).toMatch(/^melts run, but not for everyone\n/);
  });

  it('a document by hand is read, and said to be by hand; its secrets are not shown', async () => {
    const token = `cashuB${'x'.repeat(30)}`;
    const document = { _id: 'melt', enabled: false, set_by: 'by hand', reason: `see ${token}` };
    await documents().insertOne(document);
    const { stdout } = await run('show');
    expect(stdout).toMatch(
      /^melts are STOPPED for everyone by by hand because see cashuB\[hidden\]\n/,
    );
    expect(stdout).toMatch(/written or removed past this tool/);
    const told = await json('show');
    expect(told).toMatchObject({ by_hand: true, rev: 0 });
    expect(stdout + JSON.stringify(told)).not.toContain(token);
    expect((await run('history')).stderr).toMatch(/then changed past this tool/);
  });

  it('no earlier version: 21; the database is down: 25', async () => {
    await expectRefusal(ground, {
      args: ['policy', 'set', '--back', ...WHY],
      code: 'NO_EARLIER_POLICY',
      exit: 21,
      says: /No version was ever set/,
    });
    const env = { CASHU_OPS_MONGODB_URI: 'mongodb://127.0.0.1:9/wallets?replicaSet=rs0' };
    const down = await ground.run(['policy', 'show', '--json'], { env });
    expectErrorDocument(down, { args: [], code: 'DATABASE_UNREACHABLE', exit: 25, says: [] });
  });

  it('nobody learned a secret', () => expectNoLeaks(ground));
});
