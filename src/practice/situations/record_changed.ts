import { AUDIT_LOG } from '../../store/collections.ts';
import { runCommand } from './command.ts';
import { operationOf, payment } from './parts.ts';
import type { Situation } from './situation.ts';

export const recordChanged: Situation = {
  name: 'record-changed',
  title: 'The record was changed by hand',
  mended_when: null,
  async make(ground) {
    const { wallet, args } = await payment(ground, [1024], 300);
    await runCommand(ground, 0, args);
    const { _id: OPERATION } = await operationOf(ground, wallet);
    const paid = { operation_id: OPERATION, type: 'melt_paid' };
    const log = ground.ops.store.db.collection(AUDIT_LOG);
    await log.updateOne(paid, { $set: { 'amounts.amount': 1 } });
    const seen = await runCommand(ground, 23, ['audit', 'verify']);
    return { variables: { NPUB: wallet.npub, OPERATION }, seen };
  },
};
