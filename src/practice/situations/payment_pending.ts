import { runCommand } from './command.ts';
import { operationOf, payment } from './parts.ts';
import type { Situation } from './situation.ts';

export const paymentPending: Situation = {
  name: 'payment-pending',
  title: 'A payment is pending',
  mended_when: 'Lightning has found its way to the payee',
  async make(ground) {
    const { control } = ground.mint;
    const { wallet, invoice, args } = await payment(ground, [1024], 300);
    await control.setPaymentBehaviour(invoice.payment_hash, { outcome: 'hang' });
    const seen = await runCommand(ground, 22, args);
    const { _id: OPERATION } = await operationOf(ground, wallet);
    return {
      variables: { NPUB: wallet.npub, OPERATION, INVOICE: invoice.invoice },
      seen,
      mend: () => control.resolvePayment(invoice.payment_hash, 'succeed'),
    };
  },
};
