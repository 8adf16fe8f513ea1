import type { Observation, OpenOperation } from '../../domain/melt_operation.ts';
import type { MintState, NamedProof } from '../../domain/proof.ts';
import type { MintGateway, QuoteReading } from '../../mint/gateway.ts';

/** One look at the mint: what the decision stands on, and the reply it came from. */
export interface Look {
  observation: Observation;
  reading: QuoteReading;
}

/**
 * Reads the quote and the states of the inputs, side by side. Whatever does not answer is UNKNOWN;
 * this never throws for a mint that is down.
 */
export async function lookAtMint(
  mint: MintGateway,
  operation: Pick<OpenOperation, 'quote_id' | 'inputs'>,
  now: Date,
): Promise<Look> {
  const ys = operation.inputs.map((input) => input.Y);
  const [reading, states] = await Promise.all([
    mint.readMeltQuote(operation.quote_id),
    mint.checkStates(ys).catch(() => new Map<string, MintState>()),
  ]);
  return { reading, observation: observe(reading, operation.inputs, states, now) };
}

function observe(
  reading: QuoteReading,
  inputs: readonly NamedProof[],
  states: ReadonlyMap<string, MintState>,
  at: Date,
): Observation {
  const counts = { unspent: 0, pending: 0, spent: 0, unknown: 0 };
  for (const { Y } of inputs) counts[countOf(states.get(Y))] += 1;
  return {
    at,
    quote: reading.state,
    preimage_shown: reading.preimage !== null && !/^0*$/.test(reading.preimage),
    inputs: counts,
  };
}

function countOf(state: MintState | undefined): keyof Observation['inputs'] {
  switch (state) {
    case 'UNSPENT':
      return 'unspent';
    case 'PENDING':
      return 'pending';
    case 'SPENT':
      return 'spent';
    case undefined:
      return 'unknown';
  }
}
