/** The practice mint as a mint under test, set to the habits that Nutshell cannot be talked out of. */

import { startPracticeMint } from '../../src/practice/mint/client.ts';
import { type MintUnderTest, type PaymentOutcome, SLOW_PAYMENT_MS } from './mint_under_test.ts';

type Control = Awaited<ReturnType<typeof startPracticeMint>>['control'];
type Behaviour = Parameters<Control['setPaymentBehaviour']>[1];

const BEHAVIOURS: Record<PaymentOutcome, Behaviour> = {
  paid: { outcome: 'succeed', fee_sat: 1 },
  slow: { outcome: 'succeed', fee_sat: 1, delay_ms: SLOW_PAYMENT_MS },
  failed: { outcome: 'fail' },
  // Nutshell's pretended node tells neither fee nor preimage of a payment that it is asked about.
  pending: { outcome: 'hang', fee_sat: 0, preimage: 'missing' },
};

/**
 * Starts a practice mint for the wallet flows.
 *
 * @param options input fee per thousand, and who hears the mint
 */
export async function startPracticeMintUnderTest(options: {
  inputFeePpk: number;
  log: (line: string) => void;
}): Promise<MintUnderTest> {
  const mint = await startPracticeMint({
    ...options,
    // Nutshell keeps no answers (NUT-19 needs a Redis server there), and its deposits wait.
    settings: { replay_ttl_s: null, deposits_paid_at_once: false },
  });
  const { control } = mint;
  return {
    url: mint.url,
    makeInvoice: async ({ amountSat, outcome }) => {
      const invoice = await control.createInvoice({ amount_sat: amountSat, network: 'mainnet' });
      await control.setPaymentBehaviour(invoice.payment_hash, BEHAVIOURS[outcome]);
      return invoice;
    },
    makeAmountlessInvoice: async () => (await control.createInvoice({})).invoice,
    payDeposit: (quote) => control.payMintQuote(quote),
    resolvePayment: ({ payment_hash }, outcome) =>
      control.resolvePayment(payment_hash, outcome === 'paid' ? 'succeed' : 'fail'),
    stop: () => mint.stop(),
  };
}
