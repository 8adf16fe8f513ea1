import { endedWith, startCommand, until } from './command.ts';
import { operationOf, payment } from './parts.ts';
import type { Situation } from './situation.ts';

/** Long enough for the database to go away meanwhile (ms). */
const PAYING_MS = 2_000;
const UNKNOWN_ERROR = 8;

export const databaseFailedAfterPayment: Situation = {
  name: 'database-failed-after-payment',
  title: 'The database failed after the mint had paid',
  mended_when: null,
  async make(ground) {
    const { control } = ground.mint;
    const { wallet, invoice, args } = await payment(ground, [1024], 700);
    const slow = { outcome: 'succeed', delay_ms: PAYING_MS } as const;
    await control.setPaymentBehaviour(invoice.payment_hash, slow);
    const asked = (await control.meltRequests()).length;
    const melt = startCommand(ground, args);
    await until(async () => (await control.meltRequests()).length > asked, 'nothing was asked');
    const admin = ground.ops.store.client.db('admin');
    await admin.command({
      configureFailPoint: 'failCommand',
      mode: 'alwaysOn',
      data: {
        failCommands: ['insert', 'update'],
        errorCode: UNKNOWN_ERROR,
        appName: 'cashu-ops/melt',
      },
    });
    try {
      const seen = endedWith(23, await melt.ended);
      const { _id: OPERATION } = await operationOf(ground, wallet);
      return { variables: { NPUB: wallet.npub, OPERATION }, seen };
    } finally {
      await admin.command({ configureFailPoint: 'failCommand', mode: 'off' });
    }
  },
};
