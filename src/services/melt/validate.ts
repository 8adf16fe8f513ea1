import { CashuOpsError } from '../../domain/errors.ts';
import { assertPayable, type PayableInvoice } from '../../domain/invoice.ts';
import type { FailedOperation, MeltOperation } from '../../domain/melt_operation.ts';
import { type MeltPolicy, whyStopped } from '../../domain/melt_policy.ts';
import { DUPLICATE_WINDOW_MS, generateOperationHash } from '../../domain/operation_hash.ts';
import type { MintCapabilities, MintGateway } from '../../mint/gateway.ts';
import type { Wallet } from '../../store/wallet_reads.ts';
import type { MeltDeps, MeltRequest } from './types.ts';

/** A request that may be quoted. */
export interface ValidRequest {
  wallet: Wallet;
  invoice: PayableInvoice;
  operation_hash: string;
  mint: MintGateway;
  capabilities: MintCapabilities;
}

/** The same payment was asked for before: the earlier operation is the answer. */
export class EarlierOperation {
  readonly operation: MeltOperation;

  constructor(operation: MeltOperation) {
    this.operation = operation;
  }
}

/**
 * Everything that can be known before the mint is asked for a quote.
 *
 * @returns the valid request, or the earlier operation for the same payment
 * @throws CashuOpsError WALLET_NOT_FOUND, UNIT_MISMATCH, MELTS_STOPPED, INVOICE_…, AMOUNT_TOO_LARGE,
 *   MINT_UNREACHABLE, MINT_CANNOT_MELT
 */
export async function validateMelt(
  deps: MeltDeps,
  request: MeltRequest,
): Promise<ValidRequest | EarlierOperation> {
  const { npub, mint_url, invoice } = request;
  const now = deps.clock();
  const amount = invoice.amount_sat ?? 0;
  const { payment_hash } = invoice;
  const operation_hash = generateOperationHash({ npub, mint_url, payment_hash, amount });
  const since = new Date(now.getTime() - DUPLICATE_WINDOW_MS);
  const [wallet, earlier, released, policy] = await Promise.all([
    deps.wallets.findWallet(npub, mint_url),
    deps.melts.findEarlier(payment_hash, operation_hash, since),
    deps.melts.findReleased(payment_hash),
    deps.wallets.readPolicy(),
    deps.wallets.assertGuarded(),
  ]);
  assertWallet(wallet, request);
  if (earlier !== null) return new EarlierOperation(earlier);
  assertPayable(invoice, { network: deps.settings.network, now });
  assertNotStopped(policy, request);
  const mint = deps.mintOf(mint_url);
  const capabilities = await mint.load();
  assertCanMelt(mint, capabilities, invoice.amount_sat);
  await assertReleasedStayUnpaid(deps, released);
  return { wallet, invoice, operation_hash, mint, capabilities };
}

/**
 * What was released may have been paid since: by a request that was delayed, or by a mint that lied.
 * The quote tells; nobody else may pay the invoice before it says that it is unpaid.
 */
async function assertReleasedStayUnpaid(
  deps: MeltDeps,
  released: readonly FailedOperation[],
): Promise<void> {
  for (const { _id, mint_url, quote_id } of released) {
    const { state, preimage } = await deps.mintOf(mint_url).readMeltQuote(quote_id);
    const unpaid = (state === 'UNPAID' && preimage === null) || state === 'NOT_FOUND';
    if (unpaid) continue;
    throw new CashuOpsError(
      'DUPLICATE_OPERATION',
      `An earlier try of this payment was released, and the mint does not call it unpaid now (${state}). Nothing was paid; look at the earlier operation ${_id} first.`,
      { operation_id: _id, quote_id, next_command: `cashu-ops melt --resume ${_id}` },
    );
  }
}

/** @throws CashuOpsError MELTS_STOPPED with who stopped melts, when and why */
export function assertNotStopped(
  policy: MeltPolicy,
  { npub, mint_url }: Pick<MeltRequest, 'npub' | 'mint_url'>,
): void {
  const stopped = whyStopped(policy, npub, mint_url);
  if (stopped !== null) throw meltsStopped(stopped, policy);
}

function assertWallet(
  wallet: Wallet | null,
  { npub, mint_url }: MeltRequest,
): asserts wallet is Wallet {
  if (wallet === null) {
    throw new CashuOpsError(
      'WALLET_NOT_FOUND',
      `${npub} has no wallet at ${mint_url}. Check both; "cashu-ops balance --npub ${npub}" lists the wallets of an owner.`,
      { next_command: `cashu-ops balance --npub ${npub}` },
    );
  }
  const unit = wallet.wallet_config?.unit ?? 'sat';
  if (unit !== 'sat') {
    throw new CashuOpsError(
      'UNIT_MISMATCH',
      `The wallet holds "${unit}"; only "sat" can be melted.`,
    );
  }
}

function meltsStopped(
  reason: string,
  policy: { set_by: string | null; set_at: Date | null; reason: string | null },
): CashuOpsError {
  const who = policy.set_by ? `, set by ${policy.set_by}` : '';
  const when = policy.set_at ? ` at ${policy.set_at.toISOString()}` : '';
  const why = policy.reason ? ` (${policy.reason})` : '';
  return new CashuOpsError(
    'MELTS_STOPPED',
    `Nothing was paid: ${reason}${who}${when}${why}. Open operations may still be resolved.`,
  );
}

function assertCanMelt(mint: MintGateway, can: MintCapabilities, amount: number): void {
  const refuse = (why: string) => {
    throw new CashuOpsError('MINT_CANNOT_MELT', `The mint ${mint.url} ${why}; nothing was paid.`);
  };
  if (!can.melt) refuse(`does not pay Lightning invoices in ${mint.unit} (NUT-05)`);
  if (!can.checkstate) refuse('does not say the state of coins (NUT-07), so a payment is not safe');
  if (can.melt_min !== null && amount < can.melt_min) {
    refuse(`pays no less than ${can.melt_min} sat, the invoice asks for ${amount} sat`);
  }
  if (can.melt_max !== null && amount > can.melt_max) {
    refuse(`pays no more than ${can.melt_max} sat, the invoice asks for ${amount} sat`);
  }
}
