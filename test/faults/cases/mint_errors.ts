import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { FaultRule } from '../../../src/practice/fault_proxy/index.ts';
import { until } from '../../melt/kill_points.ts';
import type { CliResult } from '../../support/run_cli.ts';
import type { CaseGround } from '../support/case_ground.ts';
import type { FaultCase } from '../support/fault_case.ts';
import {
  ANSWER_LOST,
  after,
  before,
  DROP,
  FOR_EVER,
  faults,
  lightning,
  NOTHING_LEFT,
  PAID_NOW,
  paidAtTheMint,
  pending,
  REQUEST_LOST,
  RESUME_TO_FAILED,
  RESUME_TO_PAID,
  refusal,
} from './common.ts';

const NOT_KNOWN = /it is not known whether the request reached the mint/;
const SILENT = /the mint does not answer/;

/** A mint with a cache of answers. */
const offersReplays =
  (...rules: FaultRule[]) =>
  async ({ mint, fault }: CaseGround): Promise<void> => {
    await mint.control.configure({ replay_ttl_s: 60 });
    fault(...rules);
  };

/** More than one request, and all of them the same, byte for byte. */
async function sendsTheSameAgain(ground: CaseGround): Promise<CliResult> {
  const result = await ground.pay();
  const melts = ground.proxy.passed().filter(({ endpoint }) => endpoint === 'melt');
  expect(melts.length).toBeGreaterThan(1);
  expect(new Set(melts.map(({ sha256 }) => sha256)).size).toBe(1);
  return result;
}

/** Section 3, A9 and A10: errors of the mint, and a mint that goes away. */
export const MINT_ERROR_CASES: readonly FaultCase[] = [
  {
    id: 'A9-spent-after-payment',
    group: 'A9',
    title: 'a replay is answered "already spent" (11001), and it was paid',
    given: faults(after('melt', refusal(11_001, 'already spent'))),
    expected: PAID_NOW,
    ...NOTHING_LEFT,
  },
  {
    id: 'A9-signed-after-payment',
    group: 'A9',
    title: 'a replay is answered "outputs already signed" (11003), and it was paid',
    given: faults(after('melt', refusal(11_003, 'outputs already signed'))),
    expected: PAID_NOW,
    ...NOTHING_LEFT,
  },
  {
    id: 'A9-spent-and-not-paid',
    group: 'A9',
    title: 'the answer is "already spent" (11001), and nothing was paid',
    given: faults(before('melt', refusal(11_001, 'already spent'))),
    expected: pending(NOT_KNOWN),
    ...RESUME_TO_FAILED,
  },
  {
    id: 'A9-delivered-twice',
    group: 'A9',
    title: 'the network delivers the melt twice, and the second answer comes back',
    given: faults(before('melt', { type: 'duplicate' })),
    expected: PAID_NOW,
    ...NOTHING_LEFT,
  },
  {
    id: 'A9-replayed',
    group: 'A9',
    title: 'the answer is lost at a mint that answers the same request again (NUT-19)',
    given: offersReplays(ANSWER_LOST),
    act: (ground) => sendsTheSameAgain(ground),
    expected: PAID_NOW,
    ...NOTHING_LEFT,
  },
  {
    id: 'A9-replay-forgotten',
    group: 'A9',
    title: 'the answer is lost, and the mint has forgotten what it answered: "already spent"',
    given: offersReplays(ANSWER_LOST, before('melt', refusal(11_001), { occurrence: 2, times: 0 })),
    act: (ground) => sendsTheSameAgain(ground),
    expected: PAID_NOW,
    ...NOTHING_LEFT,
  },
  {
    id: 'A9-replay-lost-too',
    group: 'A9',
    title: 'every answer is lost at a mint that answers the same request again',
    given: offersReplays(after('melt', DROP, FOR_EVER)),
    act: (ground) => sendsTheSameAgain(ground),
    expected: PAID_NOW,
    ...NOTHING_LEFT,
  },
  {
    id: 'A10-failed-as-500-and-paid',
    group: 'A10',
    title: '500 with the code of a failed payment, and it was paid',
    given: faults(
      after('melt', { type: 'status', status: 500, body: { code: 20_004, detail: 'failed' } }),
    ),
    expected: PAID_NOW,
    ...NOTHING_LEFT,
  },
  {
    id: 'A10-refused-as-500',
    group: 'A10',
    title: '500 with the code of a refusal, and nothing was paid',
    given: faults(
      before('melt', { type: 'status', status: 500, body: { code: 11_005, detail: 'no' } }),
    ),
    expected: pending(NOT_KNOWN),
    ...RESUME_TO_FAILED,
  },
  {
    id: 'A10-melt-429',
    group: 'A10',
    title: 'the melt is answered 429',
    given: faults(before('melt', { type: 'status', status: 429, headers: { 'retry-after': '1' } })),
    expected: pending(NOT_KNOWN),
    ...RESUME_TO_FAILED,
  },
  {
    id: 'A10-refused-by-a-proxy',
    group: 'A10',
    title: 'a gateway answers the melt with a page, and nothing was paid',
    given: faults(before('melt', { type: 'status', status: 403, body: '<h1>Forbidden</h1>' })),
    expected: pending(NOT_KNOWN),
    ...RESUME_TO_FAILED,
  },
  {
    id: 'A10-mint-restarts-paying',
    group: 'A10',
    title: 'the mint restarts while it pays',
    given: lightning({ outcome: 'succeed', delay_ms: 1_500 }),
    act: async (ground) => {
      const melt = ground.startPay();
      await until(async () => (await ground.mint.control.meltRequests()).length > 0);
      await ground.proxy.goAway();
      return melt.ended;
    },
    expected: pending(SILENT),
    heal: paidAtTheMint,
    ...RESUME_TO_PAID,
  },
  {
    id: 'A10-mint-gone-before-request',
    group: 'A10',
    title: 'the mint goes away after the pre-flight: the request never leaves',
    given: faults(before('checkstate', { type: 'delay', ms: 800 })),
    act: async (ground) => {
      const melt = ground.startPay();
      const checked = () => ground.proxy.passed().some(({ endpoint }) => endpoint === 'checkstate');
      await until(async () => checked());
      await sleep(300);
      await ground.proxy.goAway();
      return melt.ended;
    },
    expected: { exit: 25, state: 'none', says: /MINT_UNREACHABLE/ },
    recovery: 'again',
    end: { exit: 0, state: 'paid', payments: 1 },
  },
  {
    id: 'A10-request-lost-all-silent',
    group: 'A10',
    title: 'the request is lost, and the mint is silent since',
    given: faults(REQUEST_LOST, before('*', DROP, { occurrence: 8, times: 0 })),
    expected: pending(/not known/i),
    recovery: 'resume_all',
    end: { exit: 21, state: 'failed', payments: 0 },
  },
];
