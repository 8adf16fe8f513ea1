import { runCommand } from './command.ts';
import { always, operationOf, payment } from './parts.ts';
import type { Situation } from './situation.ts';

export const mintContradictsItself: Situation = {
  name: 'mint-contradicts-itself',
  title: 'The mint contradicts itself about a payment',
  mended_when: 'the mint gives answers that fit together',
  async make(ground) {
    const { control } = ground.mint;
    const { wallet, args } = await payment(ground, [1024], 300);
    await control.setFaults([
      always('melt', { type: 'drop' }),
      always('melt_quote_state', {
        type: 'set',
        fields: { state: 'UNPAID', payment_preimage: null, change: null },
      }),
    ]);
    const first = await runCommand(ground, 22, args);
    const { _id: OPERATION } = await operationOf(ground, wallet);
    const second = await runCommand(ground, 23, ['melt', '--resume', OPERATION]);
    return {
      variables: { NPUB: wallet.npub, OPERATION },
      seen: `${first}\n${second}`,
      mend: () => control.clearFaults(),
    };
  },
};
