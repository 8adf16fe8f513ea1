import { once } from 'node:events';
import type { Context } from '../../cli/context.ts';
import { EXIT } from '../../cli/exit_codes.ts';
import type { Io } from '../../io/io.ts';
import { type PracticeGround, startPracticeGround } from '../../practice/practice_ground.ts';
import { practiceLines } from '../../practice/shell_lines.ts';
import { SITUATIONS, situationNamed } from '../../practice/situations/index.ts';
import type { PracticeFlags } from './command.ts';
import { rehearse } from './rehearse.ts';

/** Runs until Ctrl-C. Uses no setting: a configured database is never touched. */
export async function runPractice(context: Context, flags: PracticeFlags): Promise<number> {
  const { io, interrupted } = context;
  if (flags.situation === 'list') return listSituations(io);
  const situation = flags.situation === undefined ? null : situationNamed(flags.situation);
  const ground = await startPracticeGround({
    members: flags.members === '3' ? 3 : 1,
    log: (line) => io.err(line),
  });
  try {
    if (situation !== null) await rehearse(context, ground, situation);
    else {
      await tellGround(io, ground);
      if (!interrupted.aborted) await once(interrupted, 'abort');
    }
    return EXIT.done;
  } finally {
    io.err('stopping the practice ground');
    await ground.stop();
  }
}

async function tellGround(io: Io, { mint, env, npub }: PracticeGround): Promise<void> {
  const { invoice } = await mint.control.createInvoice({
    amount_sat: 1000,
    description: 'a practice invoice',
    expiry_s: 86_400,
  });
  io.err(`wallet: ${npub}`);
  io.err('\nPaste these lines into another terminal:\n');
  io.out(practiceLines({ ...env, NPUB: npub, INVOICE: invoice }));
  io.err('\nThen try:');
  io.err('  cashu-ops balance --npub $NPUB');
  io.err('  cashu-ops melt $INVOICE --npub $NPUB');
  io.err('  cashu-ops reconcile --npub $NPUB');
  io.err('Ctrl-C stops the practice ground; nothing of it stays.');
}

function listSituations(io: Io): number {
  const width = Math.max(...SITUATIONS.map(({ name }) => name.length));
  for (const { name, title } of SITUATIONS) io.out(`${name.padEnd(width)}  ${title}`);
  io.err('Each has a page of its name in docs/runbooks.');
  return EXIT.done;
}
