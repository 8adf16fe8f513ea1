import type { NamedProof } from '../../src/domain/proof.ts';
import { named } from '../../src/domain/proof_y.ts';
import { CashuGateway } from '../../src/mint/cashu_gateway.ts';
import type { MeltQuote, MeltRequest, QuoteReading } from '../../src/mint/gateway.ts';
import type { PracticeInvoice } from '../../src/practice/mint/client.ts';
import {
  ledgerCloses,
  type PracticeMint,
  type PracticeMintOptions,
  startPracticeMint,
} from '../../src/practice/mint/client.ts';
import { depositCoins, openPracticeWallet } from '../../src/practice/mint/practice_wallet.ts';
import { DEFAULT_SETTINGS } from '../../src/practice/mint/settings.ts';
import { atEnd } from './at_end.ts';

const TIMEOUTS = { request_ms: 10_000, melt_ms: 20_000 };

/** A melt as it stands after T2: written down, not sent. */
export interface ReadyMelt {
  invoice: PracticeInvoice;
  quote: MeltQuote;
  request: MeltRequest;
}

/** A practice mint and what a wallet needs to try the gateway on it; no database. */
export interface MintBench {
  mint: PracticeMint;
  /** A gateway of its own: nothing is loaded yet. */
  gateway(url?: string): CashuGateway;
  /** Takes back what a test has changed at the mint, and gives a gateway of its own. */
  fresh(): Promise<CashuGateway>;
  coins(...amountsSat: number[]): Promise<NamedProof[]>;
  /** Quotes an invoice over `amount_sat` and prepares its melt with these inputs. */
  readyMelt(
    gateway: CashuGateway,
    amount_sat: number,
    inputs: NamedProof[],
    privkey?: string | null,
  ): Promise<ReadyMelt>;
  /** A melt that is paid: with its answer. */
  paidMelt(
    gateway: CashuGateway,
    amount_sat: number,
    inputs: NamedProof[],
  ): Promise<ReadyMelt & { reading: QuoteReading }>;
}

/** Stops the mint after the file's tests and expects its books to close. */
export async function mintBench(options: Partial<PracticeMintOptions> = {}): Promise<MintBench> {
  const mint = await startPracticeMint({ log: () => {}, ...options });
  atEnd(async () => {
    const ledger = await mint.control.ledger();
    await mint.stop();
    if (!ledgerCloses(ledger)) throw new Error('the books of the practice mint do not close');
  });
  const bench: MintBench = {
    mint,
    gateway: (url = mint.url) => new CashuGateway({ url, timeouts: TIMEOUTS }),
    async fresh() {
      await mint.control.clearFaults();
      await mint.control.resetInfo();
      await mint.control.configure(DEFAULT_SETTINGS);
      await mint.control.resetRequests();
      return bench.gateway();
    },
    async coins(...amountsSat) {
      const proofs = await depositCoins(await openPracticeWallet(mint.url), amountsSat);
      return proofs.map(({ id, amount, secret, C }) =>
        named({ id, amount: amount.toNumber(), secret, C }),
      );
    },
    async readyMelt(gateway, amount_sat, inputs, privkey = null) {
      await gateway.load();
      const invoice = await mint.control.createInvoice({ amount_sat });
      const quote = await gateway.createMeltQuote(invoice.invoice);
      const { quote_id } = quote;
      const prepared = await gateway.prepareMelt(quote, inputs, privkey);
      return { invoice, quote, request: { quote_id, ...prepared } };
    },
    async paidMelt(gateway, amount_sat, inputs) {
      const ready = await bench.readyMelt(gateway, amount_sat, inputs);
      return { ...ready, reading: await gateway.completeMelt(ready.request) };
    },
  };
  return bench;
}
