import type { FaultRule } from '../../../src/practice/fault_proxy/index.ts';
import { until } from '../../melt/kill_points.ts';
import type { CliResult } from '../../support/run_cli.ts';
import type { CaseGround } from '../support/case_ground.ts';
import type { End, Ending, FaultCase } from '../support/fault_case.ts';

type Endpoint = FaultRule['endpoint'];
type Action = FaultRule['action'];

export const before = (endpoint: Endpoint, action: Action, more = {}): FaultRule => ({
  endpoint,
  phase: 'before',
  action,
  ...more,
});
export const after = (endpoint: Endpoint, action: Action, more = {}): FaultRule => ({
  endpoint,
  phase: 'after',
  action,
  ...more,
});
/** Until it is taken away. */
export const FOR_EVER = { times: 0 };

export const DROP = { type: 'drop' } as const;
export const STALL = { type: 'stall' } as const;

/** The mint never gets the melt request. */
export const REQUEST_LOST = before('melt', DROP);
/** The mint pays, and its answer is lost. */
export const ANSWER_LOST = after('melt', DROP);
/** The mint does not say how the quote stands. */
export const QUOTE_SILENT = before('melt_quote_state', DROP, FOR_EVER);

/** A protocol error in the place of an answer. */
export const refusal = (code: number, detail = 'no'): Action => ({
  type: 'status',
  status: 400,
  body: { code, detail },
});

/** Sets faults of the proxy. */
export const faults =
  (...rules: FaultRule[]) =>
  async (ground: CaseGround): Promise<void> =>
    ground.fault(...rules);

/** Paid, although something broke: nothing is left to do. */
export const PAID_NOW: Ending = {
  exit: 0,
  state: 'paid',
  says: /Paid [\d,]+ sat for \d+ sat in fees/,
};
export const pending = (says: RegExp, state: Ending['state'] = 'pending'): Ending => ({
  exit: 22,
  state,
  says,
});
export const refused = (says: RegExp, state: Ending['state'] = 'none'): Ending => ({
  exit: 21,
  state,
  says,
});
export const unreachable = (says: RegExp): Ending => ({ exit: 25, state: 'none', says });

export const ENDS_PAID: End = { exit: 0, state: 'paid', payments: 1 };
export const ENDS_FAILED: End = { exit: 21, state: 'failed', payments: 0 };

/** What follows a case that ended paid at once. */
export const NOTHING_LEFT = { recovery: 'nothing', end: ENDS_PAID } as const;
export const RESUME_TO_PAID = { recovery: 'resume', end: ENDS_PAID } as const;
export const RESUME_TO_FAILED = { recovery: 'resume', end: ENDS_FAILED } as const;
/** Nothing was left behind, so that the same command pays. */
export const PAYS_AGAIN = { recovery: 'again', end: ENDS_PAID } as const;
/** It has failed for certain, and its coins are free. */
export const STAYS_FAILED = { recovery: 'nothing', end: ENDS_FAILED } as const;

/** How payments of the case's invoice end. */
export const lightning =
  (behaviour: Parameters<CaseGround['mint']['control']['setPaymentBehaviour']>[1]) =>
  ({ mint, invoice }: CaseGround): Promise<void> =>
    mint.control.setPaymentBehaviour(invoice.payment_hash, behaviour);

/** Ends the payment that is under way. */
export const lightningEnds =
  (outcome: 'succeed' | 'fail') =>
  ({ mint, invoice }: CaseGround): Promise<void> =>
    mint.control.resolvePayment(invoice.payment_hash, outcome);

/** Pays another invoice of the same wallet: the coins that came back are good. */
export async function paysAnother(ground: CaseGround, amountSat = 20): Promise<void> {
  const { invoice } = await ground.request(amountSat);
  mustPay(await ground.pay({}, invoice));
}

export function mustPay(result: CliResult): CliResult {
  if (result.code === 0) return result;
  throw new Error(`it does not pay: exit ${result.code}\n${result.stdout}\n${result.stderr}`);
}

/** Every case twice or more, with what differs. */
export function each<T>(values: readonly T[], make: (value: T) => FaultCase): FaultCase[] {
  return values.map(make);
}

/** Waits until the mint has paid the invoice of the case. */
export const paidAtTheMint = ({ mint, invoice }: CaseGround) =>
  until(async () => (await mint.control.paymentCount(invoice.payment_hash)) > 0, {
    what: 'the payment',
  });
