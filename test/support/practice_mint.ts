import {
  OutputData,
  type Proof,
  type SerializedBlindedMessage,
  type Wallet,
} from '@cashu/cashu-ts';
import { beforeEach, expect } from 'vitest';
import {
  type FaultRule,
  ledgerCloses,
  type PracticeMint,
  type PracticeMintControl,
  startPracticeMint,
} from '../../src/practice/mint/client.ts';
import { depositCoins, openPracticeWallet } from '../../src/practice/mint/practice_wallet.ts';
import { DEFAULT_SETTINGS } from '../../src/practice/mint/settings.ts';
import { atEnd } from './at_end.ts';

/** What a wallet throws when the mint refuses with this code. */
export function code(number: number) {
  return { name: 'MintOperationError', code: number };
}

/** Coins as they stand in a request: plain amounts, and no proof of the signature. */
export function wireInputs(coins: readonly Proof[]) {
  return coins.map(({ dleq: _, ...coin }) => ({ ...coin, amount: Number(coin.amount) }));
}

/**
 * Starts a practice mint for a test file and opens a wallet there; to be awaited at its top.
 *
 * Every test finds the mint as it was started, but for its coins and keysets. After the last one
 * its books must close, and neither it nor a mint started with the same `log` may have said
 * anything.
 *
 * @returns the mint, the wallet, the log for further mints, and what the tests do with them
 */
export async function useMint() {
  const said: string[] = [];
  const log = (line: string): void => void said.push(line);
  const mint = await startPracticeMint({ log });
  beforeEach(() => reset(mint.control));
  atEnd(async () => {
    const ledger = await mint.control.ledger();
    await mint.stop();
    expect(ledgerCloses(ledger)).toBe(true);
    expect(said).toEqual([]);
  });
  const wallet = await openPracticeWallet(mint.url);
  return {
    mint,
    wallet,
    log,
    ...requestsTo(mint.url),
    ...faultsOf(mint.control),
    ...swapsWith(wallet),
    ...meltsWith(mint, wallet),
  };
}

async function reset(control: PracticeMintControl): Promise<void> {
  await control.configure(DEFAULT_SETTINGS);
  await control.resetInfo();
  await control.clearFaults();
  await control.setPaymentBehaviour('*', { outcome: 'succeed' });
}

/** Requests without the retries and the patience of a wallet. */
function requestsTo(url: string) {
  async function ask(path: string, body?: unknown): Promise<Response> {
    const request = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    return fetch(`${url}${path}`, { ...request, signal: AbortSignal.timeout(5000) });
  }
  async function askJson(path: string, body?: unknown): Promise<Record<string, unknown>> {
    return (await (await ask(path, body)).json()) as Record<string, unknown>;
  }
  /** Posts a body as it is. */
  async function post(path: string, body: string) {
    const response = await fetch(`${url}${path}`, { method: 'POST', body });
    return { status: response.status, text: await response.text() };
  }
  return { ask, askJson, post };
}

/** One rule in the place of all that were set. */
function faultsOf(control: PracticeMintControl) {
  const fault =
    (phase: FaultRule['phase']) =>
    (endpoint: FaultRule['endpoint'], action: FaultRule['action']): Promise<void> =>
      control.setFaults([{ endpoint, phase, action }]);
  return { faultBefore: fault('before'), faultAfter: fault('after') };
}

/** Swaps that no wallet would ask for. */
function swapsWith(wallet: Wallet) {
  function outputsOf(amounts: readonly number[], keysetId = wallet.keysetId) {
    const made = amounts.map((amount) => OutputData.createSingleRandomData(amount, keysetId));
    return made.map((output) => output.blindedMessage);
  }
  function swap(inputs: Proof[], outputs: SerializedBlindedMessage[]) {
    return wallet.mint.swap({ inputs, outputs });
  }
  return { outputsOf, swap };
}

function meltsWith(mint: PracticeMint, wallet: Wallet) {
  /** A new invoice and its quote. */
  async function meltQuote(amountSat: number) {
    const made = await mint.control.createInvoice({ amount_sat: amountSat });
    return { ...made, quote: await wallet.createMeltQuoteBolt11(made.invoice) };
  }
  /** A melt that is ready to be sent, with four coins of change to come. */
  async function preparedMelt() {
    const coins = await depositCoins(wallet, [128, 64]);
    const made = await meltQuote(100);
    const prepared = await wallet.prepareMelt('bolt11', made.quote, coins);
    const outputs = prepared.outputData.map(({ blindedMessage }) => ({
      ...blindedMessage,
      amount: 0,
    }));
    const body = { quote: made.quote.quote, inputs: wireInputs(coins), outputs };
    return { ...made, coins, prepared, outputs, body };
  }
  return { meltQuote, preparedMelt };
}
