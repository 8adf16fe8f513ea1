import { beforeAll, describe, expect, it } from 'vitest';
import { createPracticeWallet } from '../../src/practice/practice_ground.ts';
import type { Wallet } from '../../src/store/wallet_reads.ts';
import { type CliGround, cliGround, expectNoLeaks } from '../support/cli_ground.ts';
import { onlyDocument } from '../support/cli_refusal.ts';

/** What is reserved is held by somebody: balance names who, and how to go on. */
describe('balance with payments under way', () => {
  let ground: CliGround;
  let empty: Wallet;
  let ids: string[] = [];
  beforeAll(async () => {
    ground = await cliGround({ coins: [] });
    const { mint, ops } = ground;
    empty = await createPracticeWallet(ops.wallets, mint.url);
    for (const amount_sat of [1000, 14]) {
      await ground.addCoins(1024, 8, 4, 2, 1, 1);
      const { invoice, payment_hash } = await ground.invoice({ amount_sat });
      const hang = { outcome: 'hang', delay_ms: 120_000 } as const;
      await mint.control.setPaymentBehaviour(payment_hash, hang);
      const args = ['melt', invoice, ...ground.owner, '--yes'];
      const { code } = await ground.run(args, { env: { CASHU_OPS_MELT_TIMEOUT: '1s' } });
      expect(code).toBe(22);
    }
    const open = await ops.melts.openOperations(ground.npub).toArray();
    ids = open.map(({ _id }) => _id);
  });

  const document = async (...args: string[]) =>
    onlyDocument((await ground.run(['balance', ...args, '--json'])).stdout);

  it.each([
    ['of one owner', () => ['--npub', ground.npub]],
    ['of all', () => ['--all']],
    ['at one mint', () => ['--all', '--mint', ground.mint.url]],
  ])('%s: each operation with what it holds and what to type', async (_, which) => {
    const { wallets } = await document(...which());
    const { operations, reserved } = wallets.find(({ npub }: Wallet) => npub === ground.npub);
    expect(operations).toEqual(
      ids.map((operation_id) => ({
        operation_id,
        state: 'pending',
        reserved: expect.any(Number),
        age_s: expect.any(Number),
        next_command: `cashu-ops melt --resume ${operation_id}`,
      })),
    );
    const [first, second] = operations;
    expect(first.reserved).toBeGreaterThanOrEqual(1000);
    expect(first.reserved + second.reserved).toBe(reserved);
    expect(first.age_s).toBeGreaterThanOrEqual(1);
    expect(first.age_s).toBeLessThan(120);
    for (const { npub, operations: held } of wallets) {
      if (npub !== ground.npub) expect(held).toEqual([]);
    }
  });

  it('as a short list below the table, within 100 columns', async () => {
    const { code, stdout } = await ground.run(['balance', '--all']);
    expect([code, ids.length]).toEqual([0, 2]);
    const list = stdout
      .slice(stdout.lastIndexOf('┘') + 2)
      .trimEnd()
      .split('\n');
    expect(list).toHaveLength(4);
    expect(list[0]).toMatch(new RegExp(`^${ids[0]} {2}pending, holds 1,\\d{3} sat, \\d+[sm] old$`));
    expect(list[1]).toBe(`  next: cashu-ops melt --resume ${ids[0]}`);
    for (const line of list) expect(line.length).toBeLessThanOrEqual(100);
  });

  it('asks the database once, however many wallets there are, and not where nothing is held', async () => {
    const { db } = ground;
    const asked = async (...words: string[]) => {
      await db.command({ profile: 2 });
      expect((await ground.run(['balance', ...words])).code).toBe(0);
      await db.command({ profile: 0 });
      const ns = `${db.databaseName}.melt_operations`;
      const count = await db.collection('system.profile').countDocuments({ ns });
      await db.collection('system.profile').drop();
      return count;
    };
    expect(await asked('--all')).toBe(1);
    expect(await asked('--npub', empty.npub)).toBe(0);
  });

  it('the command that it names brings the payment to its end', async () => {
    for (const { next_command } of (await document('--npub', ground.npub)).wallets[0].operations) {
      const id = next_command.split(' ').at(-1);
      const operation = await ground.ops.melts.get(id);
      await ground.mint.control.resolvePayment(operation?.payment_hash ?? '', 'succeed');
      expect((await ground.run(next_command.split(' ').slice(1))).code).toBe(0);
    }
    const { wallets } = await document('--npub', ground.npub);
    expect(wallets[0]).toMatchObject({ reserved: 0, operations: [] });
  });

  it('nobody learned a secret', () => expectNoLeaks(ground));
});
