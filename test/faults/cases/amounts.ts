import { expect } from 'vitest';
import { meltArgs } from '../../support/melt_cli.ts';
import type { CliResult } from '../../support/run_cli.ts';
import type { CaseGround } from '../support/case_ground.ts';
import type { FaultCase } from '../support/fault_case.ts';
import {
  after,
  before,
  each,
  FOR_EVER,
  faults,
  lightning,
  lightningEnds,
  NOTHING_LEFT,
  PAID_NOW,
  PAYS_AGAIN,
  pending,
  RESUME_TO_FAILED,
  refusal,
  refused,
  STAYS_FAILED,
  unreachable,
} from './common.ts';

const TOO_MUCH = 2 ** 60;

/** Two processes pay the same invoice at once. */
async function paidTwiceAtOnce(ground: CaseGround): Promise<CliResult> {
  const ends = await Promise.all([ground.pay(), ground.pay()]);
  expect(ends.map(({ code }) => code).toSorted()).toEqual([0, 24]);
  const [paid] = ends.filter(({ code }) => code === 0);
  if (paid === undefined) throw new Error('nobody paid');
  return paid;
}

/** A payment and a repair of the same wallet at once. */
async function paidAndRepaired(ground: CaseGround): Promise<CliResult> {
  const repair = ['reconcile', '--npub', ground.npub, '--apply', '--json'];
  const [paid, repaired] = await Promise.all([ground.pay(), ground.run(repair)]);
  expect([0, 20, 22, 24], repaired.stdout).toContain(repaired.code);
  return paid;
}

/** Counted before the faults are taken away, which forgets them. */
async function refusedOnce(ground: CaseGround): Promise<CliResult> {
  const result = await ground.pay();
  expect(ground.proxy.passed().filter(({ endpoint }) => endpoint === 'melt')).toHaveLength(1);
  return result;
}

/** Section 3, F and G: amounts and fees; identity, concurrency, infrastructure. */
export const AMOUNT_CASES: readonly FaultCase[] = [
  {
    id: 'F34-exactly-enough',
    group: 'F34',
    title: 'coins for amount, reserve and input fee, and not one sat more',
    coins: [256, 32, 16],
    expected: PAID_NOW,
    ...NOTHING_LEFT,
  },
  {
    id: 'F34-one-sat-short',
    group: 'F34',
    title: 'one sat too little for the input fee',
    coins: [256, 32, 8, 4, 2, 1],
    expected: refused(/INSUFFICIENT_FUNDS/),
    heal: (ground) => ground.addCoins(1),
    ...PAYS_AGAIN,
  },
  {
    id: 'F34-fee-above-amount',
    group: 'F34',
    title: 'an invoice of 1 sat, whose fees are more',
    coins: [2, 2],
    amount_sat: 1,
    expected: { exit: 0, state: 'paid', says: /Paid 1 sat/ },
    ...NOTHING_LEFT,
  },
  {
    id: 'F35-limit-in-info',
    group: 'F35',
    title: 'the invoice is above the limit that the mint names',
    given: ({ mint }) => mint.control.configure({ melt_max_sat: 100 }),
    expected: refused(/MINT_CANNOT_MELT The mint \S+ pays no more than 100 sat/),
    ...PAYS_AGAIN,
  },
  {
    id: 'F35-limit-at-the-quote',
    group: 'F35',
    title: 'the mint names no limit and refuses the quote (11006)',
    given: faults(before('melt_quote', refusal(11_006, 'amount above the limit'), FOR_EVER)),
    expected: refused(/MINT_REFUSED/),
    ...PAYS_AGAIN,
  },
  {
    id: 'F36-quote-too-large',
    group: 'F36',
    title: 'the quote has an amount that no number holds',
    given: faults(after('melt_quote', { type: 'set', fields: { amount: TOO_MUCH } }, FOR_EVER)),
    expected: refused(/AMOUNT_TOO_LARGE/),
    ...PAYS_AGAIN,
  },
  {
    id: 'F36-reserve-too-large',
    group: 'F36',
    title: 'the quote has a fee reserve just below what a number holds',
    given: faults(
      after(
        'melt_quote',
        {
          type: 'set',
          fields: { fee_reserve: Number.MAX_SAFE_INTEGER },
        },
        FOR_EVER,
      ),
    ),
    expected: refused(/AMOUNT_TOO_LARGE/),
    ...PAYS_AGAIN,
  },
  {
    id: 'F36-change-too-large',
    group: 'F36',
    title: 'the change is announced as more than a number holds',
    given: faults(after('melt', { type: 'set', fields: { 'change.0.amount': TOO_MUCH } })),
    expected: PAID_NOW,
    ...NOTHING_LEFT,
  },
  ...each([' with a slash at its end', ' in capital letters'], (variant) => ({
    id: `G37-mint-url${variant.includes('slash') ? '-slash' : '-capitals'}`,
    group: 'G37',
    title: `the address of the mint${variant}`,
    act: ({ npub, invoice, proxy, run }) => {
      const url = variant.includes('slash') ? `${proxy.url}/` : proxy.url.toUpperCase();
      return run([...meltArgs({ npub }, invoice), '--mint', url]);
    },
    expected: PAID_NOW,
    ...NOTHING_LEFT,
  })),
  {
    id: 'G38-two-processes',
    group: 'G38',
    title: 'two processes pay the same invoice at once; the mint would pay both',
    act: paidTwiceAtOnce,
    expected: PAID_NOW,
    ...NOTHING_LEFT,
  },
  {
    id: 'G38-payment-and-repair',
    group: 'G38',
    title: 'a payment and reconcile --apply at once',
    act: paidAndRepaired,
    expected: PAID_NOW,
    ...NOTHING_LEFT,
  },
  {
    id: 'G41-quote-429',
    group: 'G41',
    title: 'the quote is answered 429, for ever',
    given: faults(
      before(
        'melt_quote',
        { type: 'status', status: 429, headers: { 'retry-after': '1' } },
        FOR_EVER,
      ),
    ),
    expected: unreachable(/MINT_UNREACHABLE/),
    ...PAYS_AGAIN,
  },
  {
    id: 'G41-checkstate-429',
    group: 'G41',
    title: 'checkstate is answered 429, for ever',
    given: faults(before('checkstate', { type: 'status', status: 429 }, FOR_EVER)),
    expected: unreachable(/MINT_UNREACHABLE/),
    ...PAYS_AGAIN,
  },
  ...each([11_005, 20_007, 12_002], (code) => ({
    id: `G42-refused-${code}`,
    group: 'G42',
    title: `the melt is refused for certain (${code}): it is sent once`,
    given: faults(before('melt', refusal(code, 'refused'), FOR_EVER)),
    act: refusedOnce,
    expected: refused(/the mint refused the request \(refused\)/, 'failed'),
    ...STAYS_FAILED,
  })),
  {
    id: 'G43-failure-without-reason',
    group: 'G43',
    title: 'a pending payment fails later, and nobody says why',
    given: lightning({ outcome: 'hang' }),
    expected: pending(/Lightning is still trying to pay/),
    heal: lightningEnds('fail'),
    ...RESUME_TO_FAILED,
  },
];
