import { setTimeout as sleep } from 'node:timers/promises';
import type { OperationState } from '../../src/domain/melt_operation.ts';
import { openOf, operationsOf, type Run, runCommand } from './commands.ts';
import { ChaosFailure } from './failure.ts';
import { expectHonest, expectSound, verdictOf } from './judge.ts';

/** More than anything needs: some answers are only believed when they were given three times. */
const ROUNDS_MAX = 8;
const QUIET_MS = 1_050;

/**
 * Does as an operator does: everything open is resumed, then the wallet is reconciled, until it is
 * clean. The judges have the last word.
 *
 * @returns how many rounds it took
 * @throws ChaosFailure when something stays open, locked or lost
 */
export async function recover(run: Run): Promise<number> {
  const before = new Map((await operationsOf(run)).map(({ _id, state }) => [_id, state]));
  let rounds = 0;
  let clean = false;
  while (!clean && rounds < ROUNDS_MAX) {
    if (rounds > 0) await sleep(QUIET_MS);
    rounds += 1;
    clean = await recoverOnce(run);
  }
  run.tally.add('rounds of recovery', String(rounds));
  await expectSound(run, `after ${rounds} rounds of recovery`, true);
  if (!clean) throw new ChaosFailure('reconcile still has findings when nothing is wrong any more');
  for (const { _id, state } of await operationsOf(run)) noteRecovery(run, before.get(_id), state);
  return rounds;
}

async function recoverOnce(run: Run): Promise<boolean> {
  const owner = ['--npub', run.npub];
  if ((await openOf(run)).length > 0) await recoverBy(run, ['melt', '--resume-all', ...owner]);
  // What another process may be about to send is left alone by that; nobody is, any more.
  for (const { _id } of await openOf(run)) await recoverBy(run, ['melt', '--resume', _id]);
  const code = await recoverBy(run, ['reconcile', ...owner, '--apply']);
  const { problems } = await verdictOf(run, true);
  return code === 0 && problems.length === 0;
}

async function recoverBy(run: Run, words: readonly string[]): Promise<number | null> {
  const ran = await runCommand(run, [...words, '--json'], {}, null, null);
  await expectHonest(run, ran, null);
  return ran.code;
}

function noteRecovery(run: Run, before: OperationState | undefined, after: OperationState): void {
  if (before !== after) run.tally.add('recovered', `${before ?? 'not in the database'} → ${after}`);
}
