import { afterEach, describe, expect, it } from 'vitest';
import { answerJson, type EdgeServer, startEdgeServer } from '../../test/support/edge_server.ts';
import type { StoredProof } from '../domain/proof.ts';
import { named } from '../domain/proof_y.ts';
import { CashuGateway } from './cashu_gateway.ts';
import { MintHttpError, refusalOf } from './errors.ts';
import { createMintRequest } from './request.ts';

const TIMEOUTS = { request_ms: 5000, melt_ms: 5000 };

let server: EdgeServer | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

/** The error of a real melt request with these coins, to a mint that refuses it in such words. */
async function refusedWith(
  coins: readonly StoredProof[],
  words: (body: string) => string,
): Promise<MintHttpError> {
  server = await startEdgeServer(({ body }, response) =>
    answerJson(response, 400, { detail: words(body), code: 11005 }),
  );
  const gateway = new CashuGateway({ url: server.url, timeouts: TIMEOUTS });
  const melt = { quote_id: 'q', inputs: coins.map(named), blanks: [] };
  return mintError(gateway.completeMelt(melt));
}

async function mintError(asked: Promise<unknown>): Promise<MintHttpError> {
  const error = await asked.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(MintHttpError);
  return error as MintHttpError;
}

function expectNone(error: MintHttpError, secrets: readonly string[]): void {
  const told = [error.message, error.detail, error.stack, JSON.stringify(refusalOf(error))];
  for (const secret of secrets) expect(told.join('\n').toLowerCase()).not.toContain(secret);
}

const nonce = 'b0a1c2d3e4f5061728394a5b6c7d8e9f';
const C = `02${'5c'.repeat(32)}`;
const P2PK = JSON.stringify(['P2PK', { nonce, data: `03${'4d'.repeat(32)}`, tags: [] }]);
const SIGNATURE = '6e'.repeat(30);

/** Coins with the parts that must not be seen, in lower case. */
const COINS: [title: string, coin: Partial<StoredProof>, hidden: string[]][] = [
  ['a secret in base64', { secret: 'q+7/Zk0dPf/1==' }, ['q+7/zk0dpf/1==', 'zk0dpf']],
  ['a secret of 32 hex digits', { secret: nonce }, [nonce]],
  ['a secret of a few letters', { secret: 'hunter2' }, ['hunter2']],
  ['a secret with quotes and accents', { secret: 'é"\\"\n/ü1' }, ['/ü1', 'u00fc1', '/u00fc1']],
  ['a locked coin', { secret: P2PK }, [nonce]],
  ['a signature', { secret: P2PK, witness: `{"signatures":["${SIGNATURE}"]}` }, [SIGNATURE]],
  ['a signature that is no text', { witness: { signatures: [SIGNATURE] } }, [SIGNATURE]],
  ['a short C', { C: '02abcdef' }, ['02abcdef']],
];

/** What mints make of a request in their words. */
const ECHOES: [title: string, words: (body: string) => string][] = [
  ['as it came', (body) => body],
  ['as JSON in JSON', (body) => JSON.stringify({ body })],
  ['as JSON in JSON in JSON', (body) => JSON.stringify(JSON.stringify({ body }))],
  ['with slashes escaped', (body) => body.replaceAll('/', '\\/')],
  ['in ASCII only', (body) => body.replaceAll('é', '\\u00e9').replaceAll('ü', '\\u00FC')],
  ['in capitals', (body) => body.toUpperCase()],
];

describe('a mint that repeats the request', () => {
  for (const [title, part, hidden] of COINS) {
    it.each(ECHOES)(`tells nobody ${title}, %s`, async (_, words) => {
      const coin = { id: '00', amount: 1, secret: 'none of the others', C, ...part };
      // The coins stand at the beginning: what is not shown at all proves nothing.
      const inputs = (body: string) => body.slice(body.indexOf('"secret"'));
      const error = await refusedWith([coin], (body) => words(inputs(body)));
      expect(error.message).toContain('[removed]');
      expectNone(error, hidden);
    });
  }

  it.each([
    ['secret', P2PK],
    ['nonce', nonce],
    ['signature', SIGNATURE],
    ['C', C],
  ])('names a %s, and the rest of its words stays', async (_, named) => {
    const witness = JSON.stringify({ signatures: [SIGNATURE] });
    const coin = { id: '00', amount: 1, secret: P2PK, C, witness };
    const error = await refusedWith([coin], () => `proof ${named} is not known`);
    expect(error.message).toBe('proof [removed] is not known (code 11005)');
  });

  it('and one secret begins another: nothing of the longer one stays', async () => {
    const coins = ['abcd', 'abcd-efgh', 'abc'].map((secret) => ({
      id: '00',
      amount: 1,
      secret,
      C,
    }));
    const error = await refusedWith(coins, () => 'abcd-efgh abcd abc');
    expect(error.detail).toBe('[removed] [removed] [removed]');
  });

  it('at a length that nobody reads: not even half a secret comes through', async () => {
    const secret = 'z'.repeat(50_000);
    const coin = { id: '00', amount: 1, secret, C };
    const error = await refusedWith([coin], () => `${secret}${secret}`);
    expect(error.detail).not.toContain('z');
  });

  it('in other words than the request: they stay as they are', async () => {
    const words = 'quote "q" of C:\\mint is unknown';
    const coin = { id: '00', amount: 1, secret: nonce, C };
    expect((await refusedWith([coin], () => words)).detail).toBe(words);
  });

  it('with the blinding factor of a proof, in any request', async () => {
    const r = 'a1b2c3d4e5f60718';
    server = await startEdgeServer(({ body }, response) =>
      answerJson(response, 400, { detail: body }),
    );
    const request = createMintRequest({ timeouts: TIMEOUTS });
    const requestBody = { inputs: [{ id: '00', dleq: { e: 'e', s: 's', r } }] };
    const endpoint = `${server.url}/v1/swap`;
    const error = await mintError(request({ endpoint, method: 'POST', requestBody }));
    expect(error.detail).toBe('{"inputs":[{"id":"00","dleq":{"e":"e","s":"s","r":"[removed]"}}]}');
  });
});
