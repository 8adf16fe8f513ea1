import fc from 'fast-check';
import { arbitraryStep, INVOICES } from './arbitrary_steps.ts';
import type { Program } from './program.ts';

const STEPS_MAX = 6;
const coinAmount = fc.nat({ max: 10 }).map((exponent) => 2 ** exponent);

/** Everything that one run may do. */
export const arbitraryProgram: fc.Arbitrary<Program> = fc.record({
  careless_mint: fc.boolean(),
  replays: fc.oneof(
    { weight: 3, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  ),
  tokens: fc.array(fc.array(coinAmount, { minLength: 3, maxLength: 8 }), {
    minLength: 2,
    maxLength: 4,
  }),
  invoices: fc.array(
    fc.record({
      amount_sat: fc.integer({ min: 1, max: 600 }),
      at_last: fc.constantFrom('succeed' as const, 'fail'),
    }),
    { minLength: INVOICES, maxLength: INVOICES },
  ),
  steps: fc.array(arbitraryStep, { minLength: 3, maxLength: STEPS_MAX }),
  // Of a backup that is taken after the last step nothing is lost.
  restored_to: fc.oneof(
    { weight: 5, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.nat({ max: STEPS_MAX - 2 }) },
  ),
});
