import { setTimeout as pause } from 'node:timers/promises';
import { sendLate } from '../late_requests.ts';
import { createPracticeWallet, deposit } from '../practice_ground.ts';
import { runCommand } from './command.ts';
import { always, meltArgs, operationOf, payment } from './parts.ts';
import type { Situation } from './situation.ts';

/** The shortest that the settings allow. */
const HASTY = { CASHU_OPS_QUIET_PERIOD: '1s' };
const BEYOND_QUIET_PERIOD_MS = 1_200;

export const paidTwice: Situation = {
  name: 'paid-twice',
  title: 'An invoice was paid twice',
  mended_when: null,
  async make(ground) {
    const { ops, mint } = ground;
    const { wallet, invoice, args } = await payment(ground, [1024], 300);
    await mint.control.configure({ refuse_paid_invoices: false });
    // The request is held up on its way, for longer than the quiet period.
    await mint.control.setFaults([always('melt', { type: 'drop' }, 'before')]);
    await runCommand(ground, 22, args, HASTY);
    const { _id: OPERATION } = await operationOf(ground, wallet);
    await pause(BEYOND_QUIET_PERIOD_MS);
    await runCommand(ground, 21, ['melt', '--resume', OPERATION], HASTY);
    await mint.control.clearFaults();
    const other = await createPracticeWallet(ops.wallets, mint.url);
    await deposit(ops.wallets, other, [1024]);
    await runCommand(ground, 0, meltArgs(invoice, other));
    const status = await sendLate(mint.url, await operationOf(ground, wallet));
    if (status !== 200) throw new Error(`the situation was not made: status ${status}`);
    const seen = await runCommand(ground, 23, ['reconcile', '--all']);
    return { variables: { OPERATION }, seen };
  },
};
