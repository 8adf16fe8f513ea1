/** All wallet flows that two mints are compared by. */

import * as coinFlows from './coin_flows.ts';
import * as meltFlows from './melt_flows.ts';
import type { MintUnderTest } from './mint_under_test.ts';
import * as timingFlows from './timing_flows.ts';
import * as wireFlows from './wire_flows.ts';

/** States, sums and refusals as nested plain values. */
export type Outcome = { [key: string]: unknown };

export type Flow = (mint: MintUnderTest) => Promise<Outcome>;

export const FLOWS: Readonly<Record<string, Flow>> = {
  ...coinFlows,
  ...meltFlows,
  ...timingFlows,
  ...wireFlows,
};
