import type { Context } from '../../cli/context.ts';
import { aborted } from '../../cli/signals.ts';
import type { Io } from '../../io/io.ts';
import type { PracticeGround } from '../../practice/practice_ground.ts';
import { practiceLines } from '../../practice/shell_lines.ts';
import type { MadeSituation, Situation } from '../../practice/situations/index.ts';

/** Makes the situation, says what to paste and which page to follow, and stays until Ctrl-C. */
export async function rehearse(
  { io, interrupted }: Context,
  ground: PracticeGround,
  situation: Situation,
): Promise<void> {
  // Not given up half made: what it mounts or starts has to be let go of.
  const made = await io.progress(`making the situation: ${situation.title}`, () =>
    situation.make(ground),
  );
  try {
    io.err(`\nThis is what was seen:\n\n${made.seen}`);
    io.err('\nPaste these lines into another terminal:\n');
    io.out(practiceLines({ ...ground.env, ...made.variables }));
    io.err('\nThen follow the page');
    io.err(`  docs/runbooks/${situation.name}.md`);
    io.err('Ctrl-C stops the practice ground; nothing of it stays.');
    const stopped = aborted(interrupted);
    await Promise.race([stopped, mendWhenTold(io, situation, made)]);
    await stopped;
  } finally {
    await made.stop?.();
  }
}

/** Where somebody else has to act in the midst of the page, the person says when. */
async function mendWhenTold(
  io: Io,
  { mended_when }: Situation,
  { mend }: MadeSituation,
): Promise<void> {
  if (mend === undefined) return;
  io.err(`In the midst of the page ${mended_when}.`);
  if (!io.canPrompt) {
    io.err('Only a terminal can be asked when that is to happen: start it in one.');
    return;
  }
  while (!(await io.confirm('Have you come to that line of the page? Then it happens now'))) {
    io.err('Not yet, then. Ctrl-C stops the practice ground.');
  }
  await mend();
  io.err('It has happened: go on with the page.');
}
