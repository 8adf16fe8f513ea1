import type { Proof, Wallet } from '@cashu/cashu-ts';
import { parseInvoice } from '../src/index.ts';
import { depositCoins, openPracticeWallet } from '../src/practice/mint/practice_wallet.ts';
import {
  createPracticeWallet,
  deposit,
  type PracticeGround,
} from '../src/practice/practice_ground.ts';
import { openCounted } from './counted_ops.ts';
import { median, ms, ratio, timed } from './measure.ts';

/** The same coins for both: as a deposit of 8 times 8,191 sat gives them. */
const COINS = Array.from({ length: 8 }, () => Array.from({ length: 13 }, (_, bit) => 2 ** bit));
const MELTS = 40;
const WARM_UP = 5;

/** The bare flow of cashu-ts keeps its coins in memory. */
class BareWallet {
  readonly #wallet: Wallet;
  #coins: Proof[];

  constructor(wallet: Wallet, coins: Proof[]) {
    this.#wallet = wallet;
    this.#coins = coins;
  }

  /** Quote, send, melt: what the library's documentation shows. */
  async melt(invoice: string): Promise<void> {
    const quote = await this.#wallet.createMeltQuoteBolt11(invoice);
    const needed = quote.amount.add(quote.fee_reserve);
    const { keep, send } = await this.#wallet.send(needed, this.#coins, { includeFees: true });
    const { change } = await this.#wallet.meltProofsBolt11(quote, send);
    this.#coins = [...keep, ...change];
  }
}

interface Side {
  name: string;
  melt: (invoice: string) => Promise<void>;
  times: number[];
  roundTrips: number;
}

/** Our melt against the bare flow of cashu-ts, in turn, at the same mint. */
export async function benchMelt(ground: PracticeGround, say: (line: string) => void) {
  const { mint } = ground;
  const counted = await openCounted(ground);
  const wallet = await createPracticeWallet(counted.ops.wallets, mint.url);
  for (const coins of COINS) await deposit(counted.ops.wallets, wallet, coins);
  const purse = await openPracticeWallet(mint.url);
  const bareWallet = new BareWallet(purse, await depositCoins(purse, COINS.flat()));
  const ours: Side = {
    name: 'ours',
    times: [],
    roundTrips: 0,
    melt: async (bolt11) => {
      const request = { npub: wallet.npub, mint_url: mint.url, max_fee: null };
      const plan = await counted.ops.melt.plan({ ...request, invoice: parseInvoice(bolt11) });
      if ('status' in plan) throw new Error(plan.message);
      const outcome = await counted.ops.melt.pay(plan, new AbortController().signal);
      if (outcome.status !== 'paid') throw new Error(outcome.message);
    },
  };
  const bare: Side = { name: 'bare', times: [], roundTrips: 0, melt: (i) => bareWallet.melt(i) };
  await race(ground, [ours, bare], counted.reset);
  say(`melt, ${MELTS} of each in turn, 17 to 796 sat, medians`);
  for (const side of [bare, ours]) {
    const trips = (side.roundTrips / MELTS).toFixed(1);
    say(
      `  ${side.name.padEnd(5)} ${ms(median(side.times)).padStart(9)}   ${trips} mint round trips`,
    );
  }
  const commands = (counted.commands().total / MELTS).toFixed(1);
  say(`  ours / bare ${ratio(median(ours.times), median(bare.times))} (wanted: at most 1.00 ×)`);
  say(`  database commands of ours: ${commands} for each melt, commits included`);
  await counted.ops.close();
  return median(ours.times) / median(bare.times);
}

async function race(ground: PracticeGround, sides: Side[], reset: () => void): Promise<void> {
  const { control } = ground.mint;
  for (let round = 0; round < WARM_UP + MELTS; round += 1) {
    if (round === WARM_UP) reset();
    // The first of a pair finds colder caches than the second, so they take turns in that too.
    for (const side of round % 2 === 0 ? sides : [...sides].reverse()) {
      const { invoice } = await control.createInvoice({ amount_sat: 17 + ((round * 397) % 780) });
      await control.resetRequests();
      const time = await timed(() => side.melt(invoice));
      if (round < WARM_UP) continue;
      side.times.push(time);
      side.roundTrips += (await control.requests()).total;
    }
  }
}
