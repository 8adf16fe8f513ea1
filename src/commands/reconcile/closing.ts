import { groupDigits } from '../../domain/amount.ts';
import type { ReconcileRun, RunCounts } from '../../domain/reconcile_run.ts';
import { totalOf } from '../../report/reconcile_totals.ts';
import { counted } from '../../report/reconcile_words.ts';
import type { Story } from './story.ts';

/** What a run means, in few sentences for a person. */
export function closingSentences(story: Story): string[] {
  const { run } = story;
  const { counts } = run;
  if (run.state !== 'done') return [unfinished(story)];
  const found = foundSentence(story);
  const sentences = [
    ...(found === null ? [] : [found]),
    ...openSentences(run),
    ...(run.partial ? [unknownSentence(counts)] : []),
    ...planSentences(story),
  ];
  return sentences.length > 0 ? sentences : [nothingSentence(story)];
}

function unfinished({ run }: Story): string {
  return run.state === 'running'
    ? 'This run has not ended: it is still at work, or its process is gone and it can be continued.'
    : 'This run was interrupted: not every wallet was checked.';
}

function foundSentence({ run, told, compared_with }: Story): string | null {
  const total = totalOf(told.severity_counts);
  if (total === 0) return null;
  const noun = compared_with === undefined ? 'finding' : 'new finding';
  const found = `${counted(total, noun)}${told.severity_counts.CRITICAL > 0 ? ', CRITICAL ones among them' : ''}`;
  if (!run.applied) return `${found}; nothing was changed.`;
  const { repaired } = run.counts;
  const open = totalOf(run.counts.severity_counts) - repaired;
  if (open === 0) return `${found}; repaired.`;
  return `${found}; ${groupDigits(repaired)} repaired, ${groupDigits(open)} not.`;
}

function openSentences({ counts, plan_sha256 }: ReconcileRun): string[] {
  const { critical_open, operations_stale, operations_open } = counts;
  // A row of a plan that was refused says how things were, not how they are.
  const isNow = plan_sha256 === null || operations_open > 0;
  return [
    ...(critical_open > 0 && isNow ? ['CRITICAL: an operator is needed.'] : []),
    ...(operations_stale > 0
      ? [
          `${counted(operations_stale, 'payment')} ${operations_stale === 1 ? 'is' : 'are'} open for longer than the quiet period: money is locked, look again.`,
        ]
      : []),
  ];
}

function unknownSentence({ proofs_unknown, operations_unknown, wallets_held }: RunCounts): string {
  const parts = [
    ...(proofs_unknown > 0 ? [`the mint said nothing of ${counted(proofs_unknown, 'coin')}`] : []),
    ...(operations_unknown > 0
      ? [`how ${counted(operations_unknown, 'open payment')} stood could not be asked`]
      : []),
    ...(wallets_held > 0 ? [`another process holds ${counted(wallets_held, 'wallet')}`] : []),
  ];
  return `Not everything is known: ${parts.join(', and ') || 'not every wallet was checked'}.`;
}

function planSentences({ plan }: Story): string[] {
  if (plan === undefined) return [];
  return [
    plan.rows === 0
      ? `There is nothing to repair, so the plan in ${plan.file} is empty.`
      : `The plan of ${counted(plan.rows, 'repair')} is in ${plan.file}.`,
  ];
}

function nothingSentence({ run, compared_with }: Story): string {
  const { wallets_checked, proofs_checked, operations_open } = run.counts;
  if (compared_with !== undefined) return 'Nothing is new.';
  if (wallets_checked === 0) {
    const where = run.scope.shard === null ? '' : ' in this part';
    return `Nothing to check: there is no wallet${where}.`;
  }
  if (proofs_checked === 0 && operations_open === 0) {
    return 'Nothing to check: no coin there that the mint could have changed.';
  }
  return operations_open > 0
    ? `Nothing differs; ${counted(operations_open, 'payment')} ${operations_open === 1 ? 'is' : 'are'} open.`
    : 'Nothing differs.';
}
