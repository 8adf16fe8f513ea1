import type { mongo } from 'mongoose';
import type { Severity } from '../../domain/errors.ts';
import type { Invoice, Network, PayableInvoice } from '../../domain/invoice.ts';
import type { MeltOperation, SettledOperation, SwapRecord } from '../../domain/melt_operation.ts';
import type { MeltPolicy, MeltSubject } from '../../domain/melt_policy.ts';
import type { NamedProof } from '../../domain/proof.ts';
import type { RescueJournal } from '../../journal/rescue_journal.ts';
import type { MeltQuote, MintCapabilities, MintGateway } from '../../mint/gateway.ts';
import type { TokenDocument } from '../../store/documents.ts';
import type { MeltStore } from '../../store/melt_store.ts';
import type { Wallet } from '../../store/wallet_reads.ts';
import type { Stop } from '../policy/stops.ts';
import type { Reconciliation, ServiceLog } from '../reconciliation/reconciliation.ts';

/** When coins are exchanged before a melt. */
export type SwapPolicy = 'auto' | 'never' | 'always';

export interface MeltSettings {
  /** The Lightning network that this installation pays on. */
  network: Network;
  /** Two looks must agree over this time before money of unknown fate is released (ms). */
  quiet_period_ms: number;
  /** How long the mint may take to pay (ms). */
  melt_timeout_ms: number;
  /** How long the rescue journal keeps an operation after its end (ms). */
  journal_keep_ms: number;
  swap: SwapPolicy;
  /** `auto` swaps when more than this (sat), and more than the payment itself, would be locked. */
  swap_min_overshoot_sat: number;
}

/** What the wallet's database must offer the melt. */
export interface MeltWallets {
  /** By the mint's URL in normal form; the document may have it in another. */
  findWallet(npub: string, mintUrl: string): Promise<Wallet | null>;
  /** The key of locked coins; asked for only when there are any. */
  spendingKey(npub: string, mintUrl: string): Promise<string | null>;
  /** Free tokens to choose from: as many as reach the amount, or all there are. */
  spendableTokens(npub: string, amount: number, mintUrl: string): Promise<TokenDocument[]>;
  /** sat that other operations hold */
  reservedBalance(npub: string, mintUrl: string): Promise<number>;
  /** @param session reads it inside this transaction; errors of the driver then pass unchanged */
  readPolicy(session?: mongo.ClientSession): Promise<MeltPolicy>;
  /** What in a policy stops the wallet's melts, and who made it so; null when they may run. */
  findStop(policy: MeltPolicy, wallet: MeltSubject): Promise<Stop | null>;
  /**
   * A melt needs the indexes that keep an invoice from being paid twice. Looked up once.
   *
   * @throws CashuOpsError STORE_NOT_READY
   */
  assertGuarded(): Promise<void>;
  /** The look back after the money moved; writes its own audit event. */
  reconcileAfterMelt(
    operation: SettledOperation,
    durations: Durations,
  ): Promise<{ success: boolean; problems: string[] }>;
}

/** A database has a name of its own, made when it is first needed. */
export interface DatabaseName {
  id(): Promise<string>;
  /** Null where it has none yet; changes nothing. */
  known(): Promise<string | null>;
}

export interface MeltDeps {
  wallets: MeltWallets;
  melts: MeltStore;
  mintOf: (mintUrl: string) => MintGateway;
  reconciliation: Reconciliation;
  journal: RescueJournal;
  /** The name of the database, that the journal tells its operations apart by. */
  database: DatabaseName;
  settings: MeltSettings;
  /** Who pays, for the operation. */
  actor: string;
  clock: () => Date;
  sleep: (ms: number) => Promise<void>;
  log: ServiceLog;
}

export interface MeltRequest {
  npub: string;
  /** In normal form. */
  mint_url: string;
  invoice: Invoice;
  /** sat; null for no ceiling */
  max_fee: number | null;
}

/** How long each step took (ms). */
export type Durations = Record<string, number>;

/** A melt that is quoted and whose coins are chosen; nothing is written yet. */
export interface MeltPlan extends PlannedCoins {
  request: MeltRequest;
  wallet: Wallet;
  invoice: PayableInvoice;
  mint: MintGateway;
  capabilities: MintCapabilities;
  operation_hash: string;
  quote: MeltQuote;
  durations: Durations;
}

/** A payment of which the mint has told the price. */
export type QuotedPayment = Pick<MeltPlan, 'wallet' | 'mint' | 'quote' | 'capabilities'>;

/** A plan that somebody wants to be paid. */
export interface AgreedPlan extends MeltPlan {
  /** The most that may be paid in input fees (sat), coins that are chosen anew included; null for no ceiling. */
  input_fee_max: number | null;
}

/** An agreed plan whose invoice was looked at once more. */
export interface CheckedPlan extends AgreedPlan {
  /** How many operations on the invoice were looked at; T1 refuses when there are more. */
  tries: number;
}

/** Chosen coins, and what paying with them costs: with the exchange before, where there is one. */
export interface PlannedCoins {
  choice: CoinChoice;
  /** The exchange before the payment, not yet sent. Its outputs are for one operation only. */
  swap: SwapRecord | null;
  /** sat, NUT-02: of the exchange and of the melt after it */
  input_fee: number;
  /** sat that stay in the wallet, or come back to it from the exchange, before the melt itself */
  keep_amount: number;
}

export interface CoinChoice {
  tokens: TokenDocument[];
  inputs: NamedProof[];
  /** sat */
  inputs_amount: number;
  input_fee: number;
  /** sat that these inputs are more than the payment can need */
  overshoot: number;
}

export type MeltStatus =
  | 'paid'
  | 'pending'
  | 'failed'
  | 'blocked'
  | 'conflict'
  | 'critical'
  | 'dry_run';

interface OutcomeFacts {
  operation: MeltOperation;
  /** One sentence for a person. */
  message: string;
  /** What a release would still need, when the payment is open. */
  missing: string[];
  /** When to look again at the earliest. */
  look_again_at: Date | null;
  durations: Durations;
}

interface CriticalOutcome extends OutcomeFacts {
  status: 'critical';
  severity: 'CRITICAL';
  at_stake_sat: number;
}

interface PlainOutcome extends OutcomeFacts {
  status: Exclude<MeltStatus, 'critical'>;
  severity: Exclude<Severity, 'CRITICAL'> | null;
  at_stake_sat: null;
}

/** How a melt stands, for whoever asked. */
export type MeltOutcome = CriticalOutcome | PlainOutcome;
