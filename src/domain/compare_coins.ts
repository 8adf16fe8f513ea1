import {
  compareStates,
  DEFAULT_SEVERITY_RULES,
  type Discrepancy,
  type ProofFindingType,
  type SeverityRules,
  severityOf,
} from './finding.ts';
import type { KnownState, MintState, NamedProof, TokenStatus } from './proof.ts';

/** A token document as far as the comparison needs it. */
export interface ComparedToken {
  token_id: string;
  npub: string;
  mint_url: string;
  status: TokenStatus;
  reserved_by: string | null;
  created_at: Date;
  /** When it became what it is; for a pending token, since when it is locked. */
  changed_at: Date;
  proofs: NamedProof[];
}

interface Holding {
  token: ComparedToken;
  proof: NamedProof;
}

/**
 * Compares coins of one wallet and mint, matched by Y.
 *
 * A coin may stand in a spent token and in a later live one (old data): the live one decides, and
 * without one the spent one. Two live documents for one coin are a finding of their own.
 *
 * @param coins the coins to compare
 * @param tokens every token document of the wallet that holds one of them
 * @param states what the mint answered; a coin that is missing there is unknown and no finding
 */
export function compareCoins(
  coins: readonly NamedProof[],
  tokens: readonly ComparedToken[],
  states: ReadonlyMap<string, MintState>,
  owner: { npub: string; mint_url: string },
  now: Date,
  rules: SeverityRules = DEFAULT_SEVERITY_RULES,
): Discrepancy[] {
  const holdings = holdingsByY(tokens);
  return coins.flatMap((coin) => {
    const held = holdings.get(coin.Y) ?? [];
    const live = held.filter(({ token }) => isLive(token.status));
    const deciding = live.at(0) ?? held.find(isSpent) ?? held.at(0);
    const state: KnownState = states.get(coin.Y) ?? 'UNKNOWN';
    const types: ProofFindingType[] = live.length > 1 ? ['DUPLICATE_LIVE_PROOF'] : [];
    const difference =
      deciding === undefined ? 'PROOF_NOT_IN_DB' : compareStates(deciding.token.status, state);
    if (difference !== null) types.push(difference);
    return types.map((type) =>
      describe(type, coin, deciding?.token ?? null, { owner, now, rules }),
    );
  });
}

function isLive(status: TokenStatus): boolean {
  return status === 'unspent' || status === 'pending';
}

function isSpent({ token }: Holding): boolean {
  return token.status === 'spent';
}

/** The documents of each coin; the one that is kept among live doubles comes first. */
function holdingsByY(tokens: readonly ComparedToken[]): Map<string, Holding[]> {
  const holdings = new Map<string, Holding[]>();
  for (const token of [...tokens].sort(byClaimThenAge)) {
    for (const proof of token.proofs) {
      const list = holdings.get(proof.Y) ?? [];
      list.push({ token, proof });
      holdings.set(proof.Y, list);
    }
  }
  return holdings;
}

/** The rule for doubles: what an operation holds stays, then the oldest, then the smallest id. */
export function byClaimThenAge(a: ComparedToken, b: ComparedToken): number {
  return (
    Number(b.reserved_by !== null) - Number(a.reserved_by !== null) ||
    a.created_at.getTime() - b.created_at.getTime() ||
    (a.token_id < b.token_id ? -1 : 1)
  );
}

function describe(
  type: ProofFindingType,
  coin: NamedProof,
  token: ComparedToken | null,
  context: { owner: { npub: string; mint_url: string }; now: Date; rules: SeverityRules },
): Discrepancy {
  const { owner, now, rules } = context;
  const ageMs = token && now.getTime() - sinceWhen(token).getTime();
  return {
    type,
    severity: severityOf(type, ageMs, rules),
    amount: coin.amount,
    y: coin.Y,
    ...owner,
    token_id: token?.token_id ?? null,
    operation_id: token?.reserved_by ?? null,
    age_s: ageMs === null ? null : Math.max(0, Math.floor(ageMs / 1000)),
  };
}

/** An old token that a payment has just claimed is locked since then, not since it was stored. */
function sinceWhen({ status, created_at, changed_at }: ComparedToken): Date {
  return status === 'pending' ? changed_at : created_at;
}
