import { compareStates } from '../../domain/finding.ts';
import type { KnownState, MintState } from '../../domain/proof.ts';
import { type MintAnswer, type Safety, verdictOf } from '../../domain/safety.ts';
import type { TokenView } from '../../store/audit_subjects.ts';
import type { MintAsker } from './ask_mint.ts';

/** A coin, however many tokens it stands in. */
export interface Coin {
  /** Null where its public name is not stored, so that nobody can ask for it. */
  y: string | null;
  amount: number;
  mint_url: string;
  statuses: TokenView['status'][];
}

/** Each coin once, with the status of every token that it stands in. */
export function coinsOf(tokens: readonly TokenView[]): Coin[] {
  const named = new Map<string, Coin>();
  const nameless: Coin[] = [];
  for (const { proofs, status, mint_url } of tokens) {
    for (const { Y, amount } of proofs) {
      const known = Y === undefined ? undefined : named.get(Y);
      if (known !== undefined) known.statuses.push(status);
      else if (Y === undefined) nameless.push({ y: null, amount, mint_url, statuses: [status] });
      else named.set(Y, { y: Y, amount, mint_url, statuses: [status] });
    }
  }
  return [...named.values(), ...nameless];
}

/** What mints have said of coins. */
export interface States {
  states: ReadonlyMap<string, MintState>;
  answer: MintAnswer;
}

/** Asks each mint for the states of its coins; what does not answer is not known. */
export async function askStates(mint: MintAsker | null, coins: readonly Coin[]): Promise<States> {
  if (mint === null) return { states: new Map(), answer: 'not_asked' };
  const ofMint = Map.groupBy(
    coins.flatMap(({ y, mint_url }) => (y === null ? [] : [{ y, mint_url }])),
    ({ mint_url }) => mint_url,
  );
  const answers = await Promise.all(
    Array.from(ofMint, ([mintUrl, named]) =>
      // Whatever does not answer is not known.
      mint
        .checkStates(
          mintUrl,
          named.map(({ y }) => y),
        )
        .catch(() => new Map<string, MintState>()),
    ),
  );
  const states = new Map(answers.flatMap((answered) => [...answered]));
  const isComplete = coins.every(({ y }) => y !== null && states.has(y));
  return { states, answer: isComplete ? 'answered' : 'silent' };
}

export function stateOf({ y }: Coin, states: States['states']): KnownState {
  return (y === null ? undefined : states.get(y)) ?? 'UNKNOWN';
}

/** Do database and mint agree on coins? */
export function judgeCoins(
  coins: readonly Coin[],
  states: States['states'],
  answer: MintAnswer,
): Safety {
  const isLive = (status: string) => status === 'unspent' || status === 'pending';
  const sum = (some: readonly Coin[]) => some.reduce((sat, { amount }) => sat + amount, 0);
  const doubled = coins.filter(({ statuses }) => statuses.filter(isLive).length > 1);
  if (doubled.length > 0) {
    return verdictOf('at_risk', sum(doubled), 'the balance counts coins twice', answer);
  }
  const differing = coins.filter((coin) => {
    const deciding = coin.statuses.find(isLive) ?? coin.statuses.find((one) => one === 'spent');
    const status = deciding ?? coin.statuses[0];
    return status !== undefined && compareStates(status, stateOf(coin, states)) !== null;
  });
  const held = differing.filter((coin) => stateOf(coin, states) === 'PENDING');
  if (differing.length > held.length) {
    const because = 'the database and the mint do not agree on these coins';
    return verdictOf('at_risk', sum(differing) - sum(held), because, answer);
  }
  if (held.length > 0) {
    return verdictOf('locked', sum(held), 'the mint holds the coins for another payment', answer);
  }
  const agree = answer === 'answered' ? 'the database and the mint agree' : 'they are stored';
  const spent = coins.every(({ statuses }) => statuses.every((status) => status === 'spent'));
  const forWhat = ': they are spent; what for is not known here';
  return verdictOf('safe', 0, `${agree}${spent ? forWhat : ''}`, answer);
}
