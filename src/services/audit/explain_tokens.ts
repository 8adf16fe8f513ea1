import type { CoinsExplanation, MintSide } from '../../domain/explanation.ts';
import { gravest, safetyOfOrphans } from '../../domain/safety.ts';
import { shellWord } from '../../domain/shell_word.ts';
import type { TokenView } from '../../store/audit_subjects.ts';
import type { ExplainDeps } from './explain.ts';
import { holdersOf } from './holders.ts';
import { askStates, type Coin, coinsOf, judgeCoins, type States, stateOf } from './judge_coins.ts';

/** Explains tokens that no payment of this tool has to do with: a deposit, a receipt, old data. */
export async function explainTokens(
  { subjects, mint }: ExplainDeps,
  tokens: readonly TokenView[],
  y: string | null,
): Promise<CoinsExplanation> {
  const coins = coinsOf(tokens);
  const asked = coins.find((coin) => coin.y === y && y !== null);
  const { states, answer } = await askStates(mint, coins);
  const { orphaned_sat } = await holdersOf(subjects, tokens, null);
  const judged = judgeCoins(coins, states, answer);
  const orphans = orphaned_sat > 0 ? [safetyOfOrphans(orphaned_sat, answer)] : [];
  const safety = gravest(judged, ...orphans);
  const [first] = tokens;
  const at = first === undefined ? '' : `--mint ${shellWord(first.mint_url)}`;
  const wallet = first === undefined ? '--all' : `--npub ${first.npub} ${at}`;
  const silent = `cashu-ops doctor ${at}`;
  return {
    about: 'coins',
    coin:
      asked === undefined
        ? null
        : { y: asked.y ?? '', amount: asked.amount, mint: stateOf(asked, states) },
    tokens: tokens.map(({ transaction_id, npub, mint_url, status, proofs, ...token }) => ({
      ...{ transaction_id, npub, mint_url, status },
      amount: proofs.reduce((sat, { amount }) => sat + amount, 0),
      reserved_by: token.reserved_by ?? null,
      created_at: token.createdAt,
    })),
    mint: sideOf(coins, states, answer),
    safety,
    next_command:
      answer === 'silent'
        ? silent
        : safety.verdict === 'safe'
          ? null
          : `cashu-ops reconcile ${wallet} --deep`,
  };
}

function sideOf(
  coins: readonly Coin[],
  states: States['states'],
  answer: States['answer'],
): MintSide {
  const counts: MintSide['coins'] = {};
  if (answer === 'not_asked') return { answer, quote: null, coins: counts };
  for (const coin of coins) {
    const state = stateOf(coin, states);
    counts[state] = (counts[state] ?? 0) + 1;
  }
  return { answer, quote: null, coins: counts };
}
