import { groupDigits } from '../domain/amount.ts';
import {
  isSettled,
  isSubmitted,
  type MeltOperation,
  totalInputFee,
  totalKept,
} from '../domain/melt_operation.ts';
import { journalPlace } from '../journal/place.ts';
import type { MeltOutcome, MeltPlan, MeltStatus } from '../services/melt/types.ts';
import { cleanText } from './clean_text.ts';

/** The JSON of `cashu-ops melt`, version 1: keys are only ever added. Amounts in sat. */
export interface MeltReport {
  schema: 'cashu-ops/melt@1';
  ok: boolean;
  status: MeltStatus;
  operation_id: string | null;
  transaction_id: string | null;
  quote_id: string;
  payment_hash: string;
  npub: string;
  mint_url: string;
  amount: number;
  fee_reserve: number;
  /** What Lightning really cost; null while it is not known. */
  fee_paid: number | null;
  input_fee: number;
  change_amount: number | null;
  keep_amount: number;
  /** Only with the setting `show_preimage`. */
  preimage: string | null;
  durations: Record<string, number>;
  state: MeltOperation['state'] | null;
  message: string;
  severity: string | null;
  /** CRITICAL only: what may be lost (sat), where the rescue journal lies, whom to ask. */
  at_stake: number | null;
  journal: string | null;
  support_contact: string | null;
  missing: string[];
  look_again_at: string | null;
  next_command: string | null;
}

/** The settings that a report needs: those of the command, or of a program of its own. */
export interface ReportSettings {
  readonly show_preimage: boolean;
  /** Folder of the rescue journal. */
  readonly journal_dir: string;
  /** Whom to ask when a person must act. */
  readonly support_contact: string | null;
}

/** The report of a melt that has an operation. */
export function reportOutcome(outcome: MeltOutcome, settings: ReportSettings): MeltReport {
  const { operation, status } = outcome;
  const paid = isSettled(operation) ? operation : null;
  return {
    schema: 'cashu-ops/melt@1',
    ok: status === 'paid',
    status,
    operation_id: operation._id,
    transaction_id: operation.transaction_id,
    quote_id: operation.quote_id,
    payment_hash: operation.payment_hash,
    npub: operation.npub,
    mint_url: operation.mint_url,
    amount: operation.amount,
    fee_reserve: operation.fee_reserve,
    fee_paid: paid?.lightning_fee ?? null,
    input_fee: totalInputFee(operation),
    change_amount: paid?.change_amount ?? null,
    keep_amount: totalKept(operation),
    preimage: settings.show_preimage ? (paid?.preimage ?? null) : null,
    durations: outcome.durations,
    state: operation.state,
    message: cleanText(outcome.message),
    severity: outcome.severity,
    ...criticalKeys(outcome, settings),
    missing: outcome.missing,
    look_again_at: outcome.look_again_at?.toISOString() ?? null,
    next_command: nextCommand(outcome),
  };
}

/** The report of a melt that was only tried: nothing is written and nothing moved. */
export function reportDryRun(plan: MeltPlan): MeltReport {
  const { quote, invoice, wallet, durations } = plan;
  return {
    schema: 'cashu-ops/melt@1',
    ok: true,
    status: 'dry_run',
    operation_id: null,
    transaction_id: null,
    quote_id: quote.quote_id,
    payment_hash: invoice.payment_hash,
    npub: wallet.npub,
    mint_url: wallet.mint_url,
    amount: quote.amount,
    fee_reserve: quote.fee_reserve,
    fee_paid: null,
    input_fee: plan.input_fee,
    change_amount: null,
    keep_amount: plan.keep_amount,
    preimage: null,
    durations,
    state: null,
    message: `Would pay ${groupDigits(quote.amount)} sat; nothing was written and nothing was paid.`,
    severity: null,
    ...NOTHING_CRITICAL,
    missing: [],
    look_again_at: null,
    next_command: null,
  };
}

type CriticalKeys = Pick<MeltReport, 'at_stake' | 'journal' | 'support_contact'>;

const NOTHING_CRITICAL: CriticalKeys = { at_stake: null, journal: null, support_contact: null };

function criticalKeys(outcome: MeltOutcome, settings: ReportSettings): CriticalKeys {
  if (outcome.status !== 'critical') return NOTHING_CRITICAL;
  return {
    at_stake: outcome.at_stake_sat,
    journal: journalPlace(settings.journal_dir, outcome.operation),
    support_contact: settings.support_contact,
  };
}

function nextCommand({ status, operation }: MeltOutcome): string | null {
  // This one is booked; the first payment is what else the payee must be shown.
  if (operation.state === 'paid_again' && status === 'critical') {
    return `cashu-ops melt --resume ${operation.paid_first}`;
  }
  if (status === 'paid' || status === 'failed') return null;
  if (isSettled(operation)) return null;
  const open = isSubmitted(operation) || status === 'pending' || status === 'critical';
  return open ? `cashu-ops melt --resume ${operation._id}` : null;
}
