import { randomBytes } from 'node:crypto';
import type { StoredProof } from '../../src/domain/proof.ts';
import { named } from '../../src/domain/proof_y.ts';

/** A coin that no mint knows: enough for tests of the store. */
export function coin(amount: number): StoredProof & { Y: string } {
  return named({
    id: '009a1f293253e41e',
    amount,
    secret: randomBytes(32).toString('hex'),
    C: `02${randomBytes(32).toString('hex')}`,
  });
}

/** Coins of these amounts. */
export function coins(...amounts: number[]): (StoredProof & { Y: string })[] {
  return amounts.map(coin);
}
