import {
  Amount,
  type HasKeysetKeys,
  OutputData,
  type RequestFn,
  type Wallet,
} from '@cashu/cashu-ts';
import { sumAmounts } from '../domain/amount.ts';
import type { StoredKeyset, StoredOutput, SwapRecord } from '../domain/melt_operation.ts';
import { type MintState, type NamedProof, type StoredProof, sumProofs } from '../domain/proof.ts';
import { newQuoteAnswer, readingOf, restoreAnswer, swapAnswer, timeOf } from './answers.ts';
import { checkStatesInBatches } from './checkstate.ts';
import { mintError, saysNotFound } from './errors.ts';
import type {
  ChangeSignature,
  InputSelection,
  MeltQuote,
  MeltRequest,
  MintCapabilities,
  MintGateway,
  QuoteReading,
  WantedInputs,
} from './gateway.ts';
import {
  amountsWithOwnFee,
  keysetWithKeys,
  keysUpTo,
  knowsKeyset,
  type LoadedMint,
  loadMint,
} from './keysets.ts';
import { sendOrReplay } from './replay.ts';
import { createMintRequest, type MintRequestOptions } from './request.ts';
import { mayPass, mayPassAsItIs, patientRequests, wasNotServed } from './retry.ts';
import { selectLargest } from './select_largest.ts';
import { signLocked } from './sign_locked.ts';
import { createStateAsker, type StateAsker, type StateAskerOptions } from './state_asker.ts';
import { coinOf, toCashuProof, wireOutput, wireProof } from './wire.ts';

export interface CashuGatewayOptions extends MintRequestOptions {
  url: string;
  unit?: string;
}

type Body = Record<string, unknown>;

/** The mint gateway over cashu-ts: its cryptography and selection, our own requests. */
export class CashuGateway implements MintGateway {
  readonly url: string;
  readonly unit: string;
  /** Once, whatever comes of it. */
  readonly #request: RequestFn;
  /** Again after errors that may pass: for what moves nothing. */
  readonly #read: RequestFn;
  readonly #readMany: RequestFn;
  readonly #quote: RequestFn;
  #roundTrips = 0;
  #loading: Promise<LoadedMint> | null = null;
  #loaded: LoadedMint | null = null;
  /** By id: keys that were written down, each id with all that is known of it. */
  readonly #remembered = new Map<string, StoredKeyset['keys']>();
  /** Keysets that the mint did not list when it was asked again. */
  readonly #foreignKeysets = new Set<string>();

  constructor(options: CashuGatewayOptions) {
    this.url = options.url;
    this.unit = options.unit ?? 'sat';
    this.#request = createMintRequest({
      ...options,
      onExchange: (exchange) => {
        this.#roundTrips += 1;
        options.onExchange?.(exchange);
      },
    });
    const patient = patientRequests(this.#request, options.timeouts.request_ms);
    this.#read = patient(mayPass);
    this.#readMany = patient(mayPassAsItIs);
    this.#quote = patient(wasNotServed);
  }

  get roundTrips(): number {
    return this.#roundTrips;
  }

  async load(): Promise<MintCapabilities> {
    this.#loading ??= loadMint(this.url, this.unit, this.#read);
    try {
      this.#loaded = await this.#loading;
      return this.#loaded.capabilities;
    } catch (error) {
      this.#loading = null;
      throw mintError(this.url, 'its keys', error);
    }
  }

  forget(): void {
    this.#loading = null;
  }

  async createMeltQuote(invoice: string): Promise<MeltQuote> {
    try {
      const body = { request: invoice, unit: this.unit };
      const sent = this.#send(this.#quote, 'POST', '/v1/melt/quote/bolt11', body);
      const answer = newQuoteAnswer.parse(await sent);
      if (answer.unit && answer.unit !== this.unit) {
        throw new Error(`it quotes in another unit than ${this.unit}`);
      }
      // Out of somebody's cache: whoever paid such a quote would pay another invoice.
      if (answer.request && answer.request.toLowerCase() !== invoice.toLowerCase()) {
        throw new Error('it quotes another invoice');
      }
      return {
        quote_id: answer.quote,
        amount: answer.amount,
        fee_reserve: answer.fee_reserve,
        expiry: timeOf(answer.expiry),
        state: answer.state,
      };
    } catch (error) {
      throw mintError(this.url, 'a quote', error);
    }
  }

  async readMeltQuote(quoteId: string): Promise<QuoteReading> {
    const nothing = { preimage: null, change: [] };
    try {
      const path = `/v1/melt/quote/bolt11/${encodeURIComponent(quoteId)}`;
      return readingOf(quoteId, await this.#send(this.#read, 'GET', path));
    } catch (error) {
      return { ...nothing, state: saysNotFound(error) ? 'NOT_FOUND' : 'UNKNOWN' };
    }
  }

  async checkStates(ys: readonly string[]): Promise<ReadonlyMap<string, MintState>> {
    return checkStatesInBatches(ys, (batch) => {
      const ask = batch.length > 1 ? this.#readMany : this.#read;
      return this.#send(ask, 'POST', '/v1/checkstate', { Ys: batch });
    });
  }

  stateAsker(options: StateAskerOptions = {}): StateAsker {
    const { signal } = options;
    // It has a patience of its own.
    const post = (Ys: readonly string[]) =>
      this.#send(this.#request, 'POST', '/v1/checkstate', { Ys }, signal);
    return createStateAsker(post, options);
  }

  remember(keysets: readonly StoredKeyset[]): void {
    for (const { id, keys } of keysets) {
      this.#remembered.set(id, { ...this.#remembered.get(id), ...keys });
    }
  }

  keysetsFor(outputs: readonly StoredOutput[], amountMax: number): StoredKeyset[] {
    const ids = new Set(outputs.map(({ blindedMessage }) => blindedMessage.id));
    return [...ids].map((id) => keysUpTo(this.#wallet.keyChain.getKeyset(id), amountMax));
  }

  knowsKeyset(id: string): boolean {
    return knowsKeyset(this.#wallet, id);
  }

  inputFee(proofs: readonly { id: string }[]): number {
    return this.#wallet.getFeesForProofs([...proofs]).toNumber();
  }

  selectInputs(
    proofs: readonly StoredProof[],
    needed: number,
    wanted: WantedInputs = 'closest',
  ): InputSelection | null {
    const feeOf = (inputs: readonly StoredProof[]) => this.inputFee(inputs);
    if (wanted === 'fewest') return selectLargest(proofs, needed, feeOf);
    const { send } = this.#wallet.selectProofsToSend(proofs.map(toCashuProof), needed, true);
    // The library gives up on some small amounts: 2 sat from coins of 2 and 4, at a fee of 1 sat.
    if (send.length === 0) return selectLargest(proofs, needed, feeOf);
    const chosen = new Set(send.map((proof) => proof.secret));
    const inputs = proofs.filter((proof) => chosen.has(proof.secret));
    return { inputs, input_fee: this.inputFee(inputs) };
  }

  async prepareMelt(
    quote: { quote_id: string; amount: number },
    inputs: NamedProof[],
    privkey: string | null,
  ): Promise<{ inputs: NamedProof[]; blanks: StoredOutput[] }> {
    const meltQuote = { quote: quote.quote_id, amount: Amount.from(quote.amount) };
    const preview = await this.#wallet.prepareMelt('bolt11', meltQuote, inputs.map(toCashuProof));
    // A mint without NUT-08 signs no blanks, and nobody need ask it for them later.
    const outputs = this.#loaded?.capabilities.change ? preview.outputData : [];
    const blanks = outputs.map((output) => OutputData.serialize(output));
    return { inputs: signLocked(this.#wallet, inputs, privkey, outputs, quote.quote_id), blanks };
  }

  completeMelt(request: MeltRequest, mayLeaveMs?: () => number): Promise<QuoteReading> {
    const body = {
      quote: request.quote_id,
      inputs: request.inputs.map(wireProof),
      outputs: request.blanks.map(wireOutput),
    };
    const read = (answer: unknown) => readingOf(request.quote_id, answer);
    return this.#move('/v1/melt/bolt11', body, read, mayLeaveMs);
  }

  prepareSwap(inputs: NamedProof[], needed: number, privkey: string | null): SwapRecord | null {
    const fee = this.inputFee(inputs);
    const keyset = this.#wallet.keyChain.getCheapestKeyset();
    const amounts = amountsWithOwnFee(this.#wallet, keyset, needed);
    if (amounts === null) return null;
    const sendAmount = sumAmounts(amounts);
    const keep_amount = sumProofs(inputs) - fee - sendAmount;
    if (keep_amount < 0) return null;
    const send = OutputData.createRandomData(sendAmount, keyset, amounts);
    const keep = keep_amount === 0 ? [] : OutputData.createRandomData(keep_amount, keyset);
    return {
      inputs: signLocked(this.#wallet, inputs, privkey, [...send, ...keep]),
      fee,
      keep_amount,
      send_outputs: send.map((output) => OutputData.serialize(output)),
      keep_outputs: keep.map((output) => OutputData.serialize(output)),
    };
  }

  completeSwap(swap: SwapRecord, mayLeaveMs?: () => number): Promise<ChangeSignature[]> {
    const outputs = [...swap.send_outputs, ...swap.keep_outputs];
    const body = { inputs: swap.inputs.map(wireProof), outputs: outputs.map(wireOutput) };
    const read = (answer: unknown) => swapAnswer.parse(answer).signatures;
    return this.#move('/v1/swap', body, read, mayLeaveMs);
  }

  async restore(outputs: readonly StoredOutput[]): Promise<ReadonlyMap<string, ChangeSignature>> {
    const body = { outputs: outputs.map(wireOutput) };
    const answer = restoreAnswer.parse(await this.#send(this.#read, 'POST', '/v1/restore', body));
    const asked = new Set(outputs.map(({ blindedMessage }) => blindedMessage.B_.toLowerCase()));
    const found = new Map<string, ChangeSignature>();
    answer.outputs.forEach(({ B_ }, index) => {
      // An answer about other outputs, out of somebody's cache, says nothing about these.
      if (!asked.has(B_)) throw new Error('the answer is of other outputs');
      const signature = answer.signatures[index];
      if (signature) found.set(B_, signature);
    });
    return found;
  }

  async unblind(output: StoredOutput, signature: ChangeSignature): Promise<NamedProof> {
    const keyset = this.#rememberedFor(signature);
    if (keyset === null) return coinOf(output, signature, await this.#keysOf(signature));
    try {
      return coinOf(output, signature, keyset);
    } catch {
      // What was written down may be wrong; what the mint says now decides.
      return coinOf(output, signature, await this.#keysOf(signature));
    }
  }

  #rememberedFor({ id, amount }: ChangeSignature): HasKeysetKeys | null {
    const keys = this.#remembered.get(id);
    return keys !== undefined && String(amount) in keys ? { id, keys } : null;
  }

  async #keysOf({ id }: ChangeSignature): Promise<HasKeysetKeys> {
    await this.#loadUntilKnown(id);
    return keysetWithKeys(this.#wallet, id);
  }

  /** A mint may sign with a keyset that is younger than what was loaded: it is asked once more. */
  async #loadUntilKnown(keysetId: string): Promise<void> {
    await this.load();
    if (this.knowsKeyset(keysetId) || this.#foreignKeysets.has(keysetId)) return;
    this.forget();
    await this.load();
    if (!this.knowsKeyset(keysetId)) this.#foreignKeysets.add(keysetId);
  }

  get #wallet(): Wallet {
    if (this.#loaded === null) throw new Error('the mint gateway is used before load()');
    return this.#loaded.wallet;
  }

  /** What moves money: an answer that cannot be read is lost too. */
  #move<T>(
    path: string,
    body: Body,
    read: (answer: unknown) => T,
    mayLeaveMs: () => number = () => 0,
  ): Promise<T> {
    const send = async () => read(await this.#send(this.#request, 'POST', path, body));
    return sendOrReplay(send, this.#loaded?.replays.get(path), mayLeaveMs);
  }

  #send(
    request: RequestFn,
    method: 'GET' | 'POST',
    path: string,
    requestBody?: Body,
    signal?: AbortSignal,
  ): Promise<unknown> {
    return request({ endpoint: `${this.url}${path}`, method, requestBody, signal });
  }
}
