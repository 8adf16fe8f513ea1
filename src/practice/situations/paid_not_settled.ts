import { runCommand, startCommand, until } from './command.ts';
import { operationOf, payment } from './parts.ts';
import type { Situation } from './situation.ts';

export const paidNotSettled: Situation = {
  name: 'paid-not-settled',
  title: 'A payment was made and is not booked',
  mended_when: null,
  async make(ground) {
    const { control } = ground.mint;
    const { wallet, invoice, args } = await payment(ground, [1024], 700);
    await control.setFaults([{ endpoint: 'melt', phase: 'after', action: { type: 'stall' } }]);
    const melt = startCommand(ground, args);
    const isPaid = async () => (await control.paymentCount(invoice.payment_hash)) === 1;
    try {
      await until(isPaid, 'nothing was paid');
    } finally {
      melt.child.kill('SIGKILL');
      await melt.ended;
    }
    await control.clearFaults();
    const { _id: OPERATION } = await operationOf(ground, wallet);
    const seen = await runCommand(ground, 23, ['reconcile', '--all']);
    return { variables: { NPUB: wallet.npub, OPERATION }, seen };
  },
};
