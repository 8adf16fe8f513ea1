import type { CashuOps } from '../../cashu_ops.ts';
import type { Context } from '../../cli/context.ts';
import { EXIT } from '../../cli/exit_codes.ts';
import { jsonDocument } from '../../cli/json.ts';
import { aborted, unlessInterrupted } from '../../cli/signals.ts';
import type { Config } from '../../config/config.ts';
import { durationText } from '../../config/duration.ts';
import { groupDigits } from '../../domain/amount.ts';
import { CashuOpsError, RecoverableError } from '../../domain/errors.ts';
import { reportDryRun, reportOutcome } from '../../report/melt_report.ts';
import type { MeltOutcome, MeltPlan, MeltRequest } from '../../services/melt/types.ts';

import type { MeltFlags } from './command.ts';
import { EXIT_OF_STATUS } from './exit_of_status.ts';
import { assertMayPay, NOTHING_SENT, readRequest, waitOf } from './request.ts';
import { runResumeAll } from './resume_all.ts';
import { showOutcome, showPlan, showRehearsal } from './show.ts';

/** @returns the exit code */
export async function runMelt(
  context: Context,
  invoice: string | undefined,
  flags: MeltFlags,
): Promise<number> {
  const config = await context.config(flags);
  if (flags.resumeAll) return runResumeAll(context, config, invoice, flags);
  const waitMs = waitOf(flags);
  if (flags.resume !== undefined) return resume(context, config, invoice, flags, waitMs);
  if (invoice === '-') assertMayPay(context, invoice, flags);
  const request = await readRequest(context, config, invoice, flags);
  assertMayPay(context, invoice, flags);
  const ops = await context.open('melt', flags);
  const plan = await planned(context, ops, request, flags);
  if ('status' in plan) return finish(context, config, flags, plan);
  if (flags.dryRun) return rehearsed(context, ops, plan, flags);
  if (!flags.yes) await askForConsent(context, ops, plan);
  // Not "paying": the step is ticked off when the mint has answered, whatever it answers, and a coin
  // that is not in order ends it before the mint is asked.
  const label = `checking the coins, then asking the mint to pay ${groupDigits(plan.quote.amount)} sat`;
  // Who was asked has agreed to the sum that was shown; --yes agrees to whatever it costs.
  const inputFeeMax = flags.yes ? null : plan.input_fee;
  const paying = () => ops.melt.pay(plan, context.interrupted, inputFeeMax);
  const outcome = await context.io.progress(label, paying);
  assertNotCalledOff(context, outcome);
  return finish(context, config, flags, await follow(context, ops, outcome, waitMs));
}

async function resume(
  context: Context,
  config: Config,
  invoice: string | undefined,
  flags: MeltFlags,
  waitMs: number,
): Promise<number> {
  const { resume: id = '' } = flags;
  if (invoice !== undefined) {
    const sentence = 'Name an invoice or --resume with an id, not both.';
    throw new CashuOpsError('INVALID_ARGUMENT', sentence);
  }
  const ops = await context.open('melt --resume', flags);
  const outcome = await context.io.progress('looking at the payment', () =>
    Promise.race([ops.melt.resume(id), lookGivenUp(context, id)]),
  );
  return finish(context, config, flags, await follow(context, ops, outcome, waitMs));
}

/** Money may be locked, so giving up the look is no end: the exit code must say "look again". */
async function lookGivenUp({ interrupted }: Context, id: string): Promise<never> {
  await aborted(interrupted);
  throw new RecoverableError(
    'Interrupted while the mint was asked, so it is not known how the payment stands. Nothing was paid by looking.',
    { next_command: `cashu-ops melt --resume ${id}` },
  );
}

function planned(
  { io, interrupted }: Context,
  ops: CashuOps,
  request: MeltRequest,
  { dryRun }: MeltFlags,
): Promise<MeltPlan | MeltOutcome> {
  const plan = async () => {
    const made = await ops.melt.plan(request);
    return dryRun && !('status' in made) ? ops.melt.rehearse(made) : made;
  };
  return io.progress('checking wallet and invoice, asking the mint for a quote', () =>
    unlessInterrupted(interrupted, plan(), NOTHING_SENT),
  );
}

async function rehearsed(
  { io }: Context,
  ops: CashuOps,
  plan: MeltPlan,
  { json }: MeltFlags,
): Promise<number> {
  const report = reportDryRun(plan);
  if (json) io.out(jsonDocument(report));
  else showRehearsal(io, plan, await whatStays(ops, plan), report);
  return EXIT.done;
}

async function askForConsent(context: Context, ops: CashuOps, plan: MeltPlan): Promise<void> {
  const { io, interrupted } = context;
  showPlan(io, plan, await whatStays(ops, plan));
  const question = `Pay ${groupDigits(plan.quote.amount)} sat?`;
  const agreed = await unlessInterrupted(interrupted, io.confirm(question), NOTHING_SENT);
  if (agreed) return;
  throw new CashuOpsError('INTERRUPTED', 'You did not agree, so nothing was paid.');
}

/** The least that the wallet can spend afterwards: the whole reserve used up (sat). */
async function whatStays(ops: CashuOps, plan: MeltPlan): Promise<number> {
  const { wallet, quote, input_fee } = plan;
  const spendable = await ops.wallets.calculateBalance(wallet.npub, wallet.mint_url);
  return spendable - quote.amount - quote.fee_reserve - input_fee;
}

/** Called off after it was written down and before it was sent: for the caller nothing happened. */
function assertNotCalledOff({ interrupted }: Context, { status, operation }: MeltOutcome): void {
  if (!interrupted.aborted || status !== 'failed' || operation.refusal?.kind !== 'never_left') {
    return;
  }
  const { _id: operation_id, transaction_id, quote_id } = operation;
  throw new CashuOpsError('INTERRUPTED', NOTHING_SENT, { operation_id, transaction_id, quote_id });
}

async function follow(
  { io, interrupted }: Context,
  ops: CashuOps,
  outcome: MeltOutcome,
  waitMs: number,
): Promise<MeltOutcome> {
  if (outcome.status !== 'pending' || waitMs === 0 || interrupted.aborted) return outcome;
  return io.progress(`looking again for at most ${durationText(waitMs)}`, () =>
    // Whoever stops waiting gets what is known: the payment is pending.
    Promise.race([
      ops.melt.follow(outcome, waitMs, interrupted),
      aborted(interrupted).then(() => outcome),
    ]),
  );
}

async function finish(
  context: Context,
  config: Config,
  flags: MeltFlags,
  outcome: MeltOutcome,
): Promise<number> {
  const report = reportOutcome(outcome, config);
  showOutcome(context.io, report, flags.json === true);
  if (outcome.severity === 'HIGH') context.alarm();
  return EXIT_OF_STATUS[outcome.status];
}
