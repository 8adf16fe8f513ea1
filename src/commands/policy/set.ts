import type { Context } from '../../cli/context.ts';
import { EXIT } from '../../cli/exit_codes.ts';
import { required } from '../../cli/options.ts';
import { aborted, unlessInterrupted } from '../../cli/signals.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import { parseChange } from '../../domain/policy_change.ts';
import { changeLines } from '../../report/policy_words.ts';
import type { PolicyService } from '../../services/policy/policy_service.ts';
import type { PolicyPlan, PolicyRequest } from '../../services/policy/types.ts';
import type { SetFlags } from './command.ts';
import { figuresOf, rulesInForce } from './effect.ts';
import { openPolicy } from './open.ts';
import { type Effect, tellChange } from './tell_change.ts';

const NOTHING_CHANGED = 'Interrupted before anything was changed.';

/** @returns the exit code */
export async function runPolicySet(context: Context, flags: SetFlags): Promise<number> {
  const { interrupted } = context;
  const request = requestOf(flags);
  const service = await openPolicy(context, 'policy set', flags);
  const plan = await unlessInterrupted(interrupted, service.plan(request), NOTHING_CHANGED);
  if (plan.changes.length === 0) return nothingToDo(context, flags, service, plan);
  if (flags.dryRun) return rehearsed(context, flags, service, plan);
  if (!plan.only_stops_more && !flags.yes) await askForConsent(context, flags, service, plan);
  const { policy } = await service.apply(plan);
  // The change stands: neither a signal nor a failure of the counting may make it look undone.
  const counting = effectOf(service, plan).catch(() => null);
  const effect = await Promise.race([counting, aborted(interrupted).then(() => null)]);
  tellChange(context, flags, { policy, plan, effect, changed: true });
  return EXIT.done;
}

/** What can be said without the database, so that nothing is opened for words that are wrong. */
function requestOf(flags: SetFlags): PolicyRequest {
  const change = parseChange({
    melts: flags.melts,
    stop_mints: flags.stopMint,
    start_mints: flags.startMint,
    stop_npubs: flags.stopNpub,
    start_npubs: flags.startNpub,
    allow_npubs: flags.allowNpub,
    disallow_npubs: flags.disallowNpub,
    allow_all: flags.allowAll,
    rollout_percent: flags.rollout,
    replace: flags.replace,
    back: flags.back,
  });
  const reason = required(flags.reason?.trim() || null, WHY);
  return { ...change, reason };
}

const WHY =
  'Why? Add --reason TEXT: it is kept with your name, and shown to everybody whose melt is stopped.';

async function nothingToDo(
  context: Context,
  flags: SetFlags,
  service: PolicyService,
  plan: PolicyPlan,
): Promise<number> {
  const policy = plan.from.policy ?? plan.to;
  const effect = await unlessInterrupted(
    context.interrupted,
    effectOf(service, plan),
    NOTHING_CHANGED,
  );
  tellChange(context, flags, { policy, plan, effect, changed: false });
  return EXIT.done;
}

async function rehearsed(
  context: Context,
  flags: SetFlags,
  service: PolicyService,
  plan: PolicyPlan,
): Promise<number> {
  const counting = effectOf(service, plan);
  const effect = await unlessInterrupted(context.interrupted, counting, NOTHING_CHANGED);
  tellChange(context, flags, { policy: plan.to, plan, effect, changed: false });
  return EXIT.done;
}

async function askForConsent(
  { io, interrupted }: Context,
  { json }: SetFlags,
  service: PolicyService,
  plan: PolicyPlan,
): Promise<void> {
  const obstacle = io.canPrompt ? json && 'With --json nobody is asked' : NO_TERMINAL;
  if (obstacle) {
    throw new CashuOpsError(
      'CONFIRMATION_REQUIRED',
      `This lets more melts run. ${obstacle}: add --yes to change it, or --dry-run to see what would change.`,
    );
  }
  const counting = effectOf(service, plan);
  const { figures } = await unlessInterrupted(interrupted, counting, NOTHING_CHANGED);
  const told = { changes: plan.changes, effects: figures, rev: null };
  for (const line of changeLines(told, io.columns)) io.err(line);
  const question = io.confirm(questionFor(figures));
  if (await unlessInterrupted(interrupted, question, NOTHING_CHANGED)) return;
  throw new CashuOpsError('INTERRUPTED', 'You did not agree, so nothing was changed.');
}

/** Fewer stops can all the same let nobody run who exists. */
function questionFor([before, after]: Effect['figures']): string {
  if (after.may_melt > before.may_melt) return 'Let more melts run like this?';
  return 'No more wallets may melt now than before. Change the policy like this?';
}

const NO_TERMINAL = 'There is no terminal to ask on';

/** All that is said of a change beside the change itself. */
async function effectOf(service: PolicyService, plan: PolicyPlan): Promise<Effect> {
  const policies = [rulesInForce(plan.from.policy), plan.to];
  const effect = await service.effect(policies, plan.names);
  const { stops } = await service.show();
  const figures = [figuresOf(effect, 0), figuresOf(effect, 1)] as const;
  return { figures, unknown: effect.unknown, stops };
}
