import type { mongo } from 'mongoose';
import { AUDIT_LOG, MELT_OPERATIONS, TOKENS } from '../../store/collections.ts';
import { runCommand } from './command.ts';
import { meltArgs, payment } from './parts.ts';
import type { Situation, SituationGround } from './situation.ts';

/** What is different when the backup comes back; wallets are as they were. */
const RESTORED = [TOKENS, MELT_OPERATIONS, AUDIT_LOG] as const;

export const databaseRestored: Situation = {
  name: 'database-restored',
  title: 'The database was restored from a backup',
  mended_when: null,
  async make(ground) {
    const { wallet, args } = await payment(ground, [1024], 700);
    const backup = await backUp(ground);
    const paid = await runCommand(ground, 0, args);
    for (const [name, documents] of backup) await restore(ground, name, documents);
    const next = await ground.mint.control.createInvoice({ amount_sat: 200, expiry_s: 86_400 });
    const refused = await runCommand(ground, 20, meltArgs(next, wallet));
    const found = await runCommand(ground, 23, ['reconcile', '--all']);
    return {
      variables: { NPUB: wallet.npub, INVOICE: next.invoice },
      seen: [paid, refused, found].join('\n'),
    };
  },
};

async function backUp({ ops }: SituationGround): Promise<Map<string, mongo.Document[]>> {
  const backup = new Map<string, mongo.Document[]>();
  for (const name of RESTORED) {
    backup.set(name, await ops.store.db.collection(name).find().toArray());
  }
  return backup;
}

async function restore({ ops }: SituationGround, name: string, documents: mongo.Document[]) {
  const collection = ops.store.db.collection(name);
  await collection.deleteMany({});
  if (documents.length > 0) await collection.insertMany(documents);
}
