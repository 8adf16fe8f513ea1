import type { FaultRule } from '../mint/client.ts';
import { runCommand } from './command.ts';
import { always, operationOf, payment } from './parts.ts';
import type { Situation } from './situation.ts';

export const sumsDoNotClose: Situation = {
  name: 'sums-do-not-close',
  title: 'The sums of a payment do not close, or its change is outstanding',
  mended_when: 'the mint tells of all the change again',
  async make(ground) {
    const { control } = ground.mint;
    const { wallet, invoice, args } = await payment(ground, [1024], 300);
    // 720 sat come back, so what is left out is more than a fee could be.
    await control.setPaymentBehaviour(invoice.payment_hash, { outcome: 'succeed', fee_sat: 3 });
    const short: FaultRule['action'] = { type: 'omit', fields: ['change.0'] };
    await control.setFaults([
      always('melt', short),
      always('melt_quote_state', short),
      always('restore', { type: 'status', status: 500 }),
    ]);
    const seen = await runCommand(ground, 23, args);
    const { _id: OPERATION } = await operationOf(ground, wallet);
    return {
      variables: { NPUB: wallet.npub, OPERATION, INVOICE: invoice.invoice },
      seen,
      mend: () => control.clearFaults(),
    };
  },
};
