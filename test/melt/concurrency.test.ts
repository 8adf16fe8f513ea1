import { describe, expect, it } from 'vitest';
import { expectSettledBooks } from '../support/melt_books.ts';
import { carelessGround, operationsOf, runMelt } from '../support/melt_cli.ts';

const PROCESSES = 20;

describe('many processes at once', () => {
  it('pay one invoice once', async () => {
    const ground = await carelessGround();
    const { invoice } = await ground.request(300);
    const t0 = Date.now();
    const ends = await Promise.all(
      Array.from({ length: PROCESSES }, () => runMelt(ground, invoice)),
    );
    process.stderr.write(`${Date.now() - t0} ms ${ends.map((e) => e.code)}\n`);
    for (const e of ends)
      if (![0, 24].includes(e.code ?? -1)) process.stderr.write(e.stdout + e.stderr);
    expect(ends.filter(({ code }) => code === 0)).toHaveLength(1);
    expect(ends.filter(({ code }) => code === 24)).toHaveLength(PROCESSES - 1);
    await expectSettledBooks(ground, [invoice.payment_hash]);
  }, 120_000);

  it('pay different invoices from one wallet', async () => {
    const ground = await carelessGround();
    await ground.addCoins(...Array.from({ length: 40 }, () => 64));
    for (let i = 0; i < 20; i += 1) await ground.addCoins(32, 16, 8);
    const invoices = await Promise.all(
      Array.from({ length: PROCESSES }, async () => (await ground.request(100)).invoice),
    );
    const t0 = Date.now();
    const ends = await Promise.all(invoices.map((invoice) => runMelt(ground, invoice)));
    process.stderr.write(`${Date.now() - t0} ms ${ends.map((e) => e.code)}\n`);
    for (const e of ends)
      if (![0, 24].includes(e.code ?? -1)) process.stderr.write(e.stdout + e.stderr);
    process.stderr.write(`${(await operationsOf(ground)).map((o) => o.state)}\n`);
    expect(ends.map(({ code }) => code)).toEqual(invoices.map(() => 0));
    await expectSettledBooks(
      ground,
      invoices.map(({ payment_hash }) => payment_hash),
    );
  }, 120_000);
});
