import type { AuditEventData, AuditSeverity } from '../domain/audit_event.ts';
import { assertNever } from '../domain/errors.ts';
import {
  isSettled,
  type MeltOperation,
  totalInputFee,
  totalKept,
} from '../domain/melt_operation.ts';
import { operationDigest } from '../domain/operation_digest.ts';
import { sumProofs } from '../domain/proof.ts';

type MeltEventType = Extract<AuditEventData['type'], `melt_${string}`> & AuditEventData['type'];

/** The audit event of one arrow of the state machine: ids, amounts and names of states only. */
export function meltEvent(from: MeltOperation | null, to: MeltOperation): AuditEventData {
  const { type, severity, note } = headline(from, to);
  return {
    type: type as 'melt_prepared',
    severity,
    npub: to.npub,
    mint_url: to.mint_url,
    operation_id: to._id,
    transaction_id: to.transaction_id,
    quote_id: to.quote_id,
    before: from?.state ?? null,
    after: to.state,
    amounts: amountsOf(to),
    ys: to.inputs.map((input) => input.Y).slice(0, 1000),
    digest: from === null ? operationDigest(to) : null,
    note,
  };
}

/** The journal knew more of an operation than the database, which must have been restored. */
export function broughtBackEvent(from: MeltOperation | null, to: MeltOperation): AuditEventData {
  const { type: _, ...facts } = meltEvent(from, to);
  return {
    ...facts,
    type: 'journal_replayed',
    severity: 'HIGH',
    note: 'brought back from the rescue journal',
  };
}

function amountsOf(operation: MeltOperation): Record<string, number> {
  const amounts: Record<string, number> = {
    amount: operation.amount,
    fee_reserve: operation.fee_reserve,
    input_fee: totalInputFee(operation),
    inputs: sumProofs(operation.inputs),
    kept: totalKept(operation),
  };
  if (isSettled(operation)) {
    amounts.lightning_fee = operation.lightning_fee;
    amounts.change = operation.change_amount;
  }
  return amounts;
}

interface Headline {
  type: MeltEventType;
  severity: AuditSeverity;
  note: string | null;
}

function headline(from: MeltOperation | null, to: MeltOperation): Headline {
  if (from !== null && from.state === to.state) {
    return { type: 'melt_observed', severity: 'INFO', note: reasonOf(to) };
  }
  switch (to.state) {
    case 'prepared':
      return { type: 'melt_prepared', severity: 'INFO', note: null };
    case 'swapping':
      return { type: 'melt_swapping', severity: 'INFO', note: null };
    case 'submitting':
      return from?.state === 'swapping'
        ? { type: 'melt_swapped', severity: 'INFO', note: null }
        : { type: 'melt_submitted', severity: 'INFO', note: null };
    case 'pending':
      return { type: 'melt_pending', severity: 'LOW', note: to.reason };
    case 'needs_attention':
      return { type: 'melt_needs_attention', severity: 'CRITICAL', note: to.reason };
    case 'failed':
      return {
        type: 'melt_failed',
        severity: to.released_by === undefined ? 'LOW' : 'HIGH',
        note: to.reason,
      };
    case 'paid':
      // A preimage that does not fit is no reason to keep the books open, but somebody should know.
      return to.preimage_valid
        ? { type: 'melt_paid', severity: 'INFO', note: null }
        : {
            type: 'melt_paid',
            severity: 'HIGH',
            note: 'the preimage does not fit the payment hash',
          };
    case 'paid_again':
      return {
        type: 'melt_paid',
        severity: 'CRITICAL',
        note: `paid twice: operation ${to.paid_first} has paid the same invoice`,
      };
    default:
      return assertNever(to);
  }
}

function reasonOf(operation: MeltOperation): string | null {
  return 'reason' in operation ? operation.reason : null;
}
