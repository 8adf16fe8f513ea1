import type {
  Observation,
  QuoteState,
  StoredKeyset,
  StoredOutput,
  SwapRecord,
} from '../domain/melt_operation.ts';
import type { MintState, NamedProof, StoredProof } from '../domain/proof.ts';
import type { StateAsker, StateAskerOptions } from './state_asker.ts';

/** What a mint can do, as far as a melt needs it. */
export interface MintCapabilities {
  name: string | null;
  /** NUT-05 for bolt11 in the wallet's unit. */
  melt: boolean;
  /** sat, where the mint states limits */
  melt_min: number | null;
  melt_max: number | null;
  /** NUT-07 */
  checkstate: boolean;
  /** NUT-08: overpayment comes back */
  change: boolean;
  /** NUT-09 */
  restore: boolean;
}

export interface MeltQuote {
  quote_id: string;
  /** sat */
  amount: number;
  /** sat */
  fee_reserve: number;
  expiry: Date | null;
  state: QuoteState;
}

/** A blind signature as it came from a mint; not yet checked. */
export interface ChangeSignature {
  id: string;
  amount: number;
  C_: string;
  dleq?: { s: string; e: string };
}

/** What a look at a quote showed; never throws for a mint that is down. */
export interface QuoteReading {
  state: Observation['quote'];
  preimage: string | null;
  change: ChangeSignature[];
}

/** Everything that `POST /v1/melt/bolt11` sends; written down before it leaves. */
export interface MeltRequest {
  quote_id: string;
  inputs: NamedProof[];
  blanks: StoredOutput[];
}

/** Which of all choices: what fits best, or the largest coins, of which the fewest pay fees. */
export type WantedInputs = 'closest' | 'fewest';

export interface InputSelection {
  inputs: StoredProof[];
  /** sat, NUT-02 */
  input_fee: number;
}

/** A mint, seen through what this project needs of it. One instance for one mint and one unit. */
export interface MintGateway {
  readonly url: string;
  readonly unit: string;
  /** Requests that ended since the start, however they ended. */
  readonly roundTrips: number;

  /** Info, keysets and keys; asked once and kept. @throws CashuOpsError MINT_UNREACHABLE, … */
  load(): Promise<MintCapabilities>;
  /** Forgets keysets after a refusal that shows them to be old. */
  forget(): void;
  /** @throws CashuOpsError MINT_REFUSED, INVOICE_ALREADY_PAID, MINT_UNREACHABLE, … */
  createMeltQuote(invoice: string): Promise<MeltQuote>;
  readMeltQuote(quoteId: string): Promise<QuoteReading>;
  /** States by Y. What is missing in the answer is missing in the map: unknown. */
  checkStates(ys: readonly string[]): Promise<ReadonlyMap<string, MintState>>;
  /** Asks for the states of very many coins, in full batches, patiently; one for each run. */
  stateAsker(options?: StateAskerOptions): StateAsker;

  /** Takes keys that were written down with an operation, so that they need not be asked for. */
  remember(keysets: readonly StoredKeyset[]): void;
  /**
   * The keys that can sign these outputs, to be written down. Needs `load`.
   *
   * @param amountMax no coin of theirs can be worth more (sat)
   */
  keysetsFor(outputs: readonly StoredOutput[], amountMax: number): StoredKeyset[];
  /** Is the keyset of a coin one of this mint and unit? Needs `load`. */
  knowsKeyset(id: string): boolean;
  /** NUT-02 fee of inputs (sat). */
  inputFee(proofs: readonly { id: string }[]): number;
  /**
   * Coins worth at least `needed` plus their own fee, or null when there are not enough.
   *
   * @param wanted `closest` (default) leaves little over, and is left to chance where several do
   */
  selectInputs(
    proofs: readonly StoredProof[],
    needed: number,
    wanted?: WantedInputs,
  ): InputSelection | null;

  /** Blank outputs for the change of a melt, and signed inputs where coins are locked (NUT-11). */
  prepareMelt(
    quote: { quote_id: string; amount: number },
    inputs: NamedProof[],
    privkey: string | null,
  ): Promise<{ inputs: NamedProof[]; blanks: StoredOutput[] }>;
  /**
   * Sends a melt that is written down: once, or again unchanged where its answer was lost and the
   * mint offers that (NUT-19).
   *
   * @param mayLeaveMs for how long from now it may still leave (ms); without it, it is sent once
   * @throws MintHttpError or MintNetworkError as they come, AnswerLostError after several requests
   */
  completeMelt(request: MeltRequest, mayLeaveMs?: () => number): Promise<QuoteReading>;

  /**
   * Outputs of a swap that turns `inputs` into coins worth `needed` plus their own input fee, and
   * the rest. Null when the inputs do not cover the swap's fee too.
   */
  prepareSwap(inputs: NamedProof[], needed: number, privkey: string | null): SwapRecord | null;
  /** Sends a swap that is written down, as `completeMelt` does. */
  completeSwap(swap: SwapRecord, mayLeaveMs?: () => number): Promise<ChangeSignature[]>;

  /** Signatures that the mint gave before, by `B_` (NUT-09). */
  restore(outputs: readonly StoredOutput[]): Promise<ReadonlyMap<string, ChangeSignature>>;
  /** Makes the coin of one output; throws where the signature does not belong to it (NUT-12). */
  unblind(output: StoredOutput, signature: ChangeSignature): Promise<NamedProof>;
}
