import { expect } from 'vitest';
import type {
  FailedOperation,
  MeltOperation,
  StoredOutput,
} from '../../src/domain/melt_operation.ts';
import type { MeltRequest } from '../../src/services/melt/types.ts';
import { MELT_OPERATIONS } from '../../src/store/collections.ts';
import type { MeltGround } from './melt_ground.ts';

interface Coin {
  id: string;
  amount: number;
  secret: string;
  C: string;
}

interface StoredMelt {
  quote_id: string;
  inputs: readonly Coin[];
  blanks: readonly StoredOutput[];
}

/** Sends a stored melt past the tool, as a network that held it back would. */
export function sendLate(url: string, { quote_id, inputs, blanks }: StoredMelt): Promise<number> {
  return post(`${url}/v1/melt/bolt11`, {
    quote: quote_id,
    inputs: inputs.map(wireCoin),
    outputs: blanks.map(wireOutput),
  });
}

/** The same for the exchange of coins before a melt. */
export function swapLate(url: string, { swap }: MeltOperation): Promise<number> {
  if (swap === null) throw new Error('the operation has no swap');
  return post(`${url}/v1/swap`, {
    inputs: swap.inputs.map(wireCoin),
    outputs: [...swap.send_outputs, ...swap.keep_outputs].map(wireOutput),
  });
}

function wireCoin({ id, amount, secret, C }: Coin) {
  return { id, amount, secret, C };
}

function wireOutput({ blindedMessage: { amount, ...rest } }: StoredOutput) {
  return { ...rest, amount: Number(amount) };
}

async function post(url: string, body: unknown): Promise<number> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return response.status;
}

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
