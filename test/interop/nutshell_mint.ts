/** Nutshell as a mint under test: its outcomes are settings, so each change is a restart. */

import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { makeInvoice, NUTSHELL_PREIMAGE } from './invoices.ts';
import { type MintUnderTest, type PaymentOutcome, SLOW_PAYMENT_MS } from './mint_under_test.ts';
import { type NutshellOptions, prepareNutshell, startNutshell } from './nutshell.ts';

const RESOLVE_LIMIT_MS = 10_000;

/** What the pretended Lightning side answers to a payment, and to a question about one. */
const SETTINGS: Record<PaymentOutcome, Record<string, string>> = {
  paid: { FAKEWALLET_PAY_INVOICE_STATE: 'SETTLED', FAKEWALLET_PAYMENT_STATE: 'SETTLED' },
  slow: {
    FAKEWALLET_DELAY_OUTGOING_PAYMENT: String(SLOW_PAYMENT_MS / 1000),
    FAKEWALLET_PAY_INVOICE_STATE: 'SETTLED',
    // Otherwise whoever reads the quote meanwhile settles it (README.md).
    FAKEWALLET_PAYMENT_STATE: 'PENDING',
  },
  failed: { FAKEWALLET_PAY_INVOICE_STATE: 'FAILED', FAKEWALLET_PAYMENT_STATE: 'FAILED' },
  pending: { FAKEWALLET_PAY_INVOICE_STATE: 'PENDING', FAKEWALLET_PAYMENT_STATE: 'PENDING' },
};

/**
 * Starts a Nutshell mint for the wallet flows.
 *
 * @param options as for `startNutshell`
 */
export async function startNutshellUnderTest(options: NutshellOptions): Promise<MintUnderTest> {
  const { python } = await prepareNutshell(options.log);
  const nutshell = await startNutshell(options);
  let arranged: PaymentOutcome = 'paid';
  const arrange = async (outcome: PaymentOutcome) => {
    if (outcome !== arranged) await nutshell.restart(SETTINGS[outcome]);
    arranged = outcome;
  };
  return {
    url: nutshell.url,
    makeInvoice: async ({ amountSat, outcome, provable = false }) => {
      await arrange(outcome);
      return makeInvoice(python, {
        amountSat,
        ...(provable ? { preimage: NUTSHELL_PREIMAGE } : {}),
      });
    },
    makeAmountlessInvoice: async () => (await makeInvoice(python, {})).invoice,
    // It counts a deposit as paid the moment its quote is asked for.
    payDeposit: async () => {},
    resolvePayment: async ({ quote }, outcome) => {
      await arrange(outcome);
      await untilSettled(`${nutshell.url}/v1/melt/quote/bolt11/${quote}`);
    },
    stop: () => nutshell.stop(),
  };
}

/**
 * Nutshell settles a pending quote at its start and again when asked; a question in the middle of
 * the other answers 400 although the payment went well, so this asks until both are through.
 */
async function untilSettled(quoteUrl: string): Promise<void> {
  const limit = AbortSignal.timeout(RESOLVE_LIMIT_MS);
  for (;;) {
    const response = await fetch(quoteUrl, { signal: limit });
    const body: unknown = await response.json();
    if (response.ok && z.object({ state: z.string() }).parse(body).state !== 'PENDING') return;
    await sleep(100, undefined, { signal: limit });
  }
}
