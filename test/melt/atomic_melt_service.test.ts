import type { Proof } from '@cashu/cashu-ts';
import { describe, expect, it } from 'vitest';
import { type StoredProof, sumProofs } from '../../src/domain/proof.ts';
import { openPracticeWallet } from '../../src/practice/mint/practice_wallet.ts';
import { judge, type MeltGround, meltGround, soundVerdict } from '../support/melt_ground.ts';

/*
 * Another service: it melts with a Cashu library of its own and uses this project only to book what
 * happened, through the repository of `openCashuOps`.
 */

const stored = ({ id, amount, secret, C }: Proof): StoredProof => ({
  id,
  amount: amount.toNumber(),
  secret,
  C,
});

/** Melts coins at the mint, exchanged before or as they are; the database hears nothing of it. */
async function meltElsewhere(
  { mint }: MeltGround,
  coins: readonly StoredProof[],
  { amount_sat, swap }: { amount_sat: number; swap: boolean },
) {
  const purse = await openPracticeWallet(mint.url);
  const { invoice, payment_hash } = await mint.control.createInvoice({ amount_sat });
  const quote = await purse.createMeltQuoteBolt11(invoice);
  const needed = quote.amount.add(quote.fee_reserve);
  const own = coins.map(({ id, amount, secret, C }) => ({ id, amount, secret, C }));
  const { keep, send } = swap
    ? await purse.send(needed, own, { includeFees: true })
    : { keep: [], send: own };
  const { change } = await purse.meltProofsBolt11(quote, send);
  const fee_reserve = quote.fee_reserve.toNumber();
  const { quote: quote_id } = quote;
  return {
    payment_hash,
    quote_id,
    fee_reserve,
    keep: keep.map(stored),
    change: change.map(stored),
  };
}

describe('executeAtomicMelt, used by another service', () => {
  it('books a melt of coins that were swapped before, and every sat is accounted for', async () => {
    const ground = await meltGround({ coins: [] });
    const { wallets } = ground.ops;
    const [source, spare] = [await ground.addCoins(1024), await ground.addCoins(128)];
    const melt = { amount_sat: 300, swap: true };
    const { payment_hash, keep, change } = await meltElsewhere(ground, source.proofs, melt);
    expect(keep.length).toBeGreaterThan(0);

    const { npub, mint_url, _id: wallet_id } = ground.wallet;
    const hashed = { npub, mint_url, payment_hash, amount: 300 };
    const operation_hash = wallets.generateOperationHash(hashed);
    const id = wallets.generateTransactionId('payout');
    expect(await wallets.validateTransactionId(id)).toEqual({ valid: true, problems: [] });
    const metadata = { npub, mint_url, wallet_id, operation_hash };
    await wallets.executeAtomicMelt([source._id], keep, change, id, metadata);

    const verdict = await judge(ground);
    expect(verdict).toEqual(soundVerdict(verdict));
    const left = sumProofs([...keep, ...change]) + spare.total_amount;
    expect(verdict.live_sat).toBe(left);
    expect(await wallets.calculateBalance(npub, mint_url)).toBe(left);
  });

  it('keeps coins that never moved, and the look back finds all in order', async () => {
    const ground = await meltGround({ coins: [] });
    const { wallets } = ground.ops;
    const source = await ground.addCoins(512, 64, 8);
    const [melted, ...untouched] = source.proofs;
    const coins = melted === undefined ? [] : [melted];
    const melt = { amount_sat: 300, swap: false };
    const { quote_id, fee_reserve, change } = await meltElsewhere(ground, coins, melt);

    const { npub, mint_url, _id: wallet_id } = ground.wallet;
    const id = wallets.generateTransactionId('payout');
    const metadata = { npub, mint_url, wallet_id };
    await wallets.executeAtomicMelt([source._id], untouched, change, id, metadata);
    const verdict = await judge(ground);
    expect(verdict).toEqual(soundVerdict(verdict));

    const expected = {
      operation_id: 'payout-1',
      quote_id,
      inputs: 512,
      amount: 300,
      fee_reserve,
      input_fee: 1,
      change: sumProofs(change),
      source_token_ids: [String(source._id)],
      change_tokens: [
        { transaction_id: `${id}_keep`, amount: 72 },
        { transaction_id: `${id}_melt_change`, amount: sumProofs(change) },
      ],
    };
    const found = await wallets.performPostMeltReconciliation(id, expected, npub, mint_url);
    expect(found.checks.filter((check) => !check.ok)).toEqual([]);
    expect(found.success).toBe(true);

    const wrong = { ...expected, inputs: 511 };
    const other = await wallets.performPostMeltReconciliation(id, wrong, npub, mint_url);
    expect(other.success).toBe(false);
    expect(other.checks.filter((check) => !check.ok).map(({ name }) => name)).toEqual(['balance']);
  });

  it('writes audit events of its own, which take no coin', async () => {
    const ground = await meltGround({ coins: [8] });
    const { wallets } = ground.ops;
    const { npub, mint_url } = ground.wallet;
    const [source] = await ground.tokens();
    const secret = source?.proofs[0]?.secret ?? '';
    const event = { type: 'change_recovered', severity: 'LOW', npub, mint_url } as const;
    const entry = await wallets.createAuditLogEntry({ ...event, note: `from ${secret}` });
    expect(entry).toMatchObject({ ...event, note: 'from [removed]', compliance_level: 'HIGH' });
    const { db } = ground.ops.store;
    expect(await db.collection('audit_log').findOne({ _id: entry._id })).toEqual(entry);
    const leaking = { ...event, proofs: source?.proofs } as typeof event;
    await expect(wallets.createAuditLogEntry(leaking)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });
});
