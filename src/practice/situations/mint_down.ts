import { runCommand } from './command.ts';
import { always, operationOf, payment } from './parts.ts';
import type { Situation } from './situation.ts';

export const mintDown: Situation = {
  name: 'mint-down',
  title: 'A mint does not answer',
  mended_when: 'the mint answers again',
  async make(ground) {
    const { control } = ground.mint;
    const { wallet, args } = await payment(ground, [1024], 300);
    // It goes away with a payment in its hands.
    await control.setFaults([
      always('melt', { type: 'drop' }),
      always('melt_quote_state', { type: 'drop' }, 'before'),
      // The first look at the coins comes before the payment.
      { ...always('checkstate', { type: 'drop' }, 'before'), occurrence: 2 },
    ]);
    const paying = await runCommand(ground, 22, args);
    const { _id: OPERATION } = await operationOf(ground, wallet);
    await control.setFaults([always('*', { type: 'drop' }, 'before')]);
    const checking = await runCommand(ground, 25, ['reconcile', '--npub', wallet.npub]);
    return {
      variables: { NPUB: wallet.npub, OPERATION },
      seen: `${paying}\n${checking}`,
      mend: () => control.clearFaults(),
    };
  },
};
