import { startRelay } from '../relay.ts';
import { runCommand } from './command.ts';
import { payment } from './parts.ts';
import type { Situation } from './situation.ts';

export const databaseDown: Situation = {
  name: 'database-down',
  title: 'The database does not answer',
  mended_when: 'the database answers again',
  async make(ground) {
    const { ops } = ground;
    const { wallet, args } = await payment(ground, [1024], 300);
    // Only this shell loses its way to the database: the practice ground itself needs it.
    const { primary } = await ops.store.client.db('admin').command({ hello: 1 });
    const relay = await startRelay(String(primary));
    await relay.cut();
    const name = ops.store.db.databaseName;
    const variables = {
      CASHU_OPS_MONGODB_URI: `mongodb://127.0.0.1:${relay.port}/${name}?directConnection=true`,
      NPUB: wallet.npub,
      INVOICE: args[1] ?? '',
    };
    const seen = await runCommand(ground, 25, args, variables);
    return { variables, seen, mend: () => relay.join(), stop: () => relay.cut() };
  },
};
