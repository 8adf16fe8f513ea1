/** What a mint has to offer so that the same wallet flows can run against it. */

export type PaymentOutcome = 'paid' | 'slow' | 'failed' | 'pending';

/** How long a `slow` payment takes: long enough to look at it meanwhile. */
export const SLOW_PAYMENT_MS = 1_500;

export interface InvoiceRequest {
  amountSat: number;
  /** How the mint's attempt to pay it ends: `slow` is paid too, `pending` waits for `resolvePayment`. */
  outcome: PaymentOutcome;
  /** Asks for an invoice whose preimage the mint will be able to show; once per mint. */
  provable?: boolean;
}

export interface PendingPayment {
  invoice: string;
  payment_hash: string;
  /** The melt quote at the mint. */
  quote: string;
}

/** Arranges on one mint what differs between mints; the flows themselves only speak Cashu. */
export interface MintUnderTest {
  readonly url: string;
  /** An unpaid invoice of somebody else. The mint may be restarted, on the same address. */
  makeInvoice(wanted: InvoiceRequest): Promise<{ invoice: string; payment_hash: string }>;
  /** An invoice that names no amount. */
  makeAmountlessInvoice(): Promise<string>;
  /** Pays the invoice of a deposit, as a depositor would. */
  payDeposit(quote: string): Promise<void>;
  /** Ends a payment that hangs, and returns when the mint knows. */
  resolvePayment(payment: PendingPayment, outcome: 'paid' | 'failed'): Promise<void>;
  stop(): Promise<void>;
}
