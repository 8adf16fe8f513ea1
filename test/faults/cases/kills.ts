import { MELT_OPERATIONS, TOKENS } from '../../../src/store/collections.ts';
import {
  type HeldPoint,
  holdFirstOfT3,
  holdLastOf,
  holdOn,
  killAtCommit,
  killHeld,
  killUnanswered,
  type Standing,
  until,
} from '../../melt/kill_points.ts';
import { endSession } from '../../support/fail_point.ts';
import type { CliResult } from '../../support/run_cli.ts';
import type { CaseGround } from '../support/case_ground.ts';
import type { End, FaultCase } from '../support/fault_case.ts';
import { ENDS_FAILED, ENDS_PAID, PAYS_AGAIN } from './common.ts';

const KILLED: CliResult = {
  code: null,
  signal: 'SIGKILL',
  stdout: '',
  stderr: '',
  json: () => null,
};

/** Kills a payment at a point; its invoice is the case's from then on. */
const killed =
  (at: (ground: CaseGround) => Promise<Standing>) =>
  async (ground: CaseGround): Promise<CliResult> => {
    const { invoice } = await at(ground);
    ground.invoice = invoice;
    return KILLED;
  };

const killedAt = (point: (ground: CaseGround) => HeldPoint) =>
  killed((ground) => killHeld(ground, point(ground)));

/** Inside a transaction, whose locks outlive the process until the server lets go of them. */
const killedInside = (transaction: 1 | 3) =>
  killed(async (ground) => {
    let session = '';
    const standing = await killHeld(ground, {
      hold: holdLastOf(ground, transaction),
      proceed: async (_server, _melt, held) => {
        session = held;
      },
    });
    await endSession(ground.ops.store.client, session);
    return standing;
  });

const SWAPPING = { CASHU_OPS_SWAP: 'always' };
const ONE_COIN = { coins: [4096], env: SWAPPING };

/** A commit that is under way when its process dies is carried out by the server soon after. */
const killedAtCommit =
  (transaction: 1 | 2 | 3, state: string) =>
  async (ground: CaseGround): Promise<CliResult> => {
    const result = await killed((own) => killAtCommit(own, transaction))(ground);
    await until(async () => (await ground.operation())?.state === state, { what: state });
    return result;
  };

interface Kill extends Pick<FaultCase, 'act' | 'coins' | 'env'> {
  id: string;
  title: string;
  state: FaultCase['expected']['state'];
  end: End | 'again';
}

const KILLS: readonly Kill[] = [
  {
    id: 'in-T1',
    title: 'inside T1',
    act: killedInside(1),
    state: 'none',
    end: 'again',
  },
  {
    id: 'commit-T1',
    title: 'while T1 commits',
    act: killedAtCommit(1, 'prepared'),
    state: 'prepared',
    end: ENDS_FAILED,
  },
  {
    id: 'after-T1',
    title: 'after T1',
    act: killedAt((ground) => ({
      hold: holdOn(ground, 'update', MELT_OPERATIONS, { thenFails: true }),
    })),
    state: 'prepared',
    end: ENDS_FAILED,
  },
  {
    id: 'commit-T2',
    title: 'while T2 commits',
    act: killedAtCommit(2, 'submitting'),
    state: 'submitting',
    end: ENDS_FAILED,
  },
  {
    id: 'request-at-mint',
    title: 'when the request is at the mint, which does nothing with it',
    act: killed((ground) => killUnanswered(ground, 'melt', 'before')),
    state: 'submitting',
    end: ENDS_FAILED,
  },
  {
    id: 'before-reply',
    title: 'after the mint paid, before its reply',
    act: killed((ground) => killUnanswered(ground, 'melt', 'after')),
    state: 'submitting',
    end: ENDS_PAID,
  },
  {
    id: 'after-reply',
    title: 'after the reply, before T3',
    act: killedAt((ground) => ({ hold: holdFirstOfT3(ground, { thenFails: true }) })),
    state: 'submitting',
    end: ENDS_PAID,
  },
  {
    id: 'in-T3',
    title: 'inside T3',
    act: killedInside(3),
    state: 'submitting',
    end: ENDS_PAID,
  },
  {
    id: 'commit-T3',
    title: 'while T3 commits',
    act: killedAtCommit(3, 'paid'),
    state: 'paid',
    end: ENDS_PAID,
  },
  {
    id: 'swap-at-mint',
    title: 'when the swap is at the mint, which does nothing with it',
    act: killed((ground) => killUnanswered(ground, 'swap', 'before', SWAPPING)),
    ...ONE_COIN,
    state: 'swapping',
    end: ENDS_FAILED,
  },
  {
    id: 'swap-before-reply',
    title: 'after the mint swapped, before its reply',
    act: killed((ground) => killUnanswered(ground, 'swap', 'after', SWAPPING)),
    ...ONE_COIN,
    state: 'swapping',
    end: ENDS_FAILED,
  },
  {
    id: 'swap-not-booked',
    title: 'after the reply to the swap, before it is booked',
    act: killedAt((ground) => ({
      hold: holdOn(ground, 'update', TOKENS, { skip: 1, thenFails: true }),
      env: SWAPPING,
    })),
    ...ONE_COIN,
    state: 'swapping',
    end: ENDS_FAILED,
  },
  {
    id: 'swapped-request-at-mint',
    title: 'after the swap, when the request is at the mint, which does nothing with it',
    act: killed((ground) => killUnanswered(ground, 'melt', 'before', SWAPPING)),
    ...ONE_COIN,
    state: 'submitting',
    end: ENDS_FAILED,
  },
  {
    id: 'swapped-before-reply',
    title: 'after the swap and the payment, before the reply',
    act: killed((ground) => killUnanswered(ground, 'melt', 'after', SWAPPING)),
    ...ONE_COIN,
    state: 'submitting',
    end: ENDS_PAID,
  },
];

function killCase({ id, title, act, state, end, coins, env }: Kill): FaultCase {
  return {
    id: `process-killed-${id}`,
    group: 'process',
    title: `SIGKILL ${title}`,
    fresh: true,
    ...(coins && { coins }),
    ...(env && { env }),
    ...(act && { act }),
    amount_sat: 700,
    expected: { exit: 'killed', state },
    ...(end === 'again' ? PAYS_AGAIN : { recovery: 'resume', end }),
  };
}

/** SIGKILL at every named point. */
export const KILL_CASES: readonly FaultCase[] = KILLS.map(killCase);
