/** The shape of the answers themselves: which fields are there, before any library reads them. */

import { JSONInt } from '@cashu/cashu-ts';
import { z } from 'zod';
import { fund, meltRequest, openWallet, outputsFor, prepareMelt } from './flow_steps.ts';
import type { MintUnderTest } from './mint_under_test.ts';

const json = z.record(z.string(), z.unknown());

/** Every kind of answer by its status and the type of each field, arrays by their first item. */
export async function wireShapes(mint: MintUnderTest) {
  const { invoice } = await mint.makeInvoice({ amountSat: 20, outcome: 'paid' });
  const wallet = await openWallet(mint);
  const inputs = await fund(mint, wallet, 64);
  const melt = await prepareMelt(wallet, invoice, inputs);
  const meltQuote = `/v1/melt/quote/bolt11/${melt.quote.quote}`;
  const get = (path: string) => shapeOf(mint, path);
  const post = (path: string, body: object) => shapeOf(mint, path, body);
  const outputs = outputsFor(wallet, 1).map((output) => output.blindedMessage);
  return {
    keysets: await get('/v1/keysets'),
    mint_quote: await post('/v1/mint/quote/bolt11', { amount: 8, unit: 'sat' }),
    melt_quote: await post('/v1/melt/quote/bolt11', { request: invoice, unit: 'sat' }),
    melt_quote_unpaid: await get(meltQuote),
    melt: await post('/v1/melt/bolt11', meltRequest(melt)),
    melt_quote_paid: await get(meltQuote),
    checkstate: await post('/v1/checkstate', { Ys: [`02${'11'.repeat(32)}`] }),
    restore: await post('/v1/restore', {
      outputs: melt.outputData.map((output) => output.blindedMessage),
    }),
    restore_nothing: await post('/v1/restore', { outputs }),
    refusal: await post('/v1/melt/bolt11', meltRequest(melt)),
    no_such_path: (await fetch(`${mint.url}/v1/nothing`)).status,
  };
}

type Shape = { [field: string]: string | number };

async function shapeOf(mint: MintUnderTest, path: string, body?: object): Promise<Shape> {
  const response = await fetch(`${mint.url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'content-type': 'application/json' },
    body: body === undefined ? null : (JSONInt.stringify(body) ?? null),
  });
  const answer = json.parse(await response.json());
  return { status: response.status, ...Object.fromEntries(fieldsOf('', answer)) };
}

function fieldsOf(path: string, value: unknown): [field: string, type: string][] {
  if (Array.isArray(value)) {
    return value.length === 0 ? [[path, 'empty array']] : fieldsOf(`${path}[]`, value[0]);
  }
  if (typeof value !== 'object' || value === null) {
    return [[path, value === null ? 'null' : typeof value]];
  }
  const prefix = path === '' ? '' : `${path}.`;
  return Object.entries(value).flatMap(([key, item]) => fieldsOf(`${prefix}${key}`, item));
}
