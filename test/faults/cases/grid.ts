import type { FaultRule } from '../../../src/practice/fault_proxy/index.ts';
import type { CaseGround } from '../support/case_ground.ts';
import type { Ending, FaultCase } from '../support/fault_case.ts';
import {
  ANSWER_LOST,
  after,
  DROP,
  ENDS_FAILED,
  ENDS_PAID,
  FOR_EVER,
  mustPay,
  PAID_NOW,
  pending,
  STALL,
  unreachable,
} from './common.ts';

/*
 * Every endpoint that a payment uses, broken in every way, before the mint does anything and after
 * it has done everything. Each fault lasts until it is taken away.
 */

type Fault =
  | 'drop'
  | 'delay'
  | 'stall'
  | 'status'
  | 'truncate'
  | 'not_json'
  | 'stale'
  | 'duplicate';
type Phase = FaultRule['phase'];

const ACTIONS: Record<Fault, FaultRule['action']> = {
  drop: DROP,
  delay: { type: 'delay', ms: 300 },
  stall: STALL,
  status: { type: 'status', status: 500, body: 'oops' },
  truncate: { type: 'truncate' },
  not_json: { type: 'not_json' },
  stale: { type: 'stale' },
  duplicate: { type: 'duplicate' },
};

const WORDS: Record<Fault, string> = {
  drop: 'cut off',
  delay: 'late',
  stall: 'never answered',
  status: 'answered 500',
  truncate: 'cut in its middle',
  not_json: 'answered with a page',
  stale: 'answered as the time before',
  duplicate: 'delivered twice',
};

const FAULTS: Record<Phase, readonly Fault[]> = {
  before: ['drop', 'delay', 'stall', 'status', 'not_json', 'stale', 'duplicate'],
  after: ['drop', 'delay', 'stall', 'status', 'truncate', 'not_json', 'stale'],
};

/** What a payment makes of a fault. */
type Course = Pick<FaultCase, 'expected' | 'recovery' | 'end'>;

const PAYS: Course = { expected: PAID_NOW, recovery: 'nothing', end: ENDS_PAID };
const NOTHING_WRITTEN: Course = {
  expected: unreachable(/MINT_(UNREACHABLE|ANSWER_INVALID)/),
  recovery: 'again',
  end: ENDS_PAID,
};
const waits = (expected: Ending): Course => ({ expected, recovery: 'resume', end: ENDS_PAID });
const waitsInVain = (expected: Ending): Course => ({
  expected,
  recovery: 'resume',
  end: ENDS_FAILED,
});

/** One place where a payment needs the mint. */
interface Place {
  id: string;
  title: string;
  endpoint: FaultRule['endpoint'];
  /** From which request on. */
  occurrence?: number;
  /** What else must break, so that the payment comes to this place. */
  also?: readonly FaultRule[];
  coins?: readonly number[];
  env?: Record<string, string>;
  /** Makes the mint answer here once, about something else. */
  prime?: (ground: CaseGround) => Promise<unknown>;
  course(fault: Fault, phase: Phase): Course;
}

const HARMLESS: readonly Fault[] = ['delay', 'duplicate'];

/** Questions before anything is written down; the mint's keys are the same every time. */
const early =
  (staleIsHarmless: boolean) =>
  (fault: Fault): Course => {
    if (HARMLESS.includes(fault)) return PAYS;
    return fault === 'stale' && staleIsHarmless ? PAYS : NOTHING_WRITTEN;
  };

const SILENT = pending(/the mint does not answer/);
const NOT_KNOWN = pending(/it is not known whether the request reached the mint/);

const throughProxy = ({ proxy }: CaseGround, path: string, body: unknown) =>
  fetch(`${proxy.url}${path}`, { method: 'POST', body: JSON.stringify(body) });

/** A quote of the same amount for another invoice: whoever takes it pays the wrong one. */
async function quotedAnother(ground: CaseGround): Promise<void> {
  const { invoice } = await ground.request(300);
  await throughProxy(ground, '/v1/melt/quote/bolt11', { request: invoice.bolt11, unit: 'sat' });
}

const checkedAnother = (ground: CaseGround) =>
  throughProxy(ground, '/v1/checkstate', { Ys: [`02${'ab'.repeat(32)}`] });

async function paidAnother(ground: CaseGround): Promise<void> {
  const { invoice } = await ground.request(20);
  mustPay(await ground.pay({}, invoice));
}

/** A payment whose change was asked for again. */
async function restoredAnother(ground: CaseGround): Promise<void> {
  ground.fault(...WITHOUT_CHANGE);
  await paidAnother(ground);
}

const WITHOUT_CHANGE = [
  ANSWER_LOST,
  after('melt_quote_state', { type: 'change_missing' }, FOR_EVER),
];

/** After a swap there are enough coins for another one. */
const SWAPPING = { CASHU_OPS_SWAP: 'always' };

const PLACES: readonly Place[] = [
  { id: 'info', title: "the mint's info", endpoint: 'info', course: early(true) },
  { id: 'keysets', title: "the mint's keysets", endpoint: 'keysets', course: early(true) },
  { id: 'keys', title: "the mint's keys", endpoint: 'keys', course: early(true) },
  {
    id: 'quote',
    title: 'the quote',
    endpoint: 'melt_quote',
    prime: quotedAnother,
    course: early(false),
  },
  {
    id: 'preflight',
    title: 'checkstate of the pre-flight',
    endpoint: 'checkstate',
    prime: checkedAnother,
    course: early(false),
  },
  {
    id: 'melt',
    title: 'the melt',
    endpoint: 'melt',
    prime: paidAnother,
    course: (fault, phase) =>
      phase === 'after' || HARMLESS.includes(fault) ? PAYS : waitsInVain(NOT_KNOWN),
  },
  {
    id: 'swap',
    title: 'the swap before the melt',
    endpoint: 'swap',
    coins: [1024, 1024],
    env: SWAPPING,
    prime: paidAnother,
    course: (fault, phase) =>
      phase === 'after' || HARMLESS.includes(fault)
        ? PAYS
        : waitsInVain(pending(/the payment is under way/, 'swapping')),
  },
  {
    id: 'quote-state',
    title: 'the look at the quote, the answer to the melt being lost',
    endpoint: 'melt_quote_state',
    also: [ANSWER_LOST],
    course: (fault) => ([...HARMLESS, 'stale'].includes(fault) ? PAYS : waits(SILENT)),
  },
  {
    id: 'look',
    title: 'checkstate of the look, the answer to the melt being lost',
    endpoint: 'checkstate',
    occurrence: 2,
    also: [ANSWER_LOST],
    course: (fault) => {
      if (HARMLESS.includes(fault)) return PAYS;
      return waits(fault === 'stale' ? pending(/has not booked the coins yet/) : SILENT);
    },
  },
  {
    id: 'restore',
    title: 'restore, the answer being lost and the quote without change',
    endpoint: 'restore',
    // Nothing is over beyond the reserve: change that is missing looks like a fee.
    coins: [256, 32, 16, 16, 4, 2],
    also: WITHOUT_CHANGE,
    prime: restoredAnother,
    course: (fault, phase) =>
      // It is asked twice, and the mint's own answer is the one before by then.
      HARMLESS.includes(fault) || (fault === 'stale' && phase === 'after')
        ? PAYS
        : waits(pending(/paid, but the mint does not say what change it gave/)),
  },
];

function caseOf(place: Place, phase: Phase, fault: Fault): FaultCase {
  const { endpoint, occurrence = 1, also = [], prime, coins, env } = place;
  const rule = { endpoint, phase, occurrence, ...FOR_EVER, action: ACTIONS[fault] };
  const moment = phase === 'before' ? 'before the mint gets it' : 'after the mint has done it';
  return {
    id: `grid-${place.id}-${phase}-${fault}`,
    group: 'grid',
    title: `${place.title} is ${WORDS[fault]}, ${moment}`,
    ...(coins && { coins }),
    ...(env && { env }),
    given: async (ground) => {
      if (fault === 'stale') await prime?.(ground);
      ground.fault(...also, rule);
    },
    ...place.course(fault, phase),
  };
}

/** Once, for what the next attempt may get through: nobody notices. */
const ONCE: Readonly<Record<string, FaultRule['action']>> = {
  drop: DROP,
  429: { type: 'status', status: 429, headers: { 'retry-after': '1' } },
  503: { type: 'status', status: 503, body: 'in a moment' },
};

/** Requests that move nothing are tried again; a quote only where the mint has not looked at it. */
const TRIED_AGAIN = PLACES.filter(({ id }) => id !== 'melt' && id !== 'swap');

const ONCE_CASES: readonly FaultCase[] = TRIED_AGAIN.flatMap((place) =>
  Object.entries(ONCE).map(([name, action]): FaultCase => {
    const { endpoint, occurrence = 1, also = [], coins } = place;
    const isSeen = place.id === 'quote' && name === 'drop';
    return {
      id: `grid-${place.id}-once-${name}`,
      group: 'grid',
      title: `${place.title} is ${name === 'drop' ? 'cut off' : `answered ${name}`}, once`,
      ...(coins && { coins }),
      given: async (ground) =>
        ground.fault(...also, { endpoint, phase: 'before', occurrence, action }),
      ...(isSeen ? NOTHING_WRITTEN : PAYS),
    };
  }),
);

const EVERY_CASE: readonly FaultCase[] = PLACES.flatMap((place) =>
  (['before', 'after'] as const).flatMap((phase) =>
    FAULTS[phase].map((fault) => caseOf(place, phase, fault)),
  ),
);

/** The grid. */
export const GRID_CASES: readonly FaultCase[] = [...EVERY_CASE, ...ONCE_CASES];
