import { expect } from 'vitest';
import type { FailedOperation, MeltOperation } from '../../src/domain/melt_operation.ts';
import type { MeltRequest } from '../../src/services/melt/types.ts';
import { MELT_OPERATIONS } from '../../src/store/collections.ts';
import type { MeltGround } from './melt_ground.ts';

export { sendLate, swapLate } from '../../src/practice/late_requests.ts';

/**
 * A melt whose request is held up, until the operation is released. The ground needs a quiet period
 * of 1 ms.
 */
export async function releasedMelt(
  { ops, mint, melt }: MeltGround,
  request: MeltRequest,
): Promise<FailedOperation> {
  await mint.control.setFaults([{ endpoint: 'melt', phase: 'before', action: { type: 'drop' } }]);
  const first = await melt(request);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const { operation } = await ops.melt.resume(first.operation._id);
  await mint.control.clearFaults();
  expect(operation.state).toBe('failed');
  return operation as FailedOperation;
}

/** Puts an operation past the five minutes in which the same request is a duplicate anyway. */
export async function makeOld({ ops }: MeltGround, { _id }: MeltOperation, ms = 0): Promise<void> {
  const operations = ops.store.db.collection<{ _id: string }>(MELT_OPERATIONS);
  await operations.updateOne({ _id }, { $set: { created_at: new Date(ms) } });
}
