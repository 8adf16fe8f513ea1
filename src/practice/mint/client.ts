/**
 * Starts practice mints and controls them, from the same process or from another one.
 */

import { randomBytes } from 'node:crypto';
import { CashuOpsError, messageOf } from '../../domain/errors.ts';
import {
  CONTROL,
  type ControlInput,
  type ControlResponse,
  type ControlVerb,
} from './control_contract.ts';
import type { FaultRule } from './fault_rules.ts';
import type { PracticeInvoice } from './invoice_schema.ts';
import type { LedgerReport } from './ledger.ts';
import type { PaymentBehaviour } from './lightning.ts';
import { launchMint, type MintProcess } from './mint_process.ts';
import {
  DEFAULT_SETTINGS,
  type FeeReserveRule,
  type MintSettings,
  type SettingsPatch,
} from './settings.ts';
import type { MeltRequestNote, RequestCounts } from './traffic.ts';
import type { ProofState } from './wire.ts';

export type { FaultRule } from './fault_rules.ts';
export type { PracticeInvoice } from './invoice_schema.ts';
export { type LedgerReport, ledgerCloses } from './ledger.ts';
export type { PaymentBehaviour } from './lightning.ts';
export type { FeeReserveRule, MintSettings, SettingsPatch } from './settings.ts';
export type { MeltRequestNote, RequestCounts } from './traffic.ts';

export interface PracticeMintOptions {
  /** Gets every line that the mint says: its defects, and nothing else. */
  log: (line: string) => void;
  /** Default: one that is free. */
  port?: number;
  unit?: 'sat';
  /** 32 bytes in hex; the same seed gives the same keysets. Default: random. */
  seed?: string;
  /** 1 for keyset ids `01…` (the default), 0 for the short ones `00…`. */
  keysetVersion?: 0 | 1;
  /** Default 100. */
  inputFeePpk?: number;
  /** Default `max(2 sat, 1 %)`. */
  feeReserve?: FeeReserveRule;
  /** Limits and habits; `configure` changes them later. */
  settings?: SettingsPatch;
  /** Default 20 000. */
  startTimeoutMs?: number;
}

/** The hand behind a practice mint. Every call throws MINT_UNREACHABLE when the mint is away. */
export interface PracticeMintControl {
  /** Makes an invoice of the pretended network, payable by every practice mint. */
  createInvoice(options?: ControlInput<'create_invoice'>): Promise<PracticeInvoice>;
  /** Decides how payments of an invoice, or of all without a rule of their own, end. */
  setPaymentBehaviour(paymentHash: string, behaviour: PaymentBehaviour): Promise<void>;
  /** Ends a payment in flight; throws INVALID_ARGUMENT when there is none. */
  resolvePayment(paymentHash: string, outcome: 'succeed' | 'fail'): Promise<void>;
  /** How often the Lightning side paid an invoice. */
  paymentCount(paymentHash: string): Promise<number>;
  /** The same for every invoice that was paid, by payment hash. */
  payments(): Promise<Record<string, number>>;
  /** Pays a deposit by hand, where `deposits_paid_at_once` is off. */
  payMintQuote(quote: string): Promise<void>;
  ledger(): Promise<LedgerReport>;
  /** What `checkstate` would say, past all faults and not counted as a request. */
  states(ys: readonly string[]): Promise<ProofState[]>;
  /** What blinded outputs were signed for (sat), null where they were not; past all faults. */
  signed(outputs: readonly string[]): Promise<(number | null)[]>;
  /** Moves coins as if somebody else had; the money counters stay as they are. */
  setState(ys: readonly string[], state: ProofState): Promise<void>;
  /** Replaces all fault rules and starts their counts anew. */
  setFaults(rules: readonly FaultRule[]): Promise<void>;
  clearFaults(): Promise<void>;
  /** Requests since the start or the last reset, faulted ones included, control not. */
  requests(): Promise<RequestCounts>;
  /** Forgets the counts and the melt requests. */
  resetRequests(): Promise<void>;
  /** Digests of the raw melt requests, in their order: retries of one quote can be compared. */
  meltRequests(): Promise<MeltRequestNote[]>;
  /** Starts a new keyset; the old ones stop signing unless `retire_old` is false. */
  rotateKeyset(options?: ControlInput<'rotate_keyset'>): Promise<{ id: string }>;
  /**
   * Changes `/v1/info` by a merge patch (RFC 7396), on top of earlier ones, and with it what the
   * mint does: `{nuts: {'5': {disabled: true}, '7': null}}` stops melting and drops checkstate.
   */
  setInfo(patch: Record<string, unknown>): Promise<void>;
  resetInfo(): Promise<void>;
  /** Changes settings; returns all of them. */
  configure(patch: SettingsPatch): Promise<MintSettings>;
}

export interface PracticeMint extends MintProcess {
  control: PracticeMintControl;
}

/** How long a control call may take; a mint that signs a thousand outputs answers nothing else. */
const CONTROL_TIMEOUT_MS = 30_000;

async function call<V extends ControlVerb>(
  url: string,
  verb: V,
  request: ControlInput<V>,
): Promise<ControlResponse<V>> {
  const answer = await post(`${url}/practice/${verb}`, request);
  return CONTROL[verb].response.parse(answer) as ControlResponse<V>;
}

async function post(url: string, request: unknown): Promise<unknown> {
  const sent = fetch(url, {
    method: 'POST',
    body: JSON.stringify(request),
    headers: { 'content-type': 'application/json' },
    signal: AbortSignal.timeout(CONTROL_TIMEOUT_MS),
  });
  const response = await sent.catch((error: unknown) => {
    const text = `The practice mint does not answer its control: ${messageOf(error)}.`;
    throw new CashuOpsError('MINT_UNREACHABLE', text, {}, error);
  });
  const text = await response.text();
  if (!response.ok) {
    throw new CashuOpsError('INVALID_ARGUMENT', `The practice mint refused the control: ${text}`);
  }
  return JSON.parse(text);
}

/**
 * Controls a practice mint that some process started.
 *
 * @param url its address, as wallets use it
 */
export function practiceMintControl(url: string): PracticeMintControl {
  const payments = () => call(url, 'payments', {});
  return {
    createInvoice: (options = {}) => call(url, 'create_invoice', options),
    setPaymentBehaviour: async (payment_hash, behaviour) => {
      await call(url, 'set_payment_behaviour', { payment_hash, behaviour });
    },
    resolvePayment: async (payment_hash, outcome) => {
      const { count } = await call(url, 'resolve_payment', { payment_hash, outcome });
      if (count > 0) return;
      const text = `No payment of ${payment_hash} is in flight at the practice mint.`;
      throw new CashuOpsError('INVALID_ARGUMENT', text);
    },
    paymentCount: async (paymentHash) => (await payments())[paymentHash] ?? 0,
    payments,
    payMintQuote: async (quote) => void (await call(url, 'pay_mint_quote', { quote })),
    ledger: () => call(url, 'ledger', {}),
    states: async (ys) => (await call(url, 'states', { ys: [...ys] })).states,
    signed: async (outputs) => (await call(url, 'signed', { outputs: [...outputs] })).amounts,
    setState: async (ys, state) => void (await call(url, 'set_state', { ys: [...ys], state })),
    setFaults: async (rules) => void (await call(url, 'set_faults', { rules: [...rules] })),
    clearFaults: async () => void (await call(url, 'set_faults', { rules: [] })),
    requests: () => call(url, 'requests', {}),
    resetRequests: async () => void (await call(url, 'reset_requests', {})),
    meltRequests: async () => (await call(url, 'melt_requests', {})).requests,
    rotateKeyset: (options = {}) => call(url, 'rotate_keyset', options),
    setInfo: async (patch) => void (await call(url, 'set_info', { patch })),
    resetInfo: async () => void (await call(url, 'reset_info', {})),
    configure: (patch) => call(url, 'configure', patch),
  };
}

/**
 * Starts a practice mint as a process of its own and waits until it answers. It ends with the
 * process that started it, however that ends; until `stop` it keeps that process alive.
 *
 * @throws CashuOpsError INVALID_CONFIGURATION without the optional packages, MINT_UNREACHABLE when
 *   it does not start
 */
export async function startPracticeMint(options: PracticeMintOptions): Promise<PracticeMint> {
  const feeReserve = options.feeReserve ?? DEFAULT_SETTINGS.fee_reserve;
  const start = {
    port: options.port ?? 0,
    seed: options.seed ?? randomBytes(32).toString('hex'),
    keyset_version: options.keysetVersion ?? 1,
    input_fee_ppk: options.inputFeePpk ?? 100,
    settings: { ...DEFAULT_SETTINGS, fee_reserve: feeReserve, ...options.settings },
  } as const;
  const running = await launchMint(start, options.log, options.startTimeoutMs ?? 20_000);
  return { ...running, control: practiceMintControl(running.url) };
}
