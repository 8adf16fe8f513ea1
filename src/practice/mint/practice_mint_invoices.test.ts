import { decode } from 'light-bolt11-decoder';
import { describe, expect, it } from 'vitest';
import { useMint } from '../../../test/support/practice_mint.ts';
import { startPracticeMint } from './client.ts';
import { depositCoins } from './practice_wallet.ts';
import { NETWORKS } from './settings.ts';

const { mint, wallet, log } = await useMint();

describe('invoices', () => {
  it.each(NETWORKS)('of %s are read by the wallet’s decoder', async (network) => {
    const made = await mint.control.createInvoice({
      amount_sat: 2100,
      description: 'Tea & cake',
      expiry_s: 90,
      timestamp: 1_800_000_000,
      network,
    });
    const prefixes = { mainnet: 'lnbc', testnet: 'lntb', signet: 'lntbs', regtest: 'lnbcrt' };
    expect(made.invoice.startsWith(`${prefixes[network]}21u1`)).toBe(true);
    const { sections } = decode(made.invoice);
    const values = Object.fromEntries(
      sections.map((part) => [part.name, 'value' in part ? part.value : undefined]),
    );
    expect(values).toMatchObject({
      amount: '2100000',
      payment_hash: made.payment_hash,
      description: 'Tea & cake',
      timestamp: 1_800_000_000,
      expiry: 90,
    });
    const quote = await wallet.createMeltQuoteBolt11(made.invoice);
    expect(quote.amount.toNumber()).toBe(2100);
    await expect(wallet.checkMeltQuoteBolt11(quote)).resolves.toMatchObject({ state: 'UNPAID' });
  });

  it('may end in millisats, which a quote rounds up', async () => {
    const { invoice } = await mint.control.createInvoice({ amount_msat: 10_001 });
    const quote = await wallet.createMeltQuoteBolt11(invoice);
    expect(quote.amount.toNumber()).toBe(11);
  });

  it('are regtest unless asked otherwise, deposits included', async () => {
    const { request } = await wallet.createMintQuoteBolt11(5);
    expect(request).toMatch(/^lnbcrt50n1/);
    const { invoice } = await mint.control.createInvoice({ amount_sat: 5 });
    expect(invoice).toMatch(/^lnbcrt50n1/);
  });

  it('of another practice mint can be paid: the pretended network is one', async () => {
    const other = await startPracticeMint({ log });
    try {
      const made = await other.control.createInvoice({ amount_sat: 5 });
      const quote = await wallet.createMeltQuoteBolt11(made.invoice);
      const paid = await wallet.meltProofsBolt11(quote, await depositCoins(wallet, [16]));
      expect(paid.quote.payment_preimage).toBe(made.preimage);
      await expect(mint.control.paymentCount(made.payment_hash)).resolves.toBe(1);
      await expect(other.control.paymentCount(made.payment_hash)).resolves.toBe(0);
    } finally {
      await other.stop();
    }
  });
});
