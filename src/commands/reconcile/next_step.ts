import { durationText } from '../../config/duration.ts';
import type { FindingType } from '../../domain/finding.ts';
import type { ReconcileRun, ReconcileScope } from '../../domain/reconcile_run.ts';
import { shellWord } from '../../domain/shell_word.ts';
import { LOST_NOTE } from '../../services/reconciliation/late_payments.ts';
import { REPAIRS } from '../../services/reconciliation/repair_group.ts';
import type { ReconcileFlags } from './command.ts';
import type { Story } from './story.ts';

const RECONCILE = 'cashu-ops reconcile';
/** Longer command lines nobody copies. */
const OWNERS_MAX = 20;

/** The one command to type after a run, or null where none helps. */
export async function nextStep(story: Story): Promise<string | null> {
  const { run, plan } = story;
  if (plan !== undefined) {
    return plan.rows > 0 ? `${RECONCILE} --apply-plan ${shellWord(plan.file)}` : null;
  }
  if (run.state !== 'done') return run.plan_sha256 === null ? continueCommand(run._id) : null;
  if (await hasForgotten(story)) return 'cashu-ops melt --resume-all';
  const scope = scopeFlags(run.scope);
  if (!run.applied && scope !== null && (await hasRepairs(story))) {
    return `${RECONCILE} ${scope} --apply`;
  }
  return (await operationStep(story)) ?? mintStep(run) ?? lockStep(run, scope);
}

/** How to go on with an interrupted run: what it looks at is kept, what it was told beside is not. */
export function continueCommand(runId: string, flags: ReconcileFlags = {}): string {
  const { repair = [], failOn, onlyNew, waitLock } = flags;
  return [
    `${RECONCILE} --continue ${runId}`,
    ...repair.map((type: FindingType) => `--repair ${type}`),
    ...(failOn === undefined ? [] : [`--fail-on ${failOn}`]),
    ...(onlyNew ? ['--only-new'] : []),
    ...(waitLock === undefined ? [] : [`--wait-lock ${durationText(waitLock)}`]),
  ].join(' ');
}

/** Null for too many owners to name. */
function scopeFlags({ npubs, mint_url, shard, deep, older_than_ms }: ReconcileScope) {
  if (npubs !== 'all' && npubs.length > OWNERS_MAX) return null;
  return [
    ...(npubs === 'all' ? ['--all'] : npubs.map((npub) => `--npub ${npub}`)),
    ...(mint_url === null ? [] : [`--mint ${shellWord(mint_url)}`]),
    ...(shard === null ? [] : [`--shard ${shard.index}/${shard.count}`]),
    ...(deep ? ['--deep'] : []),
    ...(older_than_ms === null ? [] : [`--older-than ${durationText(older_than_ms)}`]),
  ].join(' ');
}

async function hasRepairs({ run, findings }: Story): Promise<boolean> {
  for await (const _ of findings.findings(run._id, { actions: REPAIRS, done: false })) return true;
  return false;
}

/** Payments that only the rescue journal knows come before anything else is repaired. */
async function hasForgotten({ run, findings }: Story): Promise<boolean> {
  const actions = ['resolve_operation'] as const;
  for await (const { note } of findings.findings(run._id, { actions, done: false })) {
    if (note === LOST_NOTE) return true;
  }
  return false;
}

/** The first open operation, where one is stale or needs a person. */
async function operationStep({ run, findings }: Story): Promise<string | null> {
  const { critical_open, operations_stale } = run.counts;
  if (critical_open === 0 && operations_stale === 0) return null;
  for await (const operation of findings.operations(run._id)) {
    if (isOpenState(operation.state) && !operation.being_paid) return operation.next_command;
  }
  return null;
}

/** Of an operation as it is kept with a run. */
export function isOpenState(state: string): boolean {
  return !['paid', 'paid_again', 'failed'].includes(state);
}

function mintStep({ mints }: ReconcileRun): string | null {
  const silent = mints.find(({ reachable }) => reachable === false);
  return silent === undefined ? null : `cashu-ops doctor --mint ${shellWord(silent.mint_url)}`;
}

function lockStep({ counts, plan_sha256 }: ReconcileRun, scope: string | null): string | null {
  if (counts.wallets_held === 0 || plan_sha256 !== null || scope === null) return null;
  return `${RECONCILE} ${scope} --apply --wait-lock 5m`;
}
