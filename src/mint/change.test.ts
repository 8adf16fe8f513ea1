import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type MintBench, mintBench } from '../../test/support/mint_bench.ts';
import type { StoredOutput } from '../domain/melt_operation.ts';
import { type NamedProof, sumProofs } from '../domain/proof.ts';
import type { FaultRule } from '../practice/mint/client.ts';
import { openPracticeWallet } from '../practice/mint/practice_wallet.ts';
import type { CashuGateway } from './cashu_gateway.ts';
import { recoverChange, restoreOutputs } from './change.ts';
import type { ChangeSignature } from './gateway.ts';

/** 192 sat for 100: reserve 2, fee 1, input fee 1, and 90 sat of change in four coins. */
const CHANGE_SAT = 90;

let bench: MintBench;
let gateway: CashuGateway;

beforeAll(async () => {
  bench = await mintBench();
});
beforeEach(async () => {
  gateway = await bench.fresh();
});

type Action = FaultRule['action'];
const faultsAfter = (endpoint: FaultRule['endpoint'], ...actions: Action[]): FaultRule[] =>
  actions.map((action) => ({ endpoint, phase: 'after', action }));
const RESTORE_DOWN: FaultRule = {
  endpoint: 'restore',
  phase: 'before',
  times: 0,
  action: { type: 'drop' },
};

interface Melted {
  blanks: StoredOutput[];
  change: ChangeSignature[];
}

/** A melt that is paid under faults, as it comes back from the database and from the mint. */
async function melted(...faults: FaultRule[]): Promise<Melted> {
  const ready = await bench.readyMelt(gateway, 100, await bench.coins(128, 64));
  await bench.mint.control.setFaults(faults);
  const { state, change } = await gateway.completeMelt(ready.request);
  expect(state).toBe('PAID');
  await bench.mint.control.resetRequests();
  return { blanks: JSON.parse(JSON.stringify(ready.request.blanks)), change };
}

const requests = async (path: string) => (await bench.mint.control.requests()).by_path[path] ?? 0;

/** The mint takes the coins, and gives their worth less the fee for them. */
async function expectSpendable(coins: readonly NamedProof[], worth = CHANGE_SAT): Promise<void> {
  expect(sumProofs(coins)).toBe(worth);
  expect(new Set(coins.map((coin) => coin.Y)).size).toBe(coins.length);
  await bench.mint.control.clearFaults();
  const wallet = await openPracticeWallet(bench.mint.url);
  for (const { id } of coins) await wallet.keyChain.ensureKeysetKeys(id);
  const received = await wallet.receive(
    coins.map(({ id, amount, secret, C }) => ({ id, amount, secret, C })),
  );
  expect(sumProofs(received.map(({ amount }) => ({ amount: amount.toNumber() })))).toBe(worth - 1);
}

describe('by position, where every signature proves itself', () => {
  it('takes the change of the answer, and asks nothing more', async () => {
    const { blanks, change } = await melted();
    const coins = await coinsOf(gateway, blanks, change);
    expect(await requests('/v1/restore')).toBe(0);
    expect(coins.every((coin) => coin.dleq !== undefined)).toBe(true);
    await expectSpendable(coins);
  });

  it('passes over a signature worth nothing', async () => {
    const { blanks, change } = await melted(
      ...faultsAfter('melt', { type: 'change_zero_signature' }),
    );
    expect(change.at(-1)?.amount).toBe(0);
    const coins = await coinsOf(gateway, blanks, change);
    expect(await requests('/v1/restore')).toBe(0);
    await expectSpendable(coins);
  });

  it('takes a keyset that the mint began after it was loaded', async () => {
    const { blanks, change } = await melted(
      ...faultsAfter('melt', { type: 'change_foreign_keyset' }),
    );
    const ids = new Set(change.map((signature) => signature.id));
    expect([...ids].some((id) => blanks.some((blank) => blank.blindedMessage.id === id))).toBe(
      false,
    );
    const coins = await coinsOf(gateway, blanks, change);
    expect(await requests('/v1/restore')).toBe(0);
    expect(new Set(coins.map((coin) => coin.id))).toEqual(ids);
    await expectSpendable(coins);
  });
});

describe('by B_, from what the mint signed before', () => {
  it.each([
    ['out of its order', { type: 'change_shuffled' }],
    ['left out', { type: 'change_missing' }],
    ['without proofs', { type: 'change_without_dleq' }],
    ['with one proof missing', { type: 'omit', fields: ['change.2.dleq'] }],
    ['with a wrong amount', { type: 'set', fields: { 'change.0.amount': 1024 } }],
    ['with an amount that is none', { type: 'set', fields: { 'change.0.amount': 1e30 } }],
    [
      'of a keyset that does not exist',
      { type: 'set', fields: { 'change.0.id': '00ffffffffffffff' } },
    ],
    ['that is no list', { type: 'set', fields: { change: 'none' } }],
  ] as [string, Action][])('finds change that came %s', async (_, action) => {
    const { blanks, change } = await melted(...faultsAfter('melt', action));
    const coins = await coinsOf(gateway, blanks, change);
    expect(await requests('/v1/restore')).toBe(1);
    await expectSpendable(coins);
  });

  it('depends on no order', async () => {
    const { blanks } = await melted();
    const coins = await restoreOutputs(gateway, blanks.toReversed());
    await expectSpendable(coins ?? []);
  });

  it('tells a mint that cannot be asked from one that signed nothing', async () => {
    const { request } = await bench.readyMelt(gateway, 100, await bench.coins(128));
    expect(await restoreOutputs(gateway, request.blanks)).toEqual([]);
    await bench.mint.control.setFaults([RESTORE_DOWN]);
    expect(await restoreOutputs(gateway, request.blanks)).toBeNull();
  });
});

describe('by trying, where the mint does not restore', () => {
  it.each([
    ['is down', [RESTORE_DOWN]],
    ['has forgotten', faultsAfter('restore', { type: 'restore_empty' })],
  ])('sorts shuffled change when restoring %s', async (_, faults) => {
    const shuffled = faultsAfter(
      'melt',
      { type: 'change_shuffled' },
      { type: 'change_zero_signature' },
    );
    const { blanks, change } = await melted(...shuffled, ...faults);
    await expectSpendable(await coinsOf(gateway, blanks, change));
  });

  it('takes what is more, where the mint restores only a part', async () => {
    const { blanks, change } = await melted(...faultsAfter('melt', { type: 'change_shuffled' }));
    const partly = {
      unblind: gateway.unblind.bind(gateway),
      restore: async (outputs: readonly StoredOutput[]) =>
        new Map([...(await gateway.restore(outputs))].slice(0, 1)),
    };
    await expectSpendable(await coinsOf(partly, blanks, change));
  });

  it('trusts no position without a proof: rather no coin than a wrong one', async () => {
    const { blanks, change } = await melted(
      ...faultsAfter('melt', { type: 'change_shuffled' }, { type: 'change_without_dleq' }),
      RESTORE_DOWN,
    );
    expect(change).toHaveLength(4);
    expect(await coinsOf(gateway, blanks, change)).toEqual([]);
    // Nothing is lost: the mint still has the signatures.
    await bench.mint.control.clearFaults();
    await expectSpendable(await coinsOf(gateway, blanks, change));
  });

  it('makes one coin of a signature that came twice', async () => {
    const { blanks, change } = await melted(RESTORE_DOWN);
    const doubled = [...change, ...change].toReversed();
    await expectSpendable(await coinsOf(gateway, blanks, doubled));
  });

  it('makes no coin of the signatures of somebody else', async () => {
    const [mine, other] = [await melted(), await melted()];
    await bench.mint.control.setFaults([RESTORE_DOWN]);
    expect(await coinsOf(gateway, mine.blanks, other.change)).toEqual([]);
    expect(await coinsOf(gateway, mine.blanks, [])).toEqual([]);
  });

  it('asks once, not for each coin, whether a keyset exists', async () => {
    const id = '00ffffffffffffff';
    const { blanks, change } = await melted(RESTORE_DOWN);
    const foreign = change.map((signature) => ({ ...signature, id }));
    expect(await coinsOf(gateway, blanks, foreign)).toEqual([]);
    expect(await requests('/v1/keysets')).toBe(1);
  });
});

it('asks nothing where no change was asked for', async () => {
  await bench.mint.control.resetRequests();
  expect(await coinsOf(gateway, [], [])).toEqual([]);
  expect((await bench.mint.control.requests()).total).toBe(0);
});

async function coinsOf(...of: Parameters<typeof recoverChange>) {
  return (await recoverChange(...of)).coins;
}
