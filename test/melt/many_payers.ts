import { setTimeout as sleep } from 'node:timers/promises';
import type { Invoice } from '../../src/domain/invoice.ts';
import { WALLETS } from '../../src/store/collections.ts';
import { startMelt } from '../support/melt_cli.ts';
import type { MeltGround } from '../support/melt_ground.ts';
import type { CliResult } from '../support/run_cli.ts';
import { until } from './kill_points.ts';

/** So many processes or calls at once. */
export const PAYERS = 20;

/** Nobody may give up while the mint stands still. */
const PATIENT = { CASHU_OPS_REQUEST_TIMEOUT: '5m' };
const START_WITHIN_MS = 60_000;
const WAVE = 4;

/**
 * Starts one process for each invoice and lets all of them go at the same moment: the mint stands
 * still until each has asked the database for its wallet, which it does right before the mint.
 */
export async function payAtOnce(
  ground: MeltGround,
  invoices: readonly Invoice[],
): Promise<CliResult[]> {
  const before = await walletReads(ground);
  const ends: Promise<CliResult>[] = [];
  let endedEarly = false;
  ground.mint.suspend();
  try {
    for (const invoice of invoices) {
      const { ended } = startMelt(ground, invoice, PATIENT);
      ends.push(ended.finally(() => (endedEarly = true)));
      // All starts at once would need more processors than there are, and time out.
      const wave = ends.length % WAVE === 0 || ends.length === invoices.length;
      const started = async () => endedEarly || (await walletReads(ground)) >= before + ends.length;
      if (wave) await until(started, { withinMs: START_WITHIN_MS, what: 'the start' });
    }
    await sleep(200);
  } finally {
    ground.mint.resume();
  }
  return Promise.all(ends);
}

/** How often wallets of this database were asked for: the server's own count. */
async function walletReads({ ops }: MeltGround): Promise<number> {
  const { db, client } = ops.store;
  const { totals } = await client.db('admin').command({ top: 1 });
  return totals[`${db.databaseName}.${WALLETS}`]?.queries.count ?? 0;
}

/** Fresh invoices over the same amount (sat). */
export async function freshInvoices(ground: MeltGround, amountSat: number): Promise<Invoice[]> {
  const requests = Array.from({ length: PAYERS }, () => ground.request(amountSat));
  return (await Promise.all(requests)).map(({ invoice }) => invoice);
}

export const hashesOf = (invoices: readonly Invoice[]): string[] =>
  invoices.map(({ payment_hash }) => payment_hash);

/** Coins of 64 sat, some to a token; two of them pay an invoice over 100 sat. */
export const INVOICE_SAT = 100;

export async function addTokens(ground: MeltGround, tokens: number, coins: number): Promise<void> {
  for (let made = 0; made < tokens; made += 1) await ground.addCoins(...Array(coins).fill(64));
}
