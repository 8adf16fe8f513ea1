import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type MintBench, mintBench } from '../../test/support/mint_bench.ts';
import type { SwapRecord } from '../domain/melt_operation.ts';
import { type NamedProof, sumProofs } from '../domain/proof.ts';
import type { CashuGateway } from './cashu_gateway.ts';
import { restoreOutputs } from './change.ts';
import { refusalOf } from './errors.ts';
import type { ChangeSignature } from './gateway.ts';

let bench: MintBench;
let gateway: CashuGateway;

beforeAll(async () => {
  bench = await mintBench();
});
beforeEach(async () => {
  gateway = bench.gateway();
  await gateway.load();
});

function stored<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

function outputsOf({ send_outputs, keep_outputs }: SwapRecord) {
  return [...send_outputs, ...keep_outputs];
}

function worthOf(outputs: SwapRecord['send_outputs']): number {
  return outputs.reduce((sum, { blindedMessage }) => sum + Number(blindedMessage.amount), 0);
}

function unblindAll(
  swap: SwapRecord,
  signatures: readonly ChangeSignature[],
): Promise<NamedProof[]> {
  return Promise.all(
    outputsOf(swap).map((output, index) =>
      gateway.unblind(output, signatures[index] as ChangeSignature),
    ),
  );
}

describe('prepareSwap', () => {
  it('closes: inputs are fee, coins to send and coins to keep; what is sent pays its own fee', async () => {
    const coins = await bench.coins(512, 256);
    const amounts = Array.from({ length: 760 }, (_, n) => n + 1);
    // Every seventh, and all around the powers of two and the end.
    const telling = amounts.filter(
      (n) => n % 7 === 0 || n > 745 || [31, 32, 33, 511, 512].includes(n),
    );
    for (const needed of telling) {
      const swap = gateway.prepareSwap(coins, needed, null);
      if (swap === null) {
        expect(needed).toBeGreaterThan(755);
        continue;
      }
      const [send, keep] = [worthOf(swap.send_outputs), worthOf(swap.keep_outputs)];
      expect(send + keep + swap.fee).toBe(768);
      expect(keep).toBe(swap.keep_amount);
      expect(swap.fee).toBe(gateway.inputFee(coins));
      const inputFee = gateway.inputFee(
        swap.send_outputs.map(({ blindedMessage }) => blindedMessage),
      );
      expect(send).toBe(needed + inputFee);
    }
  });

  it('is none where the inputs do not cover both fees', async () => {
    const coins = await bench.coins(64);
    // 1 sat for the swap, 1 sat for the coins that come of it.
    expect(gateway.prepareSwap(coins, 62, null)).toMatchObject({
      keep_amount: 0,
      keep_outputs: [],
    });
    expect(gateway.prepareSwap(coins, 63, null)).toBeNull();
  });

  it('asks the mint nothing, and survives JSON as it is', async () => {
    const coins = await bench.coins(64);
    await bench.mint.control.resetRequests();
    const swap = gateway.prepareSwap(coins, 20, null);
    expect((await bench.mint.control.requests()).total).toBe(0);
    expect(stored(swap)).toEqual(swap);
  });
});

describe('completeSwap', () => {
  async function prepared(needed: number): Promise<SwapRecord> {
    const swap = gateway.prepareSwap(await bench.coins(1024), needed, null);
    if (swap === null) throw new Error('the coins are too few');
    return stored(swap);
  }

  it('makes coins that pay exactly, without change', async () => {
    const swap = await prepared(102);
    const coins = await unblindAll(swap, await gateway.completeSwap(swap));
    const send = coins.slice(0, swap.send_outputs.length);
    expect(sumProofs(coins)).toBe(1024 - swap.fee);
    // 100 sat and the reserve of 2: nothing is over but the reserve.
    const { reading } = await bench.paidMelt(gateway, 100, send);
    expect(reading.state).toBe('PAID');
    expect(reading.change.map((signature) => signature.amount)).toEqual([1]);
  });

  it('gives the same coins a second time, sent or restored', async () => {
    const swap = await prepared(300);
    const first = await unblindAll(swap, await gateway.completeSwap(swap));
    const again = await unblindAll(swap, await bench.gateway().completeSwap(stored(swap)));
    const plain = (coins: NamedProof[]) =>
      coins.map(({ secret, C, amount, Y }) => ({ secret, C, amount, Y }));
    expect(plain(again)).toEqual(plain(first));
    const restored = await restoreOutputs(bench.gateway(), outputsOf(swap).toReversed());
    expect(plain(restored ?? []).toReversed()).toEqual(plain(first));
  });

  it('with coins that are gone proves nothing', async () => {
    await bench.mint.control.configure({ replay_ttl_s: null });
    const swap = await prepared(300);
    await gateway.completeSwap(swap);
    expect(await gateway.completeSwap(swap).catch(refusalOf)).toBeNull();
  });

  it('does not make a coin of the signature of another output', async () => {
    const swap = await prepared(300);
    const signatures = await gateway.completeSwap(swap);
    await expect(unblindAll(swap, signatures.toReversed())).rejects.toThrow();
  });
});
