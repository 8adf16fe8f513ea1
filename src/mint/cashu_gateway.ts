import {
  Amount,
  type Keyset,
  OutputData,
  type RequestFn,
  type SerializedBlindedSignature,
  splitAmount,
  type Wallet,
} from '@cashu/cashu-ts';
import { sumAmounts } from '../domain/amount.ts';
import { CashuOpsError } from '../domain/errors.ts';
import type { StoredOutput, SwapRecord } from '../domain/melt_operation.ts';
import {
  isLocked,
  type MintState,
  type NamedProof,
  type StoredProof,
  sumProofs,
} from '../domain/proof.ts';
import { yOf } from '../domain/proof_y.ts';
import { newQuoteAnswer, quoteAnswer, restoreAnswer, swapAnswer } from './answers.ts';
import { checkStatesInBatches } from './checkstate.ts';
import { MintHttpError, mintError } from './errors.ts';
import { exactAmounts } from './exact_amounts.ts';
import type {
  ChangeSignature,
  InputSelection,
  MeltQuote,
  MeltRequest,
  MintCapabilities,
  MintGateway,
  QuoteReading,
} from './gateway.ts';
import { keysetWithKeys, knowsKeyset, type LoadedMint, loadMint } from './keysets.ts';
import { createMintRequest, type MintRequestOptions } from './request.ts';
import { selectLargest } from './select_largest.ts';
import { createStateAsker, type StateAsker, type StateAskerOptions } from './state_asker.ts';
import { toCashuProof, wireOutput, wireProof } from './wire.ts';

export interface CashuGatewayOptions extends MintRequestOptions {
  url: string;
  unit?: string;
}

type Body = Record<string, unknown>;

const QUOTE_NOT_FOUND_CODES = new Set<number | null>([null, 0, 20000, 50000]);

/** The mint gateway over cashu-ts: its cryptography and selection, our own requests. */
export class CashuGateway implements MintGateway {
  readonly url: string;
  readonly unit: string;
  readonly #request: RequestFn;
  #roundTrips = 0;
  #loading: Promise<LoadedMint> | null = null;
  #loaded: LoadedMint | null = null;
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
  }

  get roundTrips(): number {
    return this.#roundTrips;
  }

  async load(): Promise<MintCapabilities> {
    this.#loading ??= loadMint(this.url, this.unit, this.#request);
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
      const answer = newQuoteAnswer.parse(await this.#post('/v1/melt/quote/bolt11', body));
      if (answer.unit && answer.unit !== this.unit) {
        throw new Error(`it quotes in another unit than ${this.unit}`);
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
      return readingOf(quoteId, await this.#send('GET', path));
    } catch (error) {
      return { ...nothing, state: saysNotFound(error) ? 'NOT_FOUND' : 'UNKNOWN' };
    }
  }

  async checkStates(ys: readonly string[]): Promise<ReadonlyMap<string, MintState>> {
    return checkStatesInBatches(ys, (batch) => this.#post('/v1/checkstate', { Ys: batch }));
  }

  stateAsker(options: StateAskerOptions = {}): StateAsker {
    const { signal } = options;
    const post = (Ys: readonly string[]) => this.#post('/v1/checkstate', { Ys }, signal);
    return createStateAsker(post, options);
  }

  knowsKeyset(id: string): boolean {
    return knowsKeyset(this.#wallet, id);
  }

  inputFee(proofs: readonly { id: string }[]): number {
    return this.#wallet.getFeesForProofs([...proofs]).toNumber();
  }

  selectInputs(proofs: readonly StoredProof[], needed: number): InputSelection | null {
    const { send } = this.#wallet.selectProofsToSend(proofs.map(toCashuProof), needed, true);
    // The library gives up on some small amounts: 2 sat from coins of 2 and 4, at a fee of 1 sat.
    if (send.length === 0) return selectLargest(proofs, needed, (inputs) => this.inputFee(inputs));
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
    return { inputs: this.#sign(inputs, privkey, outputs, quote.quote_id), blanks };
  }

  async completeMelt(request: MeltRequest): Promise<QuoteReading> {
    const answer = await this.#post('/v1/melt/bolt11', {
      quote: request.quote_id,
      inputs: request.inputs.map(wireProof),
      outputs: request.blanks.map(wireOutput),
    });
    return readingOf(request.quote_id, answer);
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
      inputs: this.#sign(inputs, privkey, [...send, ...keep]),
      fee,
      keep_amount,
      send_outputs: send.map((output) => OutputData.serialize(output)),
      keep_outputs: keep.map((output) => OutputData.serialize(output)),
    };
  }

  async completeSwap(swap: SwapRecord): Promise<ChangeSignature[]> {
    const outputs = [...swap.send_outputs, ...swap.keep_outputs];
    const answer = await this.#post('/v1/swap', {
      inputs: swap.inputs.map(wireProof),
      outputs: outputs.map(wireOutput),
    });
    return swapAnswer.parse(answer).signatures;
  }

  async restore(outputs: readonly StoredOutput[]): Promise<ReadonlyMap<string, ChangeSignature>> {
    const body = { outputs: outputs.map(wireOutput) };
    const answer = restoreAnswer.parse(await this.#post('/v1/restore', body));
    const found = new Map<string, ChangeSignature>();
    answer.outputs.forEach(({ B_ }, index) => {
      const signature = answer.signatures[index];
      if (signature) found.set(B_, signature);
    });
    return found;
  }

  async unblind(output: StoredOutput, signature: ChangeSignature): Promise<NamedProof> {
    await this.#loadUntilKnown(signature.id);
    const keyset = await keysetWithKeys(this.#wallet, signature.id);
    const proof = OutputData.deserialize(output).toProof(
      { ...signature, amount: Amount.from(signature.amount) } as SerializedBlindedSignature,
      keyset,
    );
    const { id, secret, C, dleq } = proof;
    return {
      id,
      amount: proof.amount.toNumber(),
      secret,
      C,
      ...(dleq && { dleq }),
      Y: yOf(secret),
    };
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

  /** Locked coins carry their witness before they are written down, so that a request never changes. */
  #sign(
    inputs: NamedProof[],
    privkey: string | null,
    outputs: OutputData[] | Parameters<Wallet['signP2PKProofs']>[2],
    quoteId?: string,
  ): NamedProof[] {
    if (!inputs.some(isLocked)) return inputs;
    if (privkey === null) {
      const sentence = 'Some coins are locked to a key (NUT-11) and the wallet has no private key.';
      throw new CashuOpsError('MINT_REFUSED', sentence);
    }
    const signed = this.#wallet.signP2PKProofs(inputs.map(toCashuProof), privkey, outputs, quoteId);
    return inputs.map((input, index) => ({ ...input, witness: signed[index]?.witness }));
  }

  #post(path: string, requestBody: Body, signal?: AbortSignal): Promise<unknown> {
    return this.#send('POST', path, requestBody, signal);
  }

  #send(method: 'GET' | 'POST', path: string, requestBody?: Body, signal?: AbortSignal) {
    return this.#request({ endpoint: `${this.url}${path}`, method, requestBody, signal });
  }
}

/**
 * Reads an answer about one quote. An answer about another one, out of somebody's cache, is none.
 *
 * @throws ZodError or Error when it says nothing about this quote
 */
function readingOf(quoteId: string, answer: unknown): QuoteReading {
  const { quote_id, ...reading } = quoteAnswer.parse(answer);
  if (quote_id !== null && quote_id !== quoteId) throw new Error('the answer is of another quote');
  return reading;
}

/** @param expiry unix time in seconds; null for none and for one beyond the calendar */
function timeOf(expiry: number | bigint | null | undefined): Date | null {
  if (!expiry) return null;
  const time = new Date(Number(expiry) * 1000);
  return Number.isNaN(time.getTime()) ? null : time;
}

/** Amounts of coins of a keyset that are worth `needed` and their own input fee (sat). */
function amountsWithOwnFee(wallet: Wallet, keyset: Keyset, needed: number): number[] | null {
  return exactAmounts(
    needed,
    (amount) => splitAmount(amount, keyset.keys).map((coin) => coin.toNumber()),
    (coins) => wallet.getFeesForKeyset(coins, keyset.id).toNumber(),
  );
}

function saysNotFound(error: unknown): boolean {
  if (!(error instanceof MintHttpError) || !error.isProtocol || error.status >= 500) return false;
  const named = /not found|unknown quote|no such quote/i.test(error.detail);
  return (error.status === 404 || named) && QUOTE_NOT_FOUND_CODES.has(error.code);
}
