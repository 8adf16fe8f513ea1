import type { CashuOps } from '../../cashu_ops.ts';
import type { Context } from '../../cli/context.ts';
import { EXIT } from '../../cli/exit_codes.ts';
import { required } from '../../cli/options.ts';
import type { Config } from '../../config/config.ts';
import { durationMs } from '../../config/duration.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import { parseInvoice } from '../../domain/invoice.ts';
import { parseMintUrl } from '../../domain/mint_url.ts';
import { parseNpub } from '../../domain/npub.ts';
import { reportDryRun, reportOutcome } from '../../report/melt_report.ts';
import type { MeltOutcome, MeltPlan, MeltRequest, MeltStatus } from '../../services/melt/types.ts';

import type { MeltFlags } from './command.ts';
import { assertMeltsAreSafe } from './ready.ts';
import { showOutcome, showPlan } from './show.ts';

const INVOICE_BYTES_MAX = 10_000;

const EXIT_OF_STATUS: Readonly<Record<MeltStatus, number>> = {
  paid: EXIT.done,
  dry_run: EXIT.done,
  pending: EXIT.pending,
  failed: EXIT.failed,
  blocked: EXIT.blocked,
  conflict: EXIT.conflict,
  critical: EXIT.critical,
};

/** @returns the exit code */
export async function runMelt(
  context: Context,
  invoice: string | undefined,
  flags: MeltFlags,
): Promise<number> {
  const config = await context.config(flags);
  const waitMs = waitOf(flags);
  if (flags.resume !== undefined) {
    if (invoice !== undefined) {
      throw usage('Name an invoice or --resume with an id, not both.');
    }
    const ops = await context.open('melt --resume', flags);
    const outcome = await context.io.progress('looking at the payment', () =>
      ops.melt.resume(flags.resume ?? ''),
    );
    return finish(context, config, flags, await follow(context, ops, outcome, waitMs));
  }
  const request = await readRequest(context, config, invoice, flags);
  assertMayPay(context, flags);
  const ops = await context.open('melt', flags);
  await assertMeltsAreSafe(context.io, ops.store);
  return pay(context, config, ops, request, flags, waitMs);
}

async function pay(
  context: Context,
  config: Config,
  ops: CashuOps,
  request: MeltRequest,
  flags: MeltFlags,
  waitMs: number,
): Promise<number> {
  const { io } = context;
  const planned = await io.progress('asking the mint for a quote', () => ops.melt.plan(request));
  if ('status' in planned) return finish(context, config, flags, planned);
  if (flags.dryRun) {
    await ops.melt.rehearse(planned);
    if (flags.json) io.out(JSON.stringify(reportDryRun(planned), null, 2));
    else await showPlan(io, planned, await whatStays(ops, planned));
    return EXIT.done;
  }
  if (!flags.yes) await askForConsent(context, ops, planned);
  const outcome = await io.progress(`paying ${planned.quote.amount} sat`, () =>
    ops.melt.pay(planned, context.interrupted),
  );
  return finish(context, config, flags, await follow(context, ops, outcome, waitMs));
}

async function readRequest(
  context: Context,
  config: Config,
  invoice: string | undefined,
  flags: MeltFlags,
): Promise<MeltRequest> {
  const given = required(
    invoice,
    'No invoice was given: name one, or - to read it from standard input.',
  );
  const npub = required(flags.npub, "The wallet's owner is missing: add --npub npub1….");
  const mint = required(
    flags.mint ?? config.mint_url,
    'No mint is named: add --mint URL or set CASHU_OPS_MINT_URL.',
  );
  const text = given === '-' ? await context.io.readStdin(INVOICE_BYTES_MAX) : given;
  return {
    npub: parseNpub(npub),
    mint_url: parseMintUrl(mint),
    invoice: parseInvoice(text),
    max_fee: flags.maxFee ?? config.max_fee_sat,
  };
}

/** Without a person to ask, a payment needs its consent in advance: before anything is opened. */
function assertMayPay({ io }: Context, { yes, dryRun, json }: MeltFlags): void {
  if (yes || dryRun || (io.canPrompt && !json)) return;
  throw new CashuOpsError(
    'CONFIRMATION_REQUIRED',
    'There is no terminal to ask on: add --yes to pay, or --dry-run to see what it would cost.',
  );
}

async function askForConsent(context: Context, ops: CashuOps, plan: MeltPlan): Promise<void> {
  await showPlan(context.io, plan, await whatStays(ops, plan));
  const agreed = await context.io.confirm(`Pay ${plan.quote.amount} sat?`);
  if (agreed) return;
  throw new CashuOpsError('INTERRUPTED', 'You did not agree, so nothing was paid.');
}

/** The least that the wallet can spend afterwards: the whole reserve used up (sat). */
async function whatStays(ops: CashuOps, { wallet, quote, choice }: MeltPlan): Promise<number> {
  const spendable = await ops.wallets.calculateBalance(wallet.npub, wallet.mint_url);
  return spendable - quote.amount - quote.fee_reserve - choice.input_fee;
}

async function follow(
  { io, interrupted }: Context,
  ops: CashuOps,
  outcome: MeltOutcome,
  waitMs: number,
): Promise<MeltOutcome> {
  if (outcome.status !== 'pending' || waitMs === 0 || interrupted.aborted) return outcome;
  return io.progress('waiting for the payment to end', () =>
    ops.melt.follow(outcome, waitMs, interrupted),
  );
}

async function finish(
  { io }: Context,
  config: Config,
  flags: MeltFlags,
  outcome: MeltOutcome,
): Promise<number> {
  const report = reportOutcome(outcome, config.show_preimage);
  if (flags.json) io.out(JSON.stringify(report, null, 2));
  else await showOutcome(io, report);
  return EXIT_OF_STATUS[outcome.status];
}

function waitOf({ wait }: MeltFlags): number {
  if (wait === undefined) return 0;
  const waitMs = durationMs(wait);
  if (waitMs === null) throw usage(`--wait takes a duration such as 30s or 10m, not "${wait}".`);
  return waitMs;
}

function usage(sentence: string): CashuOpsError {
  return new CashuOpsError('INVALID_ARGUMENT', sentence);
}
