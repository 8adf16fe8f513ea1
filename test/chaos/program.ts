import type { FaultRule, PaymentBehaviour } from '../../src/practice/mint/client.ts';

/*
 * A program is what one run does: data only, so that it can be printed, repeated and made smaller.
 * All times are in milliseconds.
 */

export interface Program {
  /** The mint pays an invoice as often as it is asked to: only the tool's own care stands between. */
  careless_mint: boolean;
  /** Answers are replayed (NUT-19), or what is lost stays lost. */
  replays: boolean;
  /** The wallet's tokens, by the amounts of their coins (sat, powers of two). */
  tokens: number[][];
  invoices: PlannedInvoice[];
  steps: Step[];
  /**
   * After the last step the database is set back to how it stood after this one (counted from 0);
   * null, or a step that is none: it is not. The rescue journal is not set back.
   */
  restored_to: number | null;
}

export interface PlannedInvoice {
  amount_sat: number;
  /** How the payment ends at the end of the run, should it still be in flight. */
  at_last: 'succeed' | 'fail';
}

/** Circumstances, and then commands that run side by side. */
export interface Step {
  circumstances: Circumstance[];
  commands: PlannedCommand[];
}

export type Circumstance =
  /** In the place of all rules before. */
  | { kind: 'mint_faults'; rules: FaultRule[] }
  /** How payments of an invoice end from now on. */
  | { kind: 'payment'; invoice: number; behaviour: PaymentBehaviour }
  /** Ends a payment in flight. */
  | { kind: 'payment_ends'; invoice: number; outcome: 'succeed' | 'fail' }
  /** The mint takes a new keyset and signs with the old ones no more. */
  | { kind: 'keyset_rotates' }
  | { kind: 'database_fails'; fail_point: PlannedFailPoint }
  | StandStill;

/** A whole process stands still while the commands run. */
export interface StandStill {
  kind: 'mint_stands_still' | 'database_stands_still';
  after_ms: number;
  for_ms: number;
}

/** What the server does to commands of one client while the step lasts. */
export interface PlannedFailPoint {
  client: 'melt' | 'melt --resume' | 'reconcile';
  commands: string[];
  effect: Record<string, unknown>;
  /** So many commands, or all of them for a while. */
  lasts: { times: number } | { for_ms: number };
}

export type PlannedCommand = {
  after_ms: number;
  blow: Blow | null;
} & (
  | { kind: 'melt'; invoice: number; swap: 'always' | 'auto' }
  | { kind: 'resume'; invoice: number }
  | { kind: 'resume_all' }
  | { kind: 'reconcile'; apply: boolean }
  | { kind: 'balance'; verify: boolean }
);

/** What happens to a process while it runs. */
export interface Blow {
  signals: 'SIGKILL' | 'SIGTERM' | 'SIGINT' | 'SIGINT_TWICE' | 'SIGSTOP_SIGCONT';
  when: Moment;
  /** How long it stands still, or how long after the first signal the second one comes. */
  for_ms: number;
}

/** A moment in the life of a process: by the clock, or as soon as something is written down. */
export type Moment =
  | { after_ms: number }
  | { at: 'prepared' | 'swapping' | 'submitting' | 'reply_in_journal'; and_ms: number };
