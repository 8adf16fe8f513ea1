import type { mongo } from 'mongoose';
import { groupDigits } from '../../domain/amount.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import { assertPayable, type PayableInvoice } from '../../domain/invoice.ts';
import type { MeltOperation } from '../../domain/melt_operation.ts';
import type { MeltPolicy } from '../../domain/melt_policy.ts';
import { earlierTry } from '../../domain/melt_tries.ts';
import { DUPLICATE_WINDOW_MS, generateOperationHash } from '../../domain/operation_hash.ts';
import { shellWord } from '../../domain/shell_word.ts';
import type { MintCapabilities, MintGateway } from '../../mint/gateway.ts';
import type { Wallet } from '../../store/wallet_reads.ts';
import { assertNotRestored } from './bring_back.ts';
import { assertReleasedStayUnpaid } from './released.ts';
import type { MeltDeps, MeltPlan, MeltRequest } from './types.ts';

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
 * @throws CashuOpsError WALLET_NOT_FOUND, UNIT_MISMATCH, MELTS_STOPPED, DATABASE_RESTORED, INVOICE_…, AMOUNT_TOO_LARGE,
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
  const [wallet, tries, policy] = await Promise.all([
    deps.wallets.findWallet(npub, mint_url),
    deps.melts.tries(payment_hash),
    deps.wallets.readPolicy(),
    deps.wallets.assertGuarded(),
    assertNotRestored(deps),
  ]);
  assertWallet(wallet, request);
  const earlier = earlierIn(tries, operation_hash, now);
  if (earlier !== null) return earlier;
  assertPayable(invoice, { network: deps.settings.network, now });
  await assertNotStopped(deps, policy, request);
  const mint = deps.mintOf(mint_url);
  const capabilities = await mint.load();
  assertCanMelt(mint, capabilities, invoice.amount_sat);
  await assertReleasedStayUnpaid(deps, tries);
  return { wallet, invoice, operation_hash, mint, capabilities };
}

function earlierIn(
  tries: readonly MeltOperation[],
  operation_hash: string,
  now: Date,
): EarlierOperation | null {
  const since = new Date(now.getTime() - DUPLICATE_WINDOW_MS);
  const earlier = earlierTry(tries, operation_hash, since);
  return earlier && new EarlierOperation(earlier);
}

/**
 * A person may think for an hour before agreeing: what can change meanwhile is looked at again.
 *
 * @returns how many operations on the invoice there are, or the one that stands for it now
 * @throws CashuOpsError MELTS_STOPPED, INVOICE_EXPIRED, DUPLICATE_OPERATION
 */
export async function assertStillPayable(
  deps: MeltDeps,
  { invoice, request, operation_hash }: MeltPlan,
): Promise<number | EarlierOperation> {
  const now = deps.clock();
  const [policy, tries] = await Promise.all([
    deps.wallets.readPolicy(),
    deps.melts.tries(invoice.payment_hash),
    assertNotRestored(deps),
  ]);
  const earlier = earlierIn(tries, operation_hash, now);
  if (earlier !== null) return earlier;
  await assertNotStopped(deps, policy, request);
  assertPayable(invoice, { network: deps.settings.network, now });
  await assertReleasedStayUnpaid(deps, tries);
  return tries.length;
}

/**
 * Looks at the policy once more, in the transaction that claims the coins: checking them took its
 * time, and a stop that was set meanwhile must hold.
 *
 * @throws CashuOpsError MELTS_STOPPED
 */
export async function assertMayMelt(
  deps: Pick<MeltDeps, 'wallets'>,
  request: Pick<MeltRequest, 'npub' | 'mint_url'>,
  session: mongo.ClientSession,
): Promise<void> {
  await assertNotStopped(deps, await deps.wallets.readPolicy(session), request);
}

/** @throws CashuOpsError MELTS_STOPPED with who stopped melts, when and why */
async function assertNotStopped(
  { wallets }: Pick<MeltDeps, 'wallets'>,
  policy: MeltPolicy,
  { npub, mint_url }: Pick<MeltRequest, 'npub' | 'mint_url'>,
): Promise<void> {
  const stop = await wallets.findStop(policy, { npub, mint_url });
  if (stop === null) return;
  throw new CashuOpsError(
    'MELTS_STOPPED',
    `Nothing was paid: ${stop.why}. Open operations may still be resolved.`,
    {
      recommendation: 'Ask whoever stopped them before they are let run again.',
      next_command: `cashu-ops policy show --npub ${npub} --mint ${shellWord(mint_url)}`,
      facts: { rule: stop.rule, rev: policy.rev },
    },
  );
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

function assertCanMelt(mint: MintGateway, can: MintCapabilities, amount: number): void {
  const refuse = (why: string) => {
    throw new CashuOpsError('MINT_CANNOT_MELT', `The mint ${mint.url} ${why}; nothing was paid.`);
  };
  if (!can.melt) refuse(`does not pay Lightning invoices in ${mint.unit} (NUT-05)`);
  if (!can.restore) {
    refuse(
      'does not give its signatures again (NUT-09), so change whose answer is lost would be gone',
    );
  }
  if (!can.checkstate) refuse('does not say the state of coins (NUT-07), so a payment is not safe');
  if (can.melt_min !== null && amount < can.melt_min) {
    refuse(
      `pays no less than ${groupDigits(can.melt_min)} sat, the invoice asks for ${groupDigits(amount)} sat`,
    );
  }
  if (can.melt_max !== null && amount > can.melt_max) {
    refuse(
      `pays no more than ${groupDigits(can.melt_max)} sat, the invoice asks for ${groupDigits(amount)} sat`,
    );
  }
}
