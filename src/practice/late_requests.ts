import type { MeltOperation, StoredOutput } from '../domain/melt_operation.ts';

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

/**
 * Sends a stored melt past the tool, as a network that held it back would.
 *
 * @returns the status of the answer
 */
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
