import { tokensOf } from '../../store/documents.ts';
import { openPracticeWallet } from '../mint/practice_wallet.ts';
import { runCommand } from './command.ts';
import { payment } from './parts.ts';
import type { Situation } from './situation.ts';

/** The payment meets the first; only a reconciliation finds the second. */
const TAKEN_SAT = [1024, 64];

export const coinsSpentElsewhere: Situation = {
  name: 'coins-spent-elsewhere',
  title: 'Coins were spent behind the database',
  mended_when: null,
  async make(ground) {
    const { ops, mint } = ground;
    const { wallet, args } = await payment(ground, [1024, 512, 64], 900);
    const { npub } = wallet;
    const tokens = await tokensOf(ops.store.db).find({ npub }).toArray();
    const coins = tokens.flatMap(({ proofs }) => proofs);
    const taken = coins.filter(({ amount }) => TAKEN_SAT.includes(amount));
    // Whoever has the secrets of coins has the coins: these are exchanged for others at the mint.
    const thief = await openPracticeWallet(mint.url);
    await thief.receive(taken.map(({ id, amount, secret, C }) => ({ id, amount, secret, C })));
    return { variables: { NPUB: npub }, seen: await runCommand(ground, 20, args) };
  },
};
