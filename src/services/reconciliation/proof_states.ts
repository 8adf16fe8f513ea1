import type { mongo } from 'mongoose';
import { type ComparedToken, compareCoins } from '../../domain/compare_coins.ts';
import { messageOf } from '../../domain/errors.ts';
import { countSeverities, type Discrepancy } from '../../domain/finding.ts';
import type { MintState, NamedProof, StoredProof } from '../../domain/proof.ts';
import { named } from '../../domain/proof_y.ts';
import { anyBlocks } from '../../domain/severity_strategy.ts';
import type { MintGateway } from '../../mint/gateway.ts';
import { TOKENS } from '../../store/collections.ts';
import {
  changedAt,
  LIVE_STATUSES,
  storedAt,
  type TokenDocument,
  walletsOf,
} from '../../store/documents.ts';
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
  const asked = proofs && uniqueCoins(proofs.map(named));
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
  const coins = asked ?? uniqueCoins(tokens.flatMap((token) => token.proofs));
  const home = mintUrl ?? (await homeOfStrangers(deps.db, npub, coins, tokens));
  const groups = groupByMint(coins, tokens, mintUrl, home);
  const checks = await Promise.all(
    [...groups].map(async ([url, group]) => {
      const ys = group.coins.map((coin) => coin.Y);
      const answer = await (early && url === mintUrl ? early : askMint(deps, url, ys));
      const found = await findDifferences(deps, { npub, mint_url: url }, group, answer);
      return { ...answer, url, found, checked: group.coins.length };
    }),
  );
  return summarise(checks);
}

/**
 * Compares, and where something differs once more with the database as it is now: a payment that
 * ended between the reading and the mint's answer makes no finding.
 */
async function findDifferences(
  { db, clock }: ProofStatesDeps,
  owner: { npub: string; mint_url: string },
  group: CoinGroup,
  { states }: MintAnswer,
): Promise<Discrepancy[]> {
  const found = compareCoins(group.coins, group.tokens, states, owner, clock());
  if (found.length === 0) return found;
  const ys = new Set(found.map(({ y }) => y));
  const coins = group.coins.filter(({ Y }) => ys.has(Y));
  const tokens = await readTokens(db, owner.npub, coins, null);
  const own = tokens.filter(({ mint_url }) => mint_url === owner.mint_url);
  return compareCoins(coins, own.map(comparedToken), states, owner, clock());
}

/** Stands for the mint of coins of which it is not known. */
const UNKNOWN_MINT = 'unknown';

interface MintAnswer {
  states: ReadonlyMap<string, MintState>;
  error: string | null;
}

async function askMint(deps: ProofStatesDeps, url: string, ys: string[]): Promise<MintAnswer> {
  if (url === UNKNOWN_MINT) {
    const error = `${ys.length} coins are not in the database, and no mint was named for them`;
    return { states: new Map(), error };
  }
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

interface CoinGroup {
  coins: NamedProof[];
  tokens: ComparedToken[];
}

/** @param home the mint of coins that stand in no token */
function groupByMint(
  coins: readonly NamedProof[],
  tokens: readonly NamedToken[],
  mintUrl: string | null,
  home: string,
): Map<string, CoinGroup> {
  const groups = new Map<string, CoinGroup>();
  const groupOf = (url: string) => {
    const group = groups.get(url) ?? { coins: [], tokens: [] };
    groups.set(url, group);
    return group;
  };
  const mintOfCoin = mintsOfCoins(tokens);
  for (const token of tokens) groupOf(token.mint_url).tokens.push(comparedToken(token));
  for (const coin of coins) groupOf(mintUrl ?? mintOfCoin.get(coin.Y) ?? home).coins.push(coin);
  return groups;
}

function mintsOfCoins(tokens: readonly NamedToken[]): Map<string, string> {
  return new Map(tokens.flatMap(({ proofs, mint_url }) => proofs.map(({ Y }) => [Y, mint_url])));
}

/**
 * Coins that the database does not hold carry no mint. They are taken for coins of the owner's
 * mint where that is the only one; otherwise nobody can be asked about them.
 */
async function homeOfStrangers(
  db: mongo.Db,
  npub: string,
  coins: readonly NamedProof[],
  tokens: readonly NamedToken[],
): Promise<string> {
  const known = mintsOfCoins(tokens);
  if (coins.every(({ Y }) => known.has(Y))) return UNKNOWN_MINT;
  const [only, another] = await walletsOf(db).distinct('mint_url', { npub });
  return only !== undefined && another === undefined ? only : UNKNOWN_MINT;
}

function uniqueCoins(coins: readonly NamedProof[]): NamedProof[] {
  return [...new Map(coins.map((coin) => [coin.Y, coin])).values()];
}

export function comparedToken(token: NamedToken): ComparedToken {
  return {
    token_id: String(token._id),
    npub: token.npub,
    mint_url: token.mint_url,
    status: token.status,
    reserved_by: token.reserved_by ?? null,
    created_at: storedAt(token),
    changed_at: changedAt(token),
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
    hasHighSeverity: anyBlocks(severityCounts),
    mintErrors: checks.flatMap(({ url, error }) => (error ? [{ mint_url: url, error }] : [])),
  };
}
