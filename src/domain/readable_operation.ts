import { z } from 'zod';
import { CashuOpsError } from './errors.ts';
import { type MeltOperation, OPEN_STATES } from './melt_operation.ts';
import { printable } from './printable.ts';

const sat = z.int().nonnegative();
const coin = z.object({ secret: z.string(), amount: sat, Y: z.string() });
const output = z.object({ secret: z.string(), blindedMessage: z.object({}) });
const text = z.string();
const swap = z.object({
  ...{ inputs: z.array(coin), fee: sat },
  ...{ send_outputs: z.array(output), keep_outputs: z.array(output) },
});
const always = {
  ...{ inputs: z.array(coin), blanks: z.array(output), swap: swap.nullable() },
  ...{ amount: sat, fee_reserve: sat, input_fee: sat },
  ...{ transaction_id: text, payment_hash: text, quote_id: text },
  ...{ created_at: z.date(), updated_at: z.date() },
  source_token_ids: z.array(text.regex(/^[0-9a-f]{24}$/)),
};

/** What whoever reads an operation takes for granted: this tool writes no other. */
const OPERATION = z.discriminatedUnion('state', [
  z.object({ state: z.enum(['paid', 'paid_again']), ...always, lightning_fee: sat }),
  z.object({ state: z.enum([...OPEN_STATES, 'failed']), ...always }),
]);

/** Whether an operation can be read; one that somebody has changed by hand may hold anything. */
export function isReadable(operation: MeltOperation): boolean {
  return OPERATION.safeParse(operation).success;
}

/** @throws CashuOpsError OPERATION_DAMAGED for one that cannot be read */
export function assertReadable(operation: MeltOperation): void {
  const field = OPERATION.safeParse(operation).error?.issues[0]?.path.join('.');
  if (field === undefined) return;
  const operation_id = printable(String(operation._id), 100);
  throw new CashuOpsError(
    'OPERATION_DAMAGED',
    `Operation ${operation_id} cannot be read: its "${field}" is not what this tool writes, so it was changed past this tool. Nothing can be said of its money; see what else was changed.`,
    { operation_id, next_command: 'cashu-ops audit verify' },
  );
}
