import { beforeAll, describe, expect, it } from 'vitest';
import { createPracticeWallet, deposit } from '../../src/practice/practice_ground.ts';
import type { Wallet } from '../../src/store/wallet_reads.ts';
import { type CliGround, cliGround, expectNoLeaks } from '../support/cli_ground.ts';
import { expectRefusal, onlyDocument } from '../support/cli_refusal.ts';

const LONG_MINT = 'https://a-mint-with-a-long-name.wallets.example.com/Bitcoin';

describe('balance', () => {
  let ground: CliGround;
  let rich: Wallet;
  let empty: Wallet;
  beforeAll(async () => {
    ground = await cliGround({ coins: [] });
    const { wallets } = ground.ops;
    rich = ground.wallet;
    await deposit(wallets, rich, [4096, 1024, 128]);
    empty = await createPracticeWallet(wallets, ground.mint.url);
  });

  const balance = (...args: string[]) => ground.run(['balance', ...args]);
  const document = async (...args: string[]) => {
    const { code, stdout } = await balance(...args, '--json');
    return { code, ...onlyDocument(stdout) };
  };

  it('one wallet, and one with nothing in it, which shows zeros', async () => {
    const shared = { mint_url: ground.mint.url, unit: 'sat' };
    const none = { reserved: 0, pending_deposits: 0, spent: 0, operations: [] };
    const { wallets, totals } = await document('--npub', rich.npub, '--npub', empty.npub);
    expect(new Set(wallets)).toEqual(
      new Set([
        { npub: rich.npub, ...shared, ...none, spendable: 5248 },
        { npub: empty.npub, ...shared, ...none, spendable: 0 },
      ]),
    );
    expect(totals).toEqual({
      unit: 'sat',
      spendable: 5248,
      reserved: 0,
      pending_deposits: 0,
      spent: 0,
    });
    const { stdout } = await balance('--npub', empty.npub);
    expect(stdout).toMatch(/│ +0 │ +0 │ +0 │ +0 │$/m);
  });

  it('an owner whom nobody knows', async () => {
    const npub = 'npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg';
    await expectRefusal(ground, {
      args: ['balance', '--npub', npub],
      code: 'WALLET_NOT_FOUND',
      exit: 21,
      says: new RegExp(`no wallet of ${npub}`),
      next: /^cashu-ops balance --all$/,
    });
  });

  it('a mint where the owner has no wallet: it is the mint that is wrong, and not the npub', async () => {
    const { error } = await expectRefusal(ground, {
      args: ['balance', '--npub', rich.npub, '--mint', 'https://mint.example'],
      code: 'WALLET_NOT_FOUND',
      exit: 21,
      says: [
        new RegExp(`no wallet of ${rich.npub} at https://mint\\.example\\.`),
        new RegExp(`Check the mint; there are wallets at ${ground.mint.url}\\.`),
      ],
      next: new RegExp(`^cashu-ops balance --npub ${rich.npub}$`),
    });
    expect(error.message).not.toContain('npub;');
  });

  it('deposits that were begun and never minted are counted, and are no balance', async () => {
    const fields = { npub: rich.npub, wallet_id: rich._id, mint_url: rich.mint_url, proofs: [] };
    const pending = { ...fields, status: 'pending', transaction_type: 'minted' } as const;
    for (const transaction_id of ['mint_deposit_1', 'mint_deposit_2']) {
      await ground.ops.wallets.storeTokens({
        ...pending,
        transaction_id,
        metadata: { source: 'lightning' },
      });
    }
    const { wallets } = await document('--npub', rich.npub);
    expect(wallets[0]).toMatchObject({ spendable: 5248, reserved: 0, pending_deposits: 2 });
    const { stdout, stderr } = await balance('--npub', rich.npub);
    expect(stdout).toMatch(/│ +5,248 │ +0 │ +2 │ +0 │$/m);
    expect(stderr).toMatch(/deposits: .*never minted; they are no balance/);
    const { code } = await document('--npub', rich.npub, '--verify');
    expect(code).toBe(0);
  });

  it('--all has every wallet and a total; --below only those that run low', async () => {
    const all = await document('--all');
    expect([all.code, all.ok, all.wallets.length]).toEqual([0, true, 2]);
    expect((await balance('--all')).stdout).toMatch(/│ total +│ +│ +5,248 │/);
    const low = await document('--all', '--below', '5248');
    expect([low.code, low.ok]).toEqual([20, false]);
    expect(low.wallets.map(({ npub }: Wallet) => npub)).toEqual([empty.npub]);
    const none = await document('--npub', rich.npub, '--below', '5248');
    expect([none.code, none.ok, none.wallets, none.totals.spendable]).toEqual([0, true, [], 0]);
    const { code, stdout, stderr } = await balance('--npub', rich.npub, '--below', '5248');
    expect([code, stdout, stderr]).toEqual([0, '', 'No wallet is below 5,248 sat.\n']);
    const hit = await balance('--all', '--below', '5248');
    expect(hit.code).toBe(20);
    expect(hit.stderr).toMatch(/^1 wallet is below 5,248 sat\.$/m);
    const both = await balance('--all', '--below', '5249');
    expect(both.code).toBe(20);
    expect(both.stderr).toMatch(/^2 wallets are below 5,249 sat\.$/m);
  });

  it('--mint asks for one mint only, however its address is written', async () => {
    const { wallets } = await document('--all', '--mint', `${ground.mint.url.toUpperCase()}/`);
    expect(wallets).toHaveLength(2);
    expect((await document('--all', '--mint', 'https://mint.example')).wallets).toEqual([]);
  });

  describe('as a table', () => {
    const linesOf = (stdout: string) => stdout.trimEnd().split('\n');

    it.each([[[]], [['--verify']]])(
      'fits 100 columns, numbers right, the mint readable %j',
      async (more) => {
        const other = await createPracticeWallet(ground.ops.wallets, LONG_MINT);
        const wallet = { npub: other.npub, wallet_id: other._id, mint_url: LONG_MINT };
        await ground.ops.wallets.storeTokens({
          ...wallet,
          proofs: [{ id: '00aa', amount: 987_654_321, secret: `s${other.npub}`, C: 'c' }],
          status: 'spent',
          transaction_type: 'received',
          transaction_id: `spent-${other.npub}`,
          metadata: { source: 'p2p' },
        });
        const { stdout } = await balance('--all', ...more);
        const lines = linesOf(stdout);
        expect(lines[0]).toBe('amounts in sat');
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(100);
        const rows = lines.filter((line) => line.startsWith('│'));
        const verify = more.length > 0;
        const numbers = verify
          ? 'spendable │ reserved'
          : 'spendable │ reserved │ deposits │ +spent';
        expect(rows[0]).toMatch(new RegExp(`│ owner +│ mint +│ ${numbers} │`));
        const right = verify
          ? '│ +[\\d,]+ │ +[\\d,]+ │ '
          : '│ +[\\d,]+ │ +[\\d,]+ │ +\\d+ │ +[\\d,]+ │$';
        for (const row of rows.slice(1))
          expect(row).toMatch(new RegExp(`^│ \\S+ +│ \\S* +${right}`));
        expect(stdout).toContain(ground.mint.url.replace('http://', ''));
        expect(stdout).toContain('a-mint-with-a-long-name');
        if (!verify) expect(stdout).toMatch(/│ 987,654,321 │/);
        await ground.db.collection('cashu_tokens').deleteMany({ npub: other.npub });
        await ground.db.collection('cashu_wallets').deleteMany({ npub: other.npub });
      },
    );

    it('what a document says is no order to the terminal', async () => {
      const npub = '\u001b[2Jnpub1hostile\u009b';
      await ground.db.collection('cashu_wallets').insertOne({
        npub,
        mint_url: 'https://\u001b[31mred\u202e',
        wallet_config: { unit: 'sat' },
      });
      const human = await balance('--all');
      const machine = await balance('--all', '--json');
      for (const { stdout } of [human, machine]) {
        expect(stdout).not.toContain('\u001b');
        expect(stdout).not.toContain('\u009b');
        expect(stdout).not.toContain('\u202e');
      }
      const shown = onlyDocument(machine.stdout).wallets.map((wallet: Wallet) => wallet.npub);
      expect(shown).toContain(npub);
      await ground.db.collection('cashu_wallets').deleteMany({ npub });
    });

    it('amounts of different units are never added up', async () => {
      const npub = 'npub1cents';
      const dollars = { npub, mint_url: LONG_MINT, wallet_config: { unit: 'usd' } };
      await ground.db.collection('cashu_wallets').insertOne({ ...dollars });
      const { totals, totals_by_unit } = await document('--all');
      expect(totals).toBeNull();
      expect(totals_by_unit).toMatchObject([
        { unit: 'sat', spendable: 5248 },
        { unit: 'usd', spendable: 0 },
      ]);
      const { stdout } = await balance('--all');
      expect(stdout).toMatch(/^amounts in the unit of each wallet$/m);
      expect(stdout.match(/│ total/g)).toHaveLength(2);
      for (const line of linesOf(stdout)) expect(line.length).toBeLessThanOrEqual(100);
      await ground.db.collection('cashu_wallets').deleteMany({ npub });
    });
  });

  describe('--verify', () => {
    it('asks the mint about every live coin, and only then', async () => {
      await ground.mint.control.resetRequests();
      await balance('--all');
      expect((await ground.mint.control.requests()).total).toBe(0);
      const { code, wallets } = await document('--npub', rich.npub, '--verify');
      expect([code, wallets[0].verified.checked, wallets[0].verified.unknown]).toEqual([0, 3, 0]);
      expect((await ground.mint.control.requests()).by_path).toEqual({ '/v1/checkstate': 1 });
      expect((await balance('--npub', rich.npub, '--verify')).stdout).toContain('✓ 3 coins');
    });

    it('a mint that is down: unknown, never "unspent"', async () => {
      ground.mint.suspend();
      const env = { CASHU_OPS_REQUEST_TIMEOUT: '300ms' };
      const args = ['balance', '--npub', rich.npub, '--verify'];
      const machine = await ground.run([...args, '--json'], { env });
      const human = await ground.run(args, { env });
      ground.mint.resume();
      expect([machine.code, human.code]).toEqual([25, 25]);
      const { ok, wallets } = onlyDocument(machine.stdout);
      expect([ok, wallets[0].spendable]).toEqual([false, 5248]);
      expect(wallets[0].verified).toMatchObject({ checked: 3, unknown: 3, findings: [] });
      expect(human.stdout).toContain('? 3 unknown');
      expect(human.stderr).toMatch(/the mint did not answer: .*no answer in time/);
    });

    it('a coin that is spent at the mint: exit code 20, named by Y, and nothing is changed', async () => {
      const tokens = await ground.tokens();
      const coin = tokens.flatMap(({ proofs }) => proofs).find(({ amount }) => amount === 128);
      await ground.mint.control.setState([coin?.Y ?? ''], 'SPENT');
      const before = await ground.standing();
      const { code, ok, wallets } = await document('--npub', rich.npub, '--verify');
      const human = await balance('--npub', rich.npub, '--verify');
      expect(await ground.standing()).toEqual(before);
      expect([code, ok, human.code]).toEqual([20, false, 20]);
      expect(wallets[0].verified.findings).toMatchObject([
        { type: 'DB_UNSPENT_MINT_SPENT', severity: 'HIGH', amount: 128, y: coin?.Y },
      ]);
      expect(human.stdout).toContain('✗ 1 differ');
      expect(human.stdout).toContain('\nHIGH DB_UNSPENT_MINT_SPENT: 128 sat\n');
      expect(human.stdout).toMatch(new RegExp(`^  npub1\\S+…\\w{4}  Y ${coin?.Y}$`, 'm'));
    });
  });

  it('nobody learned a secret', () => expectNoLeaks(ground));
});
