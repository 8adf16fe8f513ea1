/** A Nutshell mint with a wallet at it, for tests of what it does to one small melt. */

import { type MeltPreview, Wallet } from '@cashu/cashu-ts';
import { restoredFor, stateOf, sumOf } from './flow_steps.ts';
import { type Invoice, type InvoiceWanted, makeInvoice } from './invoices.ts';
import { type Nutshell, prepareNutshell, startNutshell } from './nutshell.ts';

/** What the mint shows of a melt: state of the quote, of the inputs, value of restored change. */
export type Look = readonly [quote: string, inputs: string, restored_sat: number];

export interface NutshellBench {
  readonly nutshell: Nutshell;
  readonly wallet: Wallet;
  invoiceOf(wanted: InvoiceWanted): Promise<Invoice>;
  /** A quote for an invoice of 10 sat, and 32 sat in one coin to pay it with. */
  ready(wanted?: InvoiceWanted): Promise<{ melt: MeltPreview; payment_hash: string }>;
  look(melt: MeltPreview): Promise<Look>;
}

export async function openBench(): Promise<NutshellBench> {
  const { python } = await prepareNutshell(() => {});
  const nutshell = await startNutshell({ log: () => {} });
  const wallet = new Wallet(nutshell.url);
  await wallet.loadMint();
  const invoiceOf = (wanted: InvoiceWanted) => makeInvoice(python, wanted);
  return {
    nutshell,
    wallet,
    invoiceOf,
    ready: async (wanted = {}) => {
      const deposit = await wallet.createMintQuoteBolt11(32);
      const paid = await wallet.checkMintQuoteBolt11(deposit.quote);
      const inputs = await wallet.mintProofsBolt11(32, paid);
      const { invoice, payment_hash } = await invoiceOf({ amountSat: 10, ...wanted });
      // The wallet's own call would refuse invoices that this mint takes.
      const quote = await wallet.mint.createMeltQuoteBolt11({ request: invoice, unit: 'sat' });
      return { payment_hash, melt: await wallet.prepareMelt('bolt11', quote, inputs) };
    },
    look: async (melt) => {
      const quote = await wallet.checkMeltQuote('bolt11', melt.quote.quote);
      const restored = await restoredFor(wallet, melt.outputData);
      return [quote.state, await stateOf(wallet, melt.inputs), sumOf(restored)];
    },
  };
}

/** What is left when 10 sat, the input fee and this Lightning fee are paid from 32 sat. */
export function changeAfter(lightningFee: number): number {
  return 32 - 10 - 1 - lightningFee;
}

/** How cashu-ts shows a refusal with a code. */
export function refused(code: number) {
  return { error: 'MintOperationError', status: 400, code };
}
