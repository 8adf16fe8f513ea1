import { runCommand } from './command.ts';
import { payment } from './parts.ts';
import type { Situation } from './situation.ts';

export const meltsStopped: Situation = {
  name: 'melts-stopped',
  title: 'Payments must be stopped now, or are stopped',
  mended_when: null,
  async make(ground) {
    const { control } = ground.mint;
    const { wallet, invoice, args } = await payment(ground, [512, 1024], 300);
    await control.setPaymentBehaviour(invoice.payment_hash, { outcome: 'hang' });
    const seen = await runCommand(ground, 22, args);
    await control.resolvePayment(invoice.payment_hash, 'succeed');
    // The next payment waits already.
    const next = await control.createInvoice({ amount_sat: 200, expiry_s: 86_400 });
    return { variables: { NPUB: wallet.npub, INVOICE: next.invoice }, seen };
  },
};
