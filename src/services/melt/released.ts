import { CashuOpsError } from '../../domain/errors.ts';
import type { FailedOperation, MeltOperation } from '../../domain/melt_operation.ts';
import {
  judgeReleased,
  mayHaveLeft,
  type ReleasedFate,
  releasedTries,
  standsForInvoice,
} from '../../domain/melt_tries.ts';
import { caughtUp } from '../../journal/caught_up.ts';
import { restoreOutputs } from '../../mint/change.ts';
import type { MintGateway } from '../../mint/gateway.ts';
import { keptOf } from './bring_back.ts';
import { type Look, lookAtMint } from './look.ts';
import type { MeltDeps } from './types.ts';

/** What the mint shows of an operation that was released, and what follows from it. */
export interface ReleasedLook extends Look {
  fate: ReleasedFate;
  /** Another operation that has certainly spent coins of this one since. */
  spender: MeltOperation | null;
}

/**
 * Looks again at an operation that was released as not paid: its request may have been held up and
 * have paid since, or a mint may have lied.
 */
export async function lookAtReleased(
  deps: Pick<MeltDeps, 'melts' | 'mintOf' | 'clock'>,
  operation: FailedOperation,
): Promise<ReleasedLook> {
  const mint = deps.mintOf(operation.mint_url);
  const look = await lookAtMint(mint, operation, deps.clock());
  const { quote, inputs } = look.observation;
  const spender = inputs.spent > 0 ? await deps.melts.spenderOf(operation) : null;
  const gone = quote === 'NOT_FOUND' && inputs.spent === operation.inputs.length;
  const changeSigned = gone && spender === null && (await hasSigned(mint, operation));
  const known = { usedSince: spender !== null, changeSigned };
  return { ...look, spender, fate: judgeReleased(look.observation, known) };
}

/** Signed blanks are a proof of the payment that no quote is needed for. */
async function hasSigned(
  mint: MintGateway,
  { blanks, keysets }: FailedOperation,
): Promise<boolean> {
  mint.remember(keysets ?? []);
  const coins = await restoreOutputs(mint, blanks);
  return coins !== null && coins.length > 0;
}

/**
 * Nobody may pay an invoice before every earlier try of it is known not to have paid.
 *
 * @param tries all operations on the invoice
 * @throws CashuOpsError DUPLICATE_OPERATION with the earlier operation to look at
 */
export async function assertReleasedStayUnpaid(
  deps: Pick<MeltDeps, 'melts' | 'mintOf' | 'clock' | 'journal'>,
  tries: readonly MeltOperation[],
): Promise<void> {
  const released = releasedTries(await Promise.all(tries.map((one) => asKnown(deps, one))));
  const looks = await Promise.all(released.map((operation) => lookAtReleased(deps, operation)));
  for (const [index, { fate, observation }] of looks.entries()) {
    const operation = released[index];
    if (operation === undefined || fate === 'unpaid') continue;
    const { _id, quote_id } = operation;
    throw new CashuOpsError(
      'DUPLICATE_OPERATION',
      `An earlier try of this payment was released, and the mint does not show now that it stayed unpaid (the quote is ${observation.quote}, ${observation.inputs.spent} of ${operation.inputs.length} coins are spent). Nothing was paid; look at the earlier operation ${_id} first.`,
      { operation_id: _id, quote_id, next_command: `cashu-ops melt --resume ${_id}` },
    );
  }
}

/** In a restored database a try may stand as never sent, although this machine has sent it. */
async function asKnown(
  deps: Pick<MeltDeps, 'journal'>,
  operation: MeltOperation,
): Promise<MeltOperation> {
  if (operation.state !== 'failed' || mayHaveLeft(operation)) return operation;
  return caughtUp(operation, await keptOf(deps, operation._id));
}

/** The operation that stands for the same quote of the same mint, or null. */
export function ownerOfQuote(
  tries: readonly MeltOperation[],
  { _id, mint_url, quote_id }: MeltOperation,
): MeltOperation | null {
  const owner = tries.find(
    (one) =>
      one._id !== _id &&
      one.mint_url === mint_url &&
      one.quote_id === quote_id &&
      standsForInvoice(one),
  );
  return owner ?? null;
}
