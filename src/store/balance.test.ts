import { mongo } from 'mongoose';
import { beforeAll, describe, expect, it } from 'vitest';
import { testStore } from '../../test/support/test_store.ts';
import { MINT, NPUB, token } from '../../test/support/tokens.ts';
import type { TokenStatus } from '../domain/proof.ts';
import {
  aggregateBalances,
  type BalanceRow,
  calculateBalance,
  getDetailedBalance,
  readBalances,
} from './balance.ts';
import { type TokenDocument, tokensOf, walletsOf } from './documents.ts';
import type { WalletSelection } from './wallet_reads.ts';

const OTHER_MINT = 'https://other.test';
const BIG = 'npub1big';
const store = await testStore();
const template = token({ proofs: [], status: 'pending' });
let serial = 0;

/** A token that is cheap to make: balances look at totals only. */
function plain(fields: Partial<TokenDocument>): TokenDocument {
  serial += 1;
  const proofs = [{ id: '00', amount: 1, secret: `secret ${serial}`, C: '02' }];
  return {
    ...template,
    _id: new mongo.ObjectId(),
    transaction_id: `test_${serial}`,
    proofs,
    ...fields,
  };
}

async function addWallet(npub: string, mint_url: string, unit = 'sat'): Promise<void> {
  await walletsOf(store.db).insertOne({
    _id: new mongo.ObjectId(),
    npub,
    mint_url,
    p2pk_pubkey: '02',
    p2pk_privkey: 'canary-private-key',
    wallet_config: { unit },
    createdAt: new Date(),
    updatedAt: new Date(),
  });
}

async function rows(selection: WalletSelection): Promise<BalanceRow[]> {
  const all: BalanceRow[] = [];
  for await (const row of readBalances(store.db, selection)) all.push(row);
  return all;
}

beforeAll(async () => {
  await addWallet(NPUB, MINT);
  await addWallet(NPUB, OTHER_MINT, 'usd');
  await addWallet('npub1aaaa', MINT);
  await addWallet(BIG, MINT);
  const own = { npub: NPUB, mint_url: MINT };
  await tokensOf(store.db).insertMany([
    plain({ ...own, status: 'unspent', total_amount: 5 }),
    plain({ ...own, status: 'unspent', total_amount: 7 }),
    plain({ ...own, status: 'pending', total_amount: 11 }),
    plain({ ...own, status: 'pending', total_amount: 0, proofs: [] }),
    plain({ ...own, status: 'pending', total_amount: 0, proofs: [] }),
    plain({ ...own, status: 'spent', total_amount: 13 }),
    plain({ ...own, status: 'failed', total_amount: 17 }),
    plain({ npub: NPUB, mint_url: OTHER_MINT, status: 'unspent', total_amount: 19 }),
    // Tokens whose wallet document is missing.
    plain({ npub: 'npub1zzzz', mint_url: MINT, status: 'unspent', total_amount: 23 }),
    plain({ npub: 'npub1mmmm', mint_url: MINT, status: 'unspent', total_amount: 29 }),
  ]);
  const statuses: TokenStatus[] = ['unspent', 'unspent', 'spent', 'pending'];
  await tokensOf(store.db).insertMany(
    Array.from({ length: 10_000 }, (_, i) =>
      plain({ npub: BIG, mint_url: MINT, status: statuses[i % 4] ?? 'unspent', total_amount: i }),
    ),
  );
});

const OWN: BalanceRow = {
  npub: NPUB,
  mint_url: MINT,
  unit: 'sat',
  spendable: 12,
  reserved: 11,
  pending_deposits: 2,
  spent: 13,
};
const OWN_OTHER: BalanceRow = {
  npub: NPUB,
  mint_url: OTHER_MINT,
  unit: 'usd',
  spendable: 19,
  reserved: 0,
  pending_deposits: 0,
  spent: 0,
};

describe('readBalances', () => {
  it('sums up by wallet and mint', async () => {
    expect(await rows({ npubs: [NPUB] })).toEqual([OWN_OTHER, OWN].sort(byMint));
    expect(await rows({ npubs: [NPUB], mintUrl: OTHER_MINT })).toEqual([OWN_OTHER]);
  });

  it('walks all wallets in order: those without tokens, and tokens without a wallet', async () => {
    const all = await rows({ npubs: 'all' });
    expect(all.map(({ npub, mint_url, spendable }) => [npub, mint_url, spendable])).toEqual([
      ['npub1aaaa', MINT, 0],
      [BIG, MINT, 24_992_500],
      ['npub1mmmm', MINT, 29],
      [NPUB, MINT, 12],
      [NPUB, OTHER_MINT, 19],
      ['npub1zzzz', MINT, 23],
    ]);
    expect(JSON.stringify(all)).not.toContain('canary');
  });

  it('shows zeros for a wallet without tokens', async () => {
    expect(await rows({ npubs: ['npub1aaaa'] })).toEqual([
      {
        npub: 'npub1aaaa',
        mint_url: MINT,
        unit: 'sat',
        spendable: 0,
        reserved: 0,
        pending_deposits: 0,
        spent: 0,
      },
    ]);
  });

  it('has no row for somebody unknown', async () => {
    expect(await rows({ npubs: ['npub1nobody'] })).toEqual([]);
    expect(await rows({ npubs: [] })).toEqual([]);
  });

  it('can be left early', async () => {
    for await (const row of readBalances(store.db, { npubs: 'all' })) {
      expect(row.npub).toBe('npub1aaaa');
      break;
    }
  });

  it.each([
    ['one wallet of 10,000 tokens', { npubs: [BIG] }, 10_000],
    ['one mint of a wallet', { npubs: [BIG], mintUrl: MINT }, 10_000],
    ['all wallets', { npubs: 'all' }, 10_010],
  ] as const)('answers %s from the index alone', async (_, selection, keys) => {
    const plan = await aggregateBalances(store.db, selection).explain('executionStats');
    const stats = statsOf(plan);
    expect(stats.totalDocsExamined).toBe(0);
    expect(stats.totalKeysExamined).toBeGreaterThanOrEqual(keys);
    expect(stats.totalKeysExamined).toBeLessThanOrEqual(keys + 20);
    expect(JSON.stringify(plan)).toContain('balance_covered');
  });

  it('sees one moment while coins move between states', async () => {
    // The walk over a big wallet takes long enough for tokens to move in front of and behind it.
    const own = { npub: BIG, mint_url: MINT };
    const moving = Array.from({ length: 20 }, () =>
      plain({ ...own, status: 'unspent', total_amount: 1_000_000 }),
    );
    await tokensOf(store.db).insertMany(moving);
    const _id = { $in: moving.map((document) => document._id) };
    let going = true;
    const mover = (async () => {
      for (let i = 0; going; i += 1) {
        const status = i % 2 === 0 ? 'pending' : 'unspent';
        await tokensOf(store.db).updateMany({ _id }, { $set: { status } });
      }
    })();
    const sums = new Set<number>();
    for (let i = 0; i < 60; i += 1) {
      const [row] = await rows({ npubs: [BIG] });
      sums.add((row?.spendable ?? 0) + (row?.reserved ?? 0));
    }
    going = false;
    await mover;
    await tokensOf(store.db).deleteMany({ _id });
    expect(sums.size).toBe(1);
  });

  it('refuses a sum that is not counted exactly', async () => {
    const npub = 'npub1rich';
    const half = 2 ** 52;
    const own = { npub, mint_url: MINT, status: 'unspent' } as const;
    await tokensOf(store.db).insertMany([
      plain({ ...own, total_amount: half }),
      plain({ ...own, total_amount: half }),
    ]);
    await expect(rows({ npubs: [npub] })).rejects.toMatchObject({ code: 'AMOUNT_TOO_LARGE' });
    await expect(calculateBalance(store.db, npub)).rejects.toMatchObject({
      code: 'AMOUNT_TOO_LARGE',
    });
  });
});

describe('calculateBalance', () => {
  it.each([
    ['what is unspent at all mints', [NPUB], 31],
    ['what is unspent at one', [NPUB, MINT], 12],
    ['what is spent', [NPUB, MINT, 'spent'], 13],
    ['what is pending', [NPUB, undefined, 'pending'], 11],
    ['nothing of nobody', ['npub1nobody'], 0],
  ] as const)('sums up %s', async (_, [npub, mintUrl, status], sum) => {
    expect(await calculateBalance(store.db, npub, mintUrl, status)).toBe(sum);
  });
});

describe('getDetailedBalance', () => {
  it('adds the mints up', async () => {
    const { mints, totals } = await getDetailedBalance(store.db, NPUB);
    expect(mints).toHaveLength(2);
    expect(totals).toEqual({ spendable: 31, reserved: 11, pending_deposits: 2, spent: 13 });
  });
});

function byMint(a: BalanceRow, b: BalanceRow): number {
  return a.mint_url < b.mint_url ? -1 : 1;
}

/** The numbers stand in the plan's first stage when the group is not pushed down. */
function statsOf(plan: mongo.Document): { totalDocsExamined: number; totalKeysExamined: number } {
  return plan.executionStats ?? plan.stages[0].$cursor.executionStats;
}
