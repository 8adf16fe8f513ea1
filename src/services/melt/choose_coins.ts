import { groupDigits, MAX_AMOUNT } from '../../domain/amount.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import { type StoredProof, sumProofs } from '../../domain/proof.ts';
import { yOf } from '../../domain/proof_y.ts';
import type { MeltQuote, MintGateway, WantedInputs } from '../../mint/gateway.ts';
import type { TokenDocument } from '../../store/documents.ts';
import type { CoinChoice, MeltDeps } from './types.ts';

/** Room for input fees when tokens are read: the exact fee is known only with the coins. */
const FEE_ROOM_PERCENT = 5;
const FEE_ROOM_MIN_SAT = 100;

export interface ChoiceRequest {
  npub: string;
  /** As the wallet's documents have it. */
  mint_url: string;
  mint: MintGateway;
  quote: MeltQuote;
  /** Coins that must not be used: another payment at the mint holds them. */
  excluded: ReadonlySet<string>;
  wanted: WantedInputs;
}

/**
 * Chooses coins worth at least amount + fee reserve + their own input fee.
 *
 * @returns the choice and what the wallet could spend
 * @throws CashuOpsError INSUFFICIENT_FUNDS (how much is missing, the fees named), UNKNOWN_KEYSET
 *   when only coins of a foreign keyset would cover it
 */
export async function chooseCoins(
  deps: Pick<MeltDeps, 'wallets'>,
  request: ChoiceRequest,
): Promise<CoinChoice> {
  const needed = request.quote.amount + request.quote.fee_reserve;
  const room = Math.max(FEE_ROOM_MIN_SAT, Math.ceil((needed * FEE_ROOM_PERCENT) / 100));
  const first = await tryToChoose(deps, request, needed + room);
  if (!('known' in first)) return first;
  // Many small coins can cost more than the room: only all tokens together prove that it is too little.
  const last = await tryToChoose(deps, request, MAX_AMOUNT);
  if (!('known' in last)) return last;
  const reserved = await deps.wallets.reservedBalance(request.npub, request.mint_url);
  throw tooLittle(request, last, reserved);
}

interface TooLittle {
  coins: StoredProof[];
  known: StoredProof[];
  /** Coins that were left out. */
  held: StoredProof[];
}

async function tryToChoose(
  deps: Pick<MeltDeps, 'wallets'>,
  { npub, mint_url, mint, quote, excluded, wanted }: ChoiceRequest,
  amount: number,
): Promise<CoinChoice | TooLittle> {
  const needed = quote.amount + quote.fee_reserve;
  const tokens = await deps.wallets.spendableTokens(npub, amount, mint_url);
  const all = uniqueCoins(tokens);
  const coins = all.filter((coin) => !excluded.has(coin.secret));
  const known = coins.filter((coin) => mint.knowsKeyset(coin.id));
  const selection = known.length > 0 ? mint.selectInputs(known, needed, wanted) : null;
  if (selection === null) {
    return { coins, known, held: all.filter((coin) => excluded.has(coin.secret)) };
  }
  // A stored Y may be wrong, and the whole decision stands on it.
  const inputs = selection.inputs.map((coin) => ({ ...coin, Y: yOf(coin.secret) }));
  const inputs_amount = sumProofs(inputs);
  const { input_fee } = selection;
  return {
    tokens,
    inputs,
    inputs_amount,
    input_fee,
    overshoot: inputs_amount - needed - input_fee,
  };
}

/** A coin that stands in two live tokens counts once; the pre-flight check reports it. */
function uniqueCoins(tokens: readonly TokenDocument[]): StoredProof[] {
  const coins = tokens.flatMap((token) => token.proofs);
  return [...new Map(coins.map((coin) => [coin.secret, coin])).values()];
}

function tooLittle(
  { mint, quote, npub }: ChoiceRequest,
  { coins, known, held }: TooLittle,
  reserved: number,
): CashuOpsError {
  const needed = quote.amount + quote.fee_reserve;
  const have = sumProofs(known);
  const foreign = sumProofs(coins) - have;
  const end = held.length > 0 ? heldByAnother(held) : 'Nothing was paid';
  const next_command = held.length > 0 ? `cashu-ops balance --npub ${npub} --verify` : undefined;
  if (foreign > 0 && have + foreign >= needed) {
    return new CashuOpsError(
      'UNKNOWN_KEYSET',
      `${sats(foreign)} of the wallet are of keysets that ${mint.url} does not know, and the other ${sats(have)} do not cover the payment. ${end}; check the mint's address and the wallet's history.`,
      { next_command, facts: { foreign_amount: foreign, spendable: have } },
    );
  }
  const input_fee = mint.inputFee(known);
  const missing = Math.max(needed + input_fee - have, 1);
  const others = reserved > 0 ? ` Another ${sats(reserved)} are reserved by open operations.` : '';
  return new CashuOpsError(
    'INSUFFICIENT_FUNDS',
    `${sats(missing)} are missing: ${sats(needed + input_fee)} are needed (${groupDigits(quote.amount)} amount + ${groupDigits(quote.fee_reserve)} fee reserve + ${groupDigits(input_fee)} input fee) and ${sats(have)} are spendable.${others} ${end}.`,
    {
      next_command,
      facts: {
        missing,
        spendable: have,
        reserved,
        amount: quote.amount,
        fee_reserve: quote.fee_reserve,
        input_fee,
        held_coins: held.length,
        held_amount: sumProofs(held),
      },
    },
  );
}

/** Told apart from missing money: what another payment holds may be free again later. */
function heldByAnother(held: readonly StoredProof[]): string {
  const coins = held.length === 1 ? '1 coin' : `${held.length} coins`;
  return `Another payment at the mint holds or has taken ${coins} worth ${sats(sumProofs(held))}. Nothing was paid and nothing was changed; try again when that payment has ended`;
}

function sats(amount: number): string {
  return `${groupDigits(amount)} sat`;
}
