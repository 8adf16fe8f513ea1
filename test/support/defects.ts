import { vi } from 'vitest';
import type { MeltOperation } from '../../src/domain/melt_operation.ts';
import type { FaultRule } from '../../src/practice/mint/client.ts';
import { onlyOperation, operationsOf } from './melt_cli.ts';
import type { MeltGround } from './melt_ground.ts';

/** One fault of the mint; `times` 0 is for every request from now on. */
export const fault = (
  endpoint: FaultRule['endpoint'],
  phase: FaultRule['phase'],
  action: FaultRule['action'],
  times = 1,
): FaultRule => ({ endpoint, phase, action, times });

/** The server's hash of the tokens: equal hashes are equal contents. */
export const hashOfTokens = async ({ ops }: MeltGround): Promise<string> =>
  (await ops.store.db.command({ dbHash: 1 })).collections.cashu_tokens;

/** Waits until the raw database shows the only operation in this state. */
export async function inState(
  ground: MeltGround,
  state: MeltOperation['state'],
): Promise<MeltOperation> {
  const seen = async () => (await operationsOf(ground)).some((found) => found.state === state);
  await vi.waitUntil(seen, { timeout: 10_000, interval: 5 });
  return onlyOperation(ground);
}
