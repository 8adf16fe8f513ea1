import type { Context } from '../../cli/context.ts';
import { required } from '../../cli/options.ts';
import { unlessInterrupted } from '../../cli/signals.ts';
import type { Config } from '../../config/config.ts';
import { durationMs } from '../../config/duration.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import { parseInvoice } from '../../domain/invoice.ts';
import { parseMintUrl } from '../../domain/mint_url.ts';
import { parseNpub } from '../../domain/npub.ts';
import type { Io } from '../../io/io.ts';
import type { MeltRequest } from '../../services/melt/types.ts';
import type { MeltFlags } from './command.ts';

const INVOICE_BYTES_MAX = 10_000;

/** What nothing was done for yet: said when a signal comes before the payment. */
export const NOTHING_SENT = 'Interrupted before anything was sent; nothing was paid.';

/**
 * The words of the command line as a request.
 *
 * @throws CashuOpsError INVALID_ARGUMENT, INVALID_NPUB, INVALID_MINT_URL, INVALID_INVOICE
 */
export async function readRequest(
  context: Context,
  config: Config,
  invoice: string | undefined,
  flags: MeltFlags,
): Promise<MeltRequest> {
  const given = required(
    invoice,
    'No invoice was given: name one, or - to read it from standard input.',
  );
  assertNoOperation(given);
  const npub = required(flags.npub, "The wallet's owner is missing: add --npub npub1….");
  const mint = required(
    flags.mint ?? config.mint_url,
    'No mint is named: add --mint URL or set CASHU_OPS_MINT_URL.',
  );
  return {
    npub: parseNpub(npub),
    mint_url: parseMintUrl(mint),
    invoice: parseInvoice(given === '-' ? await fromStdin(context) : given),
    max_fee: flags.maxFee ?? config.max_fee_sat,
  };
}

const OPERATION = /^([0-9a-f]{8}-[0-9a-f-]{27}|melt_\d+_[0-9a-f]+)$/;

/** Whoever leaves out --resume on a bad day is told so, and not that it is a bad invoice. */
function assertNoOperation(given: string): void {
  if (!OPERATION.test(given)) return;
  throw new CashuOpsError(
    'INVALID_ARGUMENT',
    `${given} is an operation, not an invoice: it is looked at with --resume. Nothing was paid.`,
    { next_command: `cashu-ops melt --resume ${given}` },
  );
}

function fromStdin({ io, interrupted }: Context): Promise<string> {
  if (io.inIsTty) {
    io.err('Reading the invoice from standard input: paste it, press Enter, then Ctrl-D.');
  }
  return unlessInterrupted(interrupted, io.readStdin(INVOICE_BYTES_MAX), NOTHING_SENT);
}

/** Without a person to ask, a payment needs its consent in advance: before anything is opened. */
export function assertMayPay(
  { io }: Context,
  invoice: string | undefined,
  { yes, dryRun, json }: MeltFlags,
): void {
  if (yes || dryRun) return;
  const obstacle = obstacleToAsking(io, invoice, json === true);
  if (obstacle === null) return;
  throw new CashuOpsError(
    'CONFIRMATION_REQUIRED',
    `${obstacle}: add --yes to pay, or --dry-run to see what it would cost.`,
  );
}

function obstacleToAsking(
  { canPrompt, logFormat }: Io,
  invoice: string | undefined,
  json: boolean,
): string | null {
  if (logFormat === 'json') return 'With JSON lines on stderr nobody is asked';
  if (!canPrompt) return 'There is no terminal to ask on';
  if (json) return 'With --json nobody is asked';
  // Its end is the end of the standard input, so no answer could come from there.
  return invoice === '-' ? 'With the invoice from standard input nobody can be asked' : null;
}

/** `--wait` in ms; 0 without it. @throws CashuOpsError INVALID_ARGUMENT */
export function waitOf({ wait }: MeltFlags): number {
  if (wait === undefined) return 0;
  const waitMs = durationMs(wait);
  if (waitMs !== null) return waitMs;
  throw new CashuOpsError(
    'INVALID_ARGUMENT',
    `--wait takes a duration such as 30s or 10m, not "${wait}".`,
  );
}
