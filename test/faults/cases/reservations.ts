import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { until } from '../../melt/kill_points.ts';
import type { CliResult } from '../../support/run_cli.ts';
import { type CaseGround, QUIET } from '../support/case_ground.ts';
import type { FaultCase, Recovery } from '../support/fault_case.ts';
import {
  after,
  before,
  each,
  faults,
  lightning,
  lightningEnds,
  mustPay,
  paysAnother,
  pending,
  REQUEST_LOST,
  RESUME_TO_FAILED,
  RESUME_TO_PAID,
  refusal,
  refused,
  STALL,
  STAYS_FAILED,
} from './common.ts';

const TRYING = /Lightning is still trying to pay/;

async function inputNames({ operation }: CaseGround): Promise<string[]> {
  return ((await operation())?.inputs ?? []).map(({ Y }) => Y);
}

/** The mint holds the coins of the operation for something else. */
async function heldAtTheMint(ground: CaseGround): Promise<CliResult> {
  const result = await ground.pay();
  await ground.mint.control.setState(await inputNames(ground), 'PENDING');
  return result;
}

/** Repairs twice, a quiet period apart, while the payment hangs. */
async function repairedMeanwhile(ground: CaseGround): Promise<CliResult> {
  const result = await ground.pay();
  for (let run = 0; run < 2; run += 1) {
    await sleep(1_100);
    const repair = ['reconcile', '--npub', ground.npub, '--apply', '--json'];
    const { code, stdout } = await ground.run(repair, QUIET);
    expect([0, 20, 22], stdout).toContain(code);
  }
  return result;
}

/** The process is killed while the mint has the request; it pays all the same. */
async function killedWhilePaying(ground: CaseGround): Promise<CliResult> {
  const melt = ground.startPay();
  const { control } = ground.mint;
  await until(async () => (await control.paymentCount(ground.invoice.payment_hash)) > 0);
  melt.child.kill('SIGKILL');
  return melt.ended;
}

async function resumedByQuote(ground: CaseGround): Promise<void> {
  const quote = (await ground.operation())?.quote_id ?? '';
  mustPay(await ground.run(['melt', '--resume', quote, '--json'], QUIET));
}

/** Section 3, B: coins that stay reserved. */
export const RESERVATION_CASES: readonly FaultCase[] = [
  {
    id: 'B11-too-many-inputs',
    group: 'B11',
    title: 'the mint refuses the melt: too many inputs (11014)',
    given: ({ mint }) => mint.control.configure({ max_inputs: 1 }),
    expected: refused(/the mint refused the request/, 'failed'),
    ...STAYS_FAILED,
    also: paysAnother,
  },
  {
    id: 'B11-above-limit',
    group: 'B11',
    title: 'the mint refuses the melt: above its limit (11006)',
    given: faults(before('melt', refusal(11_006, 'amount above the limit'))),
    expected: refused(/the mint refused the request \(amount above the limit\)/, 'failed'),
    ...STAYS_FAILED,
    also: paysAnother,
  },
  {
    id: 'B12-hodl-invoice',
    group: 'B12',
    title: 'a hodl invoice hangs; another payment of the wallet goes on beside it',
    given: lightning({ outcome: 'hang' }),
    act: async (ground) => {
      const result = await ground.pay();
      await paysAnother(ground, 100);
      return result;
    },
    expected: pending(TRYING),
    looks: [pending(TRYING)],
    heal: lightningEnds('succeed'),
    ...RESUME_TO_PAID,
  },
  {
    id: 'B13-mint-leaks-pending',
    group: 'B13',
    title: 'the mint holds the coins of a request that it never got',
    given: faults(REQUEST_LOST),
    act: heldAtTheMint,
    expected: pending(/it is not known whether the request reached the mint/),
    looks: [pending(/the mint still holds the coins/), pending(/the mint still holds the coins/)],
    heal: async (ground) => ground.mint.control.setState(await inputNames(ground), 'UNSPENT'),
    ...RESUME_TO_FAILED,
  },
  {
    id: 'B14-repair-while-pending',
    group: 'B14',
    title: 'reconcile --apply while a payment hangs frees nothing',
    given: lightning({ outcome: 'hang' }),
    act: repairedMeanwhile,
    expected: pending(TRYING),
    heal: lightningEnds('succeed'),
    recovery: 'reconcile',
    end: { exit: 0, state: 'paid', payments: 1 },
  },
  ...each<Recovery>(['resume', 'resume_all', 'reconcile'], (recovery) => ({
    id: `B15-killed-while-paying-${recovery}`,
    group: 'B15',
    title: `the process is killed while the mint pays; brought on by ${recovery}`,
    given: faults(after('melt', STALL)),
    act: killedWhilePaying,
    expected: { exit: 'killed', state: 'submitting' },
    recovery,
    end: { exit: 0, state: 'paid', payments: 1 },
  })),
  {
    id: 'B15-killed-while-paying-quote',
    group: 'B15',
    title: 'the process is killed while the mint pays; brought on by its quote id',
    given: faults(after('melt', STALL)),
    act: killedWhilePaying,
    expected: { exit: 'killed', state: 'submitting' },
    heal: resumedByQuote,
    ...RESUME_TO_PAID,
  },
];
