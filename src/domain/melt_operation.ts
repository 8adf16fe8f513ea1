import type { NamedProof } from './proof.ts';

export { OBSERVATIONS_MAX, withObservation } from './observations.ts';

/*
 * One melt, from the claim of its coins to its end.
 *
 *   (quoted) ──▶ prepared ──▶ submitting ──▶ pending ──▶ paid
 *                 │   │            ▲  │  └──────────────▶ paid
 *                 │   ▼            │  │         │
 *                 │  swapping ─────┘  │         ├──▶ failed   (the coins are free again)
 *                 │   │               │         └──▶ needs_attention
 *                 └───┴───────────────┴──▶ failed ──▶ paid, paid_again
 *
 * A request that was held up may pay after its operation was released as failed. It is booked then,
 * as `paid_again` where another operation has paid the invoice meanwhile.
 *
 * `quoted` lives in memory only: nothing has moved, a lost quote costs nothing. Every other arrow
 * is a compare-and-set on `rev`, in one transaction with its audit event.
 */

/** A blinded output as it was written down before the request (NUT-00). Holds a blinding factor. */
export interface StoredOutput {
  blindedMessage: { amount: string; B_: string; id: string };
  blindingFactor: string;
  secret: string;
  ephemeralE?: string;
}

/** Keys of a keyset (NUT-02), as far as outputs of an operation can be signed with them. */
export interface StoredKeyset {
  id: string;
  /** Amount (sat) to public key. */
  keys: Record<string, string>;
}

/** The optional exchange of coins before a melt (NUT-03). */
export interface SwapRecord {
  inputs: NamedProof[];
  /** sat */
  fee: number;
  send_outputs: StoredOutput[];
  keep_outputs: StoredOutput[];
  /** sat that come back to the wallet as `<tx>_swap_keep` */
  keep_amount: number;
}

export type QuoteState = 'UNPAID' | 'PENDING' | 'PAID';

/** What one look at the mint showed. An answer that did not come is UNKNOWN. */
export interface Observation {
  at: Date;
  quote: QuoteState | 'NOT_FOUND' | 'UNKNOWN';
  /** The quote showed a payment preimage. */
  preimage_shown: boolean;
  /** How many of the operation's inputs the mint calls what. */
  inputs: { unspent: number; pending: number; spent: number; unknown: number };
}

/** Why the request is known not to have been carried out. */
export type Refusal = {
  kind: 'never_left' | 'refused_as_invalid' | 'payment_failed';
  /** The mint's error code, where it gave one. */
  code: number | null;
  message: string;
};

export interface OperationBase {
  _id: string;
  /** Grows with every change; each change names the one it saw. */
  rev: number;
  transaction_id: string;
  operation_hash: string;
  npub: string;
  wallet_id: string;
  mint_url: string;
  unit: string;
  invoice: string;
  payment_hash: string;
  quote_id: string;
  quote_expiry: Date | null;
  /** All amounts in sat. */
  amount: number;
  fee_reserve: number;
  /** NUT-02 fee of the melt's own inputs. */
  input_fee: number;
  /** What left a claimed token untouched, as `<tx>_keep`. */
  keep_amount: number;
  /** Token documents that are reserved for this operation now. */
  source_token_ids: string[];
  /** Coins that the melt gives to the mint; the swap's send side once there was a swap. */
  inputs: NamedProof[];
  /** Blank outputs for the change (NUT-08). */
  blanks: StoredOutput[];
  swap: SwapRecord | null;
  /** Keys of all outputs, so that recovery need not ask for them; older records have none. */
  keysets?: StoredKeyset[];
  refusal: Refusal | null;
  observations: Observation[];
  /** Who released it by hand, although its fate was not known. */
  released_by?: string;
  actor: string;
  created_at: Date;
  updated_at: Date;
}

export interface Submission {
  submitted_at: Date;
}

export interface Settlement {
  settled_at: Date;
  /** sat that Lightning really cost */
  lightning_fee: number;
  /** sat that came back as `<tx>_melt_change` */
  change_amount: number;
  preimage: string | null;
  /** The preimage hashes to the invoice's payment hash. */
  preimage_valid: boolean;
}

export type PreparedOperation = OperationBase & { state: 'prepared' };
export type SwappingOperation = OperationBase & { state: 'swapping'; swap: SwapRecord };
export type SubmittingOperation = OperationBase & Submission & { state: 'submitting' };
export type PendingOperation = OperationBase & Submission & { state: 'pending'; reason: string };
export type AttentionOperation = OperationBase &
  Submission & { state: 'needs_attention'; reason: string };
export type PaidOperation = OperationBase & Submission & Settlement & { state: 'paid' };
export type PaidAgainOperation = OperationBase &
  Submission &
  Settlement & {
    state: 'paid_again';
    /** Id of the operation that has paid the same invoice. */
    paid_first: string;
  };
export type FailedOperation = OperationBase & {
  state: 'failed';
  failed_at: Date;
  reason: string;
  /** Null when the request never left. */
  submitted_at: Date | null;
  /** Put back from the rescue journal, and what became of it is not known for certain yet. */
  brought_back?: {
    /** When its payment left, also where an exchange of coins before it is not booked yet. */
    melt_sent_at: Date | null;
  };
};

/** Ended at its swap, whose request may still have been under way. */
export type FailedSwapOperation = FailedOperation & { swap: SwapRecord };

export type MeltOperation =
  | PreparedOperation
  | SwappingOperation
  | SubmittingOperation
  | PendingOperation
  | AttentionOperation
  | PaidOperation
  | PaidAgainOperation
  | FailedOperation;

export type OperationState = MeltOperation['state'];

/** The melt request has or may have left. */
export type SubmittedOperation = SubmittingOperation | PendingOperation | AttentionOperation;
/** The payment happened and is booked. */
export type SettledOperation = PaidOperation | PaidAgainOperation;
/** Money is reserved and the end is not known. */
export type OpenOperation = PreparedOperation | SwappingOperation | SubmittedOperation;

export const OPEN_STATES = [
  'prepared',
  'swapping',
  'submitting',
  'pending',
  'needs_attention',
] as const satisfies readonly OperationState[];

/** How the reason of an open operation begins whose payment is known and whose change is not. */
export const PAID_BUT = 'paid, but ';

/** States in which an operation stands for its invoice: nobody else may pay it. */
export const OWNING_STATES = [...OPEN_STATES, 'paid'] as const satisfies readonly OperationState[];

export function isOpen(operation: MeltOperation): operation is OpenOperation {
  return operation.state !== 'failed' && !isSettled(operation);
}

export function isSettled(operation: MeltOperation): operation is SettledOperation {
  return operation.state === 'paid' || operation.state === 'paid_again';
}

/** Its swap is booked: the inputs are the swap's coins, and no longer those that it took. */
export function isExchanged<O extends Pick<OperationBase, 'swap' | 'inputs'>>(
  operation: O,
): operation is O & { swap: SwapRecord } {
  const { swap, inputs } = operation;
  return swap !== null && swap.inputs[0]?.Y !== inputs[0]?.Y;
}

/** Ended with a swap whose coins were never booked. */
export function endedBeforeSwap(operation: FailedOperation): operation is FailedSwapOperation {
  const { swap, submitted_at } = operation;
  return submitted_at === null && swap !== null && !isExchanged(operation);
}

export function isSubmitted(operation: MeltOperation): operation is SubmittedOperation {
  return (
    operation.state === 'submitting' ||
    operation.state === 'pending' ||
    operation.state === 'needs_attention'
  );
}

/** All input fees of the operation, the swap's included (sat). */
export function totalInputFee(operation: OperationBase): number {
  return operation.input_fee + (operation.swap?.fee ?? 0);
}

/** What stayed in or came back to the wallet before the melt itself (sat). */
export function totalKept(operation: OperationBase): number {
  return operation.keep_amount + (operation.swap?.keep_amount ?? 0);
}
