import type { mongo } from 'mongoose';
import { type ComparedToken, compareCoins } from '../../domain/compare_coins.ts';
import { messageOf } from '../../domain/errors.ts';
import { countSeverities, type Discrepancy } from '../../domain/finding.ts';
import type { MintState, NamedProof, StoredProof } from '../../domain/proof.ts';
import { named } from '../../domain/proof_y.ts';
import type { MintGateway } from '../../mint/gateway.ts';
import { TOKENS } from '../../store/collections.ts';
import { LIVE_STATUSES, type TokenDocument } from '../../store/documents.ts';
import type { NamedToken } from '../../store/token_repair.ts';
import type { StateCheck } from './types.ts';

export interface ProofStatesDeps {
  db: mongo.Db;
  /** The gateway of a mint, by the URL that the tokens carry. */
  mintOf: (mintUrl: string) => MintGateway;
  clock: () => Date;
}

/**
 * Layer 1: compares coins of a wallet with what their mints say, matched by Y.
 *
 * @param npub the wallet's owner
 * @param proofs the coins to check; without them every live coin of the owner
 * @returns all that was found; a mint that is down leaves its coins unknown and is named
 * @throws CashuOpsError DATABASE_UNREACHABLE
 */
export async function checkProofStates(
  deps: ProofStatesDeps,
  npub: string,
  proofs: readonly StoredProof[] | null = null,
  mintUrl: string | null = null,
): Promise<StateCheck> {
  const asked = proofs?.map(named) ?? null;
  // The mint is asked while the database reads, where it is known which mint and which coins.
  const early =
    asked && mintUrl
      ? askMint(
          deps,
          mintUrl,
          asked.map((proof) => proof.Y),
        )
      : null;
  const tokens = await readTokens(deps.db, npub, asked, mintUrl);
  const groups = groupByMint(asked, tokens, mintUrl);
  const checks = await Promise.all(
    [...groups].map(async ([url, group]) => {
      const answer = await (early && url === mintUrl
        ? early
        : askMint(deps, url, [...new Set(group.coins.map((coin) => coin.Y))]));
      const owner = { npub, mint_url: url };
      const found = compareCoins(group.coins, group.tokens, answer.states, owner, deps.clock());
      return { ...answer, url, found, checked: group.coins.length };
    }),
  );
  return summarise(checks);
}

interface MintAnswer {
  states: ReadonlyMap<string, MintState>;
  error: string | null;
}

async function askMint(deps: ProofStatesDeps, url: string, ys: string[]): Promise<MintAnswer> {
  try {
    return { states: await deps.mintOf(url).checkStates(ys), error: null };
  } catch (error) {
    return { states: new Map(), error: messageOf(error) };
  }
}

/** Every document of the owner that holds one of the coins, or every live one. */
async function readTokens(
  db: mongo.Db,
  npub: string,
  asked: readonly NamedProof[] | null,
  mintUrl: string | null,
): Promise<NamedToken[]> {
  const filter: mongo.Filter<TokenDocument> = asked
    ? { npub, 'proofs.secret': { $in: asked.map((proof) => proof.secret) } }
    : { npub, status: { $in: [...LIVE_STATUSES] }, ...(mintUrl && { mint_url: mintUrl }) };
  const documents = await db.collection<TokenDocument>(TOKENS).find(filter).toArray();
  return documents.map((token) => ({ ...token, proofs: token.proofs.map(named) }));
}

function groupByMint(
  asked: readonly NamedProof[] | null,
  tokens: readonly NamedToken[],
  mintUrl: string | null,
): Map<string, { coins: NamedProof[]; tokens: ComparedToken[] }> {
  const groups = new Map<string, { coins: NamedProof[]; tokens: ComparedToken[] }>();
  const groupOf = (url: string) => {
    const group = groups.get(url) ?? { coins: [], tokens: [] };
    groups.set(url, group);
    return group;
  };
  const mintOfCoin = new Map<string, string>();
  for (const token of tokens) {
    groupOf(token.mint_url).tokens.push(comparedToken(token));
    for (const proof of token.proofs) mintOfCoin.set(proof.Y, token.mint_url);
  }
  const coins = asked ?? uniqueCoins(tokens);
  for (const coin of coins) {
    const url = mintUrl ?? mintOfCoin.get(coin.Y);
    if (url !== undefined) groupOf(url).coins.push(coin);
  }
  return groups;
}

function uniqueCoins(tokens: readonly NamedToken[]): NamedProof[] {
  const coins = tokens.flatMap((token) => token.proofs);
  return [...new Map(coins.map((coin) => [coin.Y, coin])).values()];
}

export function comparedToken(token: NamedToken): ComparedToken {
  return {
    token_id: String(token._id),
    npub: token.npub,
    mint_url: token.mint_url,
    status: token.status,
    reserved_by: token.reserved_by ?? null,
    // Documents of other services may lack the timestamp; the id holds one too.
    created_at: token.createdAt ?? token._id.getTimestamp(),
    proofs: token.proofs,
  };
}

function summarise(
  checks: (MintAnswer & { url: string; found: Discrepancy[]; checked: number })[],
): StateCheck {
  const states = new Map(checks.flatMap((check) => [...check.states]));
  const discrepancies = checks.flatMap((check) => check.found);
  const checked = checks.reduce((sum, check) => sum + check.checked, 0);
  const unknown = checks.reduce((sum, check) => sum + check.checked - check.states.size, 0);
  const severityCounts = countSeverities(discrepancies);
  return {
    states,
    discrepancies,
    severityCounts,
    checked,
    unknown,
    consistent: discrepancies.length === 0 && unknown === 0,
    hasHighSeverity: severityCounts.HIGH + severityCounts.CRITICAL > 0,
    mintErrors: checks.flatMap(({ url, error }) => (error ? [{ mint_url: url, error }] : [])),
  };
}
