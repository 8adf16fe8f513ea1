/**
 * A wallet at a practice mint, and coins for it.
 */

import { hashToCurve, type Proof, Wallet } from '@cashu/cashu-ts';

/** Most outputs in one request: a mint takes 1000, and signs them without a pause. */
const OUTPUTS_MAX = 500;

/** Opens a wallet that takes no signature without its proof (NUT-12). */
export async function openPracticeWallet(mintUrl: string): Promise<Wallet> {
  const wallet = new Wallet(mintUrl, { unit: 'sat', requireSigDleq: true });
  await wallet.loadMint();
  return wallet;
}

async function deposit(wallet: Wallet, amountsSat: readonly number[]): Promise<Proof[]> {
  const sum = amountsSat.reduce((total, amount) => total + amount, 0);
  const quote = await wallet.createMintQuoteBolt11(sum);
  const denominations = [...amountsSat];
  return wallet.mintProofsBolt11(sum, quote, undefined, { type: 'random', denominations });
}

/**
 * Deposits coins of exactly these amounts, where deposits count as paid at once.
 *
 * @param amountsSat powers of two, one for each coin
 */
export async function depositCoins(
  wallet: Wallet,
  amountsSat: readonly number[],
): Promise<Proof[]> {
  const coins: Proof[] = [];
  for (let start = 0; start < amountsSat.length; start += OUTPUTS_MAX) {
    coins.push(...(await deposit(wallet, amountsSat.slice(start, start + OUTPUTS_MAX))));
  }
  return coins;
}

/** The public names of coins, in their order (NUT-00). */
export function ysOf(coins: readonly Pick<Proof, 'secret'>[]): string[] {
  const utf8 = new TextEncoder();
  return coins.map((coin) => hashToCurve(utf8.encode(coin.secret)).toHex(true));
}
