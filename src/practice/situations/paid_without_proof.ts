import { runCommand } from './command.ts';
import { operationOf, payment } from './parts.ts';
import type { Situation } from './situation.ts';

export const paidWithoutProof: Situation = {
  name: 'paid-without-proof',
  title: 'A payment was booked without a proof that the payee has the money',
  mended_when: null,
  async make(ground) {
    const { wallet, invoice, args } = await payment(ground, [1024], 300);
    await ground.mint.control.setPaymentBehaviour(invoice.payment_hash, {
      outcome: 'succeed',
      preimage: 'wrong',
    });
    const seen = await runCommand(ground, 0, args);
    const { _id: OPERATION } = await operationOf(ground, wallet);
    return { variables: { NPUB: wallet.npub, OPERATION }, seen };
  },
};
