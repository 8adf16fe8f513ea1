import { once } from 'node:events';
import type { Context } from '../../cli/context.ts';
import { EXIT } from '../../cli/exit_codes.ts';
import { startPracticeGround } from '../../practice/practice_ground.ts';
import { practiceLines } from '../../practice/shell_lines.ts';
import type { PracticeFlags } from './command.ts';

/** Runs until Ctrl-C. Uses no setting: a configured database is never touched. */
export async function runPractice(
  { io, interrupted }: Context,
  { members }: PracticeFlags,
): Promise<number> {
  const ground = await startPracticeGround({
    members: members === '3' ? 3 : 1,
    log: (line) => io.err(line),
  });
  try {
    const { invoice } = await ground.mint.control.createInvoice({
      amount_sat: 1000,
      description: 'a practice invoice',
      expiry_s: 86_400,
    });
    io.out(practiceLines({ ...ground.env, NPUB: ground.npub, INVOICE: invoice }));
    io.err('Paste these lines into another terminal, then try:');
    io.err('  cashu-ops balance --npub $NPUB');
    io.err('  cashu-ops melt $INVOICE --npub $NPUB');
    io.err('  cashu-ops reconcile --npub $NPUB');
    io.err('Ctrl-C stops the practice ground; nothing of it stays.');
    if (!interrupted.aborted) await once(interrupted, 'abort');
    return EXIT.done;
  } finally {
    io.err('stopping the practice ground');
    await ground.stop();
  }
}
