import { mongo } from 'mongoose';
import { generateTransactionId } from '../../domain/transaction_id.ts';
import { tokensOf } from '../../store/documents.ts';
import { LIVE_PROOF_INDEX } from '../../store/indexes.ts';
import { runCommand } from './command.ts';
import { payment } from './parts.ts';
import type { Situation } from './situation.ts';

export const coinsCountedTwice: Situation = {
  name: 'coins-counted-twice',
  title: 'A coin is counted twice',
  mended_when: null,
  async make(ground) {
    const { wallet } = await payment(ground, [1024, 64], 300);
    const tokens = tokensOf(ground.ops.store.db);
    const token = await tokens.findOne({ npub: wallet.npub });
    if (token === null) throw new Error('the situation was not made: no token');
    // As in a database that is older than the index, or was copied together from two.
    await tokens.dropIndex(LIVE_PROOF_INDEX);
    const _id = new mongo.ObjectId();
    await tokens.insertOne({ ...token, _id, transaction_id: generateTransactionId('mint') });
    const seen = await runCommand(ground, 20, ['reconcile', '--all']);
    return { variables: { NPUB: wallet.npub }, seen };
  },
};
