import pLimit from 'p-limit';
import { ageInSeconds } from '../../domain/age.ts';
import { isBeingPaid, mayBePaidUntil } from '../../domain/being_paid.ts';
import { CashuOpsError, messageOf } from '../../domain/errors.ts';
import type { FindingType, OperationFindingType } from '../../domain/finding.ts';
import { isOpen, type OpenOperation, withObservation } from '../../domain/melt_operation.ts';
import { sumProofs } from '../../domain/proof.ts';
import type { Finding, OpenOperationView } from '../../domain/reconcile_run.ts';
import { tokensOf } from '../../store/documents.ts';
import { toObjectId } from '../../store/new_token.ts';
import type { WalletGroup } from '../../store/token_scan.ts';
import { translating } from '../../store/translating.ts';
import { type Examination, isMintSilent } from '../melt/examine.ts';
import { waitsForChange, whyLocked } from '../melt/why_locked.ts';
import { isTooYoung, soundAmount } from './findings_of.ts';
import { operationFinding } from './operation_finding.ts';
import type { RunContext } from './run_context.ts';

/** So many operations are looked at side by side. */
const LOOKS_AT_ONCE = 4;
/** A process that has its answer books it within this time (ms). */
const BOOKING_MS = 2_000;

/** What was found of one open operation; nothing was changed. */
export interface ExaminedOperation {
  operation: OpenOperation;
  view: OpenOperationView;
  findings: Finding[];
  /** It may be brought on: the policies want it, and nobody is paying it right now. */
  resolvable: boolean;
  /** The mint did not say how it stands. */
  unknown: boolean;
}

/** Looks at every open operation of a group of wallets by the one decision function. */
export async function examineOperations(
  context: RunContext,
  group: WalletGroup,
): Promise<ExaminedOperation[]> {
  const { npubs, mint_urls } = group;
  const open = await context.operations.openOperationsIn(npubs, mint_urls);
  const limit = pLimit(LOOKS_AT_ONCE);
  const examined = open.map((operation) => limit(() => examineSafely(context, operation)));
  return (await Promise.all(examined)).filter((each) => each !== null);
}

/** A record that cannot be read is one of which nothing is known; the others are looked at. */
async function examineSafely(
  context: RunContext,
  operation: OpenOperation,
): Promise<ExaminedOperation | null> {
  try {
    return await examine(context, operation);
  } catch (error) {
    if (error instanceof CashuOpsError && error.kind === 'unreachable') throw error;
    const { _id, state, npub, mint_url } = operation;
    const reason = `its record cannot be read (${messageOf(error)})`;
    context.log.warn('An open operation could not be looked at', { operation_id: _id, reason });
    const view = {
      ...{ operation_id: _id, state, npub, mint_url, reason },
      ...{ amount: soundAmount(operation.amount), reserved: 0, age_s: 0, observations: [] },
      ...{ missing: ['a person must look at it'], look_again_at: null, being_paid: false },
      next_command: `cashu-ops melt --resume ${_id}`,
    };
    return { operation, view, findings: [], resolvable: false, unknown: true };
  }
}

/** Null where its end came meanwhile. */
async function examine(
  context: RunContext,
  operation: OpenOperation,
): Promise<ExaminedOperation | null> {
  const looked = await look(context, operation);
  const paid = looked?.decision.action === 'settle';
  if (paid && isPaying(context, operation)) {
    // Whoever pays it may be booking it right now, and then nothing is wrong.
    await context.sleep(BOOKING_MS);
    const now = await context.operations.get(operation._id);
    if (now === null || !isOpen(now)) return null;
  }
  const view = viewOf(context, operation, looked);
  const types = typesOf(context, operation, looked);
  const resolvable = looked !== null && mayResolve(context, types, view);
  if (await lacksTokens(context, operation)) types.push('OPERATION_WITHOUT_TOKENS');
  const unknown = looked === null || isMintSilent(looked);
  const findings = types.flatMap((type) => findingOf(context, operation, type, view) ?? []);
  return { operation, view, findings, resolvable, unknown };
}

/** A mint that cannot be asked leaves the operation as it is: not known. */
async function look(
  { melt, log }: RunContext,
  operation: OpenOperation,
): Promise<Examination | null> {
  try {
    return await melt.examine(operation);
  } catch (error) {
    if (!(error instanceof CashuOpsError)) throw error;
    log.warn('An open operation could not be looked at', {
      operation_id: operation._id,
      reason: messageOf(error),
    });
    return null;
  }
}

function isPaying({ settings, clock }: RunContext, operation: OpenOperation): boolean {
  return isBeingPaid(operation, settings.melt_timeout_ms, clock());
}

function typesOf(
  context: RunContext,
  operation: OpenOperation,
  looked: Examination | null,
): OperationFindingType[] {
  const { state } = operation;
  if (waitsForChange(operation) !== null) return ['CHANGE_OUTSTANDING'];
  if (looked?.decision.action === 'settle') return ['OPERATION_PAID_NOT_SETTLED'];
  const attention = looked?.decision.action === 'attention' && !isPaying(context, operation);
  return attention || state === 'needs_attention' ? ['OPERATION_NEEDS_ATTENTION'] : [];
}

/** A payment that somebody is making is left alone, unless the mint shows that it is made. */
function mayResolve(
  { rules, run }: RunContext,
  types: readonly OperationFindingType[],
  { being_paid, age_s }: OpenOperationView,
): boolean {
  const wants = (type: FindingType) =>
    rules.policies[type] === 'repair' || rules.requested.has(type);
  if (types.length > 0) return types.every(wants);
  const isLeftOut = being_paid || isTooYoung(run.scope.older_than_ms, age_s);
  return !isLeftOut && wants('DB_PENDING_MINT_UNSPENT');
}

/** Tokens of an open operation that are not there any more, or no longer reserved for it. */
async function lacksTokens(context: RunContext, operation: OpenOperation): Promise<boolean> {
  const { _id: reserved_by, source_token_ids: ids } = operation;
  const _id = { $in: ids.map((id) => toObjectId(id, 'a source token')) };
  const standing = await translating(() =>
    tokensOf(context.store.db).countDocuments({ _id, reserved_by }),
  );
  if (standing === ids.length) return false;
  const now = await context.operations.get(reserved_by);
  return now !== null && isOpen(now) && now.rev === operation.rev;
}

function findingOf(
  context: RunContext,
  operation: OpenOperation,
  type: OperationFindingType,
  { reserved: amount, age_s, reason: note }: OpenOperationView,
): Finding | null {
  const finding = operationFinding(context, operation, { type, amount, age_s, note });
  const isLeftOut =
    finding?.severity !== 'CRITICAL' && isTooYoung(context.run.scope.older_than_ms, age_s);
  return isLeftOut ? null : finding;
}

function viewOf(
  context: RunContext,
  operation: OpenOperation,
  looked: Examination | null,
): OpenOperationView {
  const { settings, clock } = context;
  const { _id, state, npub, mint_url, amount, inputs, created_at } = operation;
  const being_paid = isPaying(context, operation);
  const now = looked?.observation ?? null;
  return {
    operation_id: _id,
    state,
    npub,
    mint_url,
    amount,
    reserved: sumProofs(inputs),
    age_s: ageInSeconds(created_at, clock()),
    observations: now ? withObservation(operation.observations, now) : operation.observations,
    being_paid,
    next_command: `cashu-ops melt --resume ${_id}`,
    // What is paid waits for nobody: --apply books it, whoever else may be about to.
    ...(being_paid && looked?.decision.action !== 'settle'
      ? {
          reason: 'another process may be paying it right now, so it is left alone',
          missing: [],
          look_again_at: mayBePaidUntil(operation, settings.melt_timeout_ms),
        }
      : whyLocked(operation, looked)),
  };
}
