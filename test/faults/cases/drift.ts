import { expect } from 'vitest';
import { openPracticeWallet } from '../../../src/practice/mint/practice_wallet.ts';
import { tokensOf } from '../../../src/store/documents.ts';
import { ensureStore } from '../../../src/store/ensure_store.ts';
import type { CliResult } from '../../support/run_cli.ts';
import { type CaseGround, QUIET } from '../support/case_ground.ts';
import type { FaultCase } from '../support/fault_case.ts';
import {
  after,
  before,
  DROP,
  FOR_EVER,
  faults,
  NOTHING_LEFT,
  PAID_NOW,
  PAYS_AGAIN,
  unreachable,
} from './common.ts';

const COIN_SAT = 512;
const SWAP_FEE_SAT = 1;

/** Somebody with a copy of the wallet spends its largest coin. */
async function spentElsewhere({ mint, tokens }: CaseGround): Promise<void> {
  const purse = await openPracticeWallet(mint.url);
  const coins = (await tokens()).flatMap(({ proofs }) => proofs);
  const proofs = coins.filter(({ amount }) => amount === COIN_SAT).map((coin) => coin);
  await purse.receive({ mint: mint.url, unit: 'sat', proofs: proofs as never });
}

/** Another wallet program stored the same coin twice, in a database without the guarding index. */
async function storedTwice({ ops, npub }: CaseGround): Promise<void> {
  const tokens = tokensOf(ops.store.db);
  await tokens.dropIndex('live_proof_unique');
  const token = await tokens.findOne({ npub });
  if (token === null) throw new Error('the wallet has no token');
  const { _id, ...rest } = token;
  await tokens.insertOne({ ...rest, transaction_id: 'minted_twice_over' } as never);
}

async function repaired(ground: CaseGround): Promise<void> {
  const repair = ['reconcile', '--npub', ground.npub, '--apply', '--json'];
  const { code, stdout } = await ground.run(repair, QUIET);
  expect([0, 20], stdout).toContain(code);
  const { problems } = await ensureStore(ground.ops.store);
  expect(problems).toEqual([]);
}

/** What the spent coins were for can be followed from them, and from the change back. */
async function linksHold(ground: CaseGround): Promise<void> {
  const operation = await ground.operation();
  const tokens = await ground.tokens();
  const spent = tokens.filter(({ status }) => status === 'spent').map(({ _id }) => String(_id));
  expect(operation?.source_token_ids.toSorted()).toEqual(spent.toSorted());
  const change = tokens.filter(({ transaction_id }) => transaction_id.endsWith('_melt_change'));
  const parents = change.map(({ metadata }) => metadata.parent_transaction_id);
  expect(parents).toEqual([operation?.transaction_id]);
}

/** A repair of the wallet while its mint is gone, as a person reads it. */
function repairWithoutMint(ground: CaseGround): Promise<CliResult> {
  return ground.run(['reconcile', '--npub', ground.npub, '--apply'], QUIET);
}

const FIVE_COINS = [64, 64, 64, 64, 64];

/** Section 3, E: the database and the mint disagree about coins. */
export const DRIFT_CASES: readonly FaultCase[] = [
  {
    id: 'E28-spent-elsewhere',
    group: 'E28',
    title: 'a coin was spent by another copy of the wallet',
    coins: [COIN_SAT, 64],
    amount_sat: 500,
    given: spentElsewhere,
    expected: {
      exit: 20,
      state: 'none',
      says: /1 coin worth 512 sat is not what the database said/,
    },
    heal: (ground) => ground.addCoins(COIN_SAT),
    ...PAYS_AGAIN,
    judge: { outside_sat: COIN_SAT - SWAP_FEE_SAT },
  },
  {
    id: 'E29-stored-twice',
    group: 'E29',
    title: 'a coin stands in two live documents, in a database without the guarding index',
    fresh: true,
    given: storedTwice,
    expected: {
      exit: 20,
      state: 'none',
      says: /not what the database said \(DUPLICATE_LIVE_PROOF\)/,
    },
    heal: repaired,
    ...PAYS_AGAIN,
    wrong_before: true,
  },
  {
    id: 'E30-state-missing',
    group: 'E30',
    title: 'checkstate leaves a coin out',
    given: faults(after('checkstate', { type: 'checkstate_short' }, FOR_EVER)),
    expected: unreachable(/MINT_UNREACHABLE The mint \S+ did not say the state of \d+ coins?/),
    ...PAYS_AGAIN,
  },
  {
    id: 'E30-state-of-another',
    group: 'E30',
    title: 'checkstate answers for a coin that nobody asked about',
    given: faults(after('checkstate', { type: 'checkstate_foreign' }, FOR_EVER)),
    expected: unreachable(/MINT_UNREACHABLE The mint \S+ did not say the state of \d+ coins?/),
    ...PAYS_AGAIN,
  },
  {
    id: 'E31-links',
    group: 'E31',
    title: 'pending becomes spent: the link to the operation stays',
    expected: PAID_NOW,
    ...NOTHING_LEFT,
    also: linksHold,
  },
  {
    id: 'E32-small-batches',
    group: 'E32',
    title: 'checkstate takes two coins at a time only',
    coins: FIVE_COINS,
    given: ({ mint }) => mint.control.configure({ max_ys: 2 }),
    expected: PAID_NOW,
    ...NOTHING_LEFT,
  },
  {
    id: 'E32-other-order',
    group: 'E32',
    title: 'checkstate answers in another order',
    given: faults(after('checkstate', { type: 'checkstate_reordered' }, FOR_EVER)),
    expected: PAID_NOW,
    ...NOTHING_LEFT,
  },
  {
    id: 'E32-one-coin-repeated',
    group: 'E32',
    title: 'checkstate answers for one coin twice and for another not at all',
    given: faults(after('checkstate', { type: 'checkstate_duplicated' }, FOR_EVER)),
    expected: unreachable(/MINT_UNREACHABLE The mint \S+ did not say the state of \d+ coins?/),
    ...PAYS_AGAIN,
  },
  {
    id: 'E33-repair-without-mint',
    group: 'E33',
    title: 'reconcile --apply while the mint is gone touches no coin',
    given: faults(before('*', DROP, FOR_EVER)),
    act: repairWithoutMint,
    expected: {
      exit: 25,
      state: 'none',
      says: /Not everything is known: the mint said nothing of 11 coins/,
    },
    ...PAYS_AGAIN,
  },
];
