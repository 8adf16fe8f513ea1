import type { ReconcileConfig } from '../../config/reconcile_rules.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import { parseMintUrl } from '../../domain/mint_url.ts';
import type { ReconcileScope } from '../../domain/reconcile_run.ts';
import type { ReconcileRequest } from '../../services/reconciliation/reconciler.ts';
import type { ReconcileFlags } from './command.ts';

/** Which of its four works the command is to do. */
export type Job = 'check' | 'apply_plan' | 'continue' | 'release';

type FlagName = keyof ReconcileFlags;

const NAME_OF: Partial<Record<FlagName, string>> = {
  npub: '--npub',
  all: '--all',
  mint: '--mint',
  apply: '--apply',
  repair: '--repair',
  planOut: '--plan-out',
  applyPlan: '--apply-plan',
  failOn: '--fail-on',
  olderThan: '--older-than',
  deep: '--deep',
  shard: '--shard',
  continue: '--continue',
  onlyNew: '--only-new',
  waitLock: '--wait-lock',
  release: '--release',
};

/** Flags that say what a run looks at and does; whatever has that already takes none of them. */
const OF_A_NEW_RUN: readonly FlagName[] = [
  'mint',
  'apply',
  'planOut',
  'olderThan',
  'deep',
  'shard',
];

/** Flags that do not go with a job, and why. */
const ALIEN: Readonly<Record<Job, { flags: readonly FlagName[]; why: string }>> = {
  check: { flags: [], why: '' },
  continue: {
    flags: OF_A_NEW_RUN,
    why: 'a run that is continued looks at the same and does the same as before',
  },
  apply_plan: {
    flags: [...OF_A_NEW_RUN, 'repair', 'failOn', 'onlyNew'],
    why: 'the plan says what is done',
  },
  release: {
    flags: [...OF_A_NEW_RUN, 'repair', 'failOn', 'onlyNew', 'waitLock'],
    why: 'it concerns one payment only',
  },
};

/**
 * What the flags ask for, made sure that none contradicts another: before anything is opened.
 *
 * @throws CashuOpsError INVALID_ARGUMENT
 */
export function jobOf(flags: ReconcileFlags): Job {
  assertReleaseMeant(flags);
  const named = (['npub', 'all', 'applyPlan', 'continue', 'release'] as const).filter(
    (name) => flags[name] !== undefined,
  );
  const [first, second] = named;
  if (first === undefined) {
    throw refused('What is to be checked? Add --npub npub1… or --all.');
  }
  if (second !== undefined) {
    throw refused(`Name one of ${NAME_OF[first]} and ${NAME_OF[second]}, not both.`);
  }
  const job = jobBy(first);
  const { flags: aliens, why } = ALIEN[job];
  const alien = aliens.find((name) => flags[name] !== undefined);
  if (alien !== undefined) {
    throw refused(`${NAME_OF[alien]} does not go with ${NAME_OF[first]}: ${why}.`);
  }
  if (job === 'check') assertOneEffect(flags);
  return job;
}

function jobBy(first: 'npub' | 'all' | 'applyPlan' | 'continue' | 'release'): Job {
  if (first === 'applyPlan') return 'apply_plan';
  return first === 'npub' || first === 'all' ? 'check' : first;
}

function assertOneEffect({ apply, repair, planOut, onlyNew }: ReconcileFlags): void {
  if (apply && planOut !== undefined) {
    throw refused(
      '--plan-out does not go with --apply: write the plan first, then apply it by --apply-plan.',
    );
  }
  if (repair !== undefined && !apply && planOut === undefined) {
    throw refused(
      '--repair needs --apply, or --plan-out for a plan: without them nothing is repaired.',
    );
  }
  if (onlyNew && planOut !== undefined) {
    throw refused('--only-new does not go with --plan-out: a plan has everything that differs.');
  }
}

function assertReleaseMeant(flags: ReconcileFlags): void {
  const { release, iKnowThePaymentDidNotHappen: known } = flags;
  if (release !== undefined && !known) {
    throw refused(
      '--release frees the coins of a payment although the mint has not proved that it failed, and if it happened all the same the wallet counts money that is gone; nothing was changed: add --i-know-the-payment-did-not-happen if you know that it did not.',
    );
  }
  if (release === undefined && known) {
    throw refused(
      '--i-know-the-payment-did-not-happen says nothing without --release OPERATION: nothing was changed.',
    );
  }
}

/** What a new run looks at. @throws CashuOpsError INVALID_MINT_URL */
export function scopeOf(flags: ReconcileFlags): ReconcileScope {
  const { npub, mint, shard, deep, olderThan } = flags;
  return {
    npubs: npub === undefined ? 'all' : [...new Set(npub)],
    mint_url: mint === undefined ? null : parseMintUrl(mint),
    shard: shard ?? null,
    deep: deep === true,
    older_than_ms: olderThan ?? null,
  };
}

/** How a run is done, whatever it looks at. */
export function mannerOf(
  { repair, failOn, waitLock }: ReconcileFlags,
  config: ReconcileConfig,
): Omit<ReconcileRequest, 'scope' | 'apply'> {
  return {
    repair: repair ?? [],
    wait_lock_ms: waitLock ?? 0,
    fail_on: failOn ?? config.fail_on,
    fail_above_sat: config.fail_above_sat,
  };
}

function refused(sentence: string): CashuOpsError {
  return new CashuOpsError('INVALID_ARGUMENT', sentence);
}
