import { setTimeout as sleep } from 'node:timers/promises';
import { AUDIT_LOG } from '../../../src/store/collections.ts';
import { pausedBeforeRequest, until } from '../../melt/kill_points.ts';
import { endSession, withHolds } from '../../support/fail_point.ts';
import type { CliResult } from '../../support/run_cli.ts';
import { type CaseGround, QUIET } from '../support/case_ground.ts';
import type { FaultCase } from '../support/fault_case.ts';
import {
  after,
  before,
  faults,
  lightning,
  lightningEnds,
  NOTHING_LEFT,
  PAID_NOW,
  PAYS_AGAIN,
  pending,
  REQUEST_LOST,
  RESUME_TO_FAILED,
  RESUME_TO_PAID,
  refused,
  STALL,
  STAYS_FAILED,
} from './common.ts';
import { KILL_CASES } from './kills.ts';

/** The process that frees the coins dies inside its own transaction. */
async function killedWhileReleasing(ground: CaseGround): Promise<CliResult> {
  const result = await ground.pay();
  const { client, db } = ground.ops.store;
  await sleep(1_100);
  const session = await withHolds(client, async (server) => {
    await server.hold({
      command: 'insert',
      namespace: `${db.databaseName}.${AUDIT_LOG}`,
      appName: 'cashu-ops/melt --resume',
      holdMs: 3_000,
    });
    const id = (await ground.operation())?._id ?? '';
    const look = ground.start(['melt', '--resume', id, '--json'], QUIET);
    const held = await server.held();
    look.child.kill('SIGKILL');
    await look.ended;
    return held;
  });
  await endSession(client, session);
  return result;
}

type Signal = 'SIGINT' | 'SIGTERM';
const SIGNALS: readonly Signal[] = ['SIGINT', 'SIGTERM'];
const EXIT_OF = { SIGINT: 130, SIGTERM: 143 } as const;

/** Sends a signal when the mint was asked for something. */
const signalled =
  (signal: Signal, endpoint: string, times = 1) =>
  async (ground: CaseGround): Promise<CliResult> => {
    const melt = ground.startPay();
    const asked = () => ground.proxy.passed().some((request) => request.endpoint === endpoint);
    await until(async () => asked());
    for (let time = 0; time < times; time += 1) {
      melt.child.kill(signal);
      await sleep(300);
    }
    return melt.ended;
  };

const signalCases: readonly FaultCase[] = SIGNALS.flatMap((signal) => [
  {
    id: `process-${signal}-before-quote`,
    group: 'process',
    title: `${signal} while the mint makes the quote`,
    given: faults(before('melt_quote', STALL)),
    act: signalled(signal, 'melt_quote'),
    expected: { exit: EXIT_OF[signal], state: 'none', says: /INTERRUPTED/ },
    ...PAYS_AGAIN,
  },
  {
    id: `process-${signal}-in-preflight`,
    group: 'process',
    title: `${signal} while the coins are checked`,
    given: faults(before('checkstate', { type: 'delay', ms: 1_000 })),
    act: signalled(signal, 'checkstate'),
    expected: { exit: EXIT_OF[signal], state: 'failed', says: /INTERRUPTED/ },
    recovery: 'nothing',
    end: { exit: EXIT_OF[signal], state: 'failed', payments: 0 },
  },
  {
    id: `process-${signal}-after-request`,
    group: 'process',
    title: `${signal} after the request has left; the mint pays`,
    given: faults(after('melt', STALL)),
    act: signalled(signal, 'melt'),
    expected: pending(/the payment is under way/, 'submitting'),
    ...RESUME_TO_PAID,
  },
  {
    id: `process-${signal}-after-lost-request`,
    group: 'process',
    title: `${signal} after the request has left; it never arrives`,
    given: faults(before('melt', STALL)),
    act: signalled(signal, 'melt'),
    expected: pending(/the payment is under way/, 'submitting'),
    ...RESUME_TO_FAILED,
  },
]);

/** The process stands still between T2 and its request for longer than a request may wait. */
async function stoppedBeforeRequest(ground: CaseGround, forMs: number): Promise<CliResult> {
  const { standing, melt, ended } = await pausedBeforeRequest(ground);
  ground.invoice = standing.invoice;
  await sleep(forMs);
  melt.kill('SIGCONT');
  return ended;
}

/** The process stands still while the mint answers, and its connection is cut meanwhile. */
async function stoppedWhilePaying(ground: CaseGround): Promise<CliResult> {
  const melt = ground.startPay();
  await until(async () => (await ground.mint.control.meltRequests()).length > 0);
  melt.child.kill('SIGSTOP');
  await ground.proxy.goAway();
  await sleep(1_500);
  await ground.proxy.comeBack();
  melt.child.kill('SIGCONT');
  return melt.ended;
}

/** The mint's process stands still with the request in its hands. */
async function mintStopped(ground: CaseGround): Promise<CliResult> {
  const melt = ground.startPay();
  await until(async () => (await ground.mint.control.meltRequests()).length > 0);
  ground.mint.suspend();
  const result = await melt.ended;
  ground.mint.resume();
  return result;
}

/** Kills, signals and standstills of processes. */
export const PROCESS_CASES: readonly FaultCase[] = [
  ...KILL_CASES,
  {
    id: 'B16-killed-while-releasing',
    group: 'B16',
    title: 'the process that frees the coins is killed inside its transaction',
    fresh: true,
    given: faults(REQUEST_LOST),
    act: killedWhileReleasing,
    expected: pending(/it is not known whether the request reached the mint/),
    ...RESUME_TO_FAILED,
  },
  ...signalCases,
  {
    id: 'process-second-SIGINT',
    group: 'process',
    title: 'a second Ctrl-C while the coins are checked ends it at once',
    given: faults(before('checkstate', STALL)),
    act: signalled('SIGINT', 'checkstate', 2),
    expected: { exit: 'killed', state: 'none' },
    ...PAYS_AGAIN,
  },
  {
    id: 'process-stopped-too-long',
    group: 'process',
    title: 'SIGSTOP between T2 and the request, for longer than a request may wait',
    fresh: true,
    amount_sat: 700,
    act: (ground) => stoppedBeforeRequest(ground, 10_000),
    expected: refused(/the process was paused too long/, 'failed'),
    ...STAYS_FAILED,
  },
  {
    id: 'process-stopped-while-paying',
    group: 'process',
    title: 'SIGSTOP while the mint pays, and the connection is cut',
    given: lightning({ outcome: 'succeed', delay_ms: 500 }),
    act: stoppedWhilePaying,
    expected: PAID_NOW,
    ...NOTHING_LEFT,
  },
  {
    id: 'machine-mint-stopped',
    group: 'machine',
    title: "the mint's process stands still with the request in its hands",
    fresh: true,
    given: lightning({ outcome: 'hang', delay_ms: 800 }),
    act: mintStopped,
    expected: pending(/the mint does not answer/),
    heal: lightningEnds('succeed'),
    ...RESUME_TO_PAID,
  },
];
