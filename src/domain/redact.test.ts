import { glob, readFile } from 'node:fs/promises';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { redact, secretLikeIn } from './redact.ts';

const CANARY = 'c0ffee'.repeat(11).slice(0, 64);
const POINT = `02${CANARY}`;
const WORDS =
  'abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about';

/** As a spending condition writes its secret: JSON inside a string (NUT-10). */
const NUT10 = JSON.stringify(['P2PK', { nonce: CANARY, data: POINT, tags: [] }]);
const PROOF = { id: '009a1f293253e41e', amount: 8, secret: NUT10, C: POINT };

/** The texts in quotes of a file; a comment has none. */
async function textsIn(file: string): Promise<string[]> {
  const code = (await readFile(file, 'utf8')).replaceAll(/^\s*(?:\/?\*|\/\/).*$/gm, '');
  return [...code.matchAll(/'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`/g)].map(
    ([, plain, template]) => plain ?? template ?? '',
  );
}

describe('redact hides', () => {
  test.each([
    ['a database password', 'mongodb://ops:hunter2@db.example:27017/cashu', 'hunter2'],
    ['one with @ and / in it', 'mongodb+srv://ops:hunter2@x/y@db.example/cashu', 'hunter2'],
    ['several addresses', 'mongodb://a:hunter2@h1 and https://b:hunter2@h2', 'hunter2'],
    ['a session token', 'authMechanismProperties=AWS_SESSION_TOKEN:hunter2&x=1', 'hunter2'],
    ['a bearer token', 'Authorization: Bearer hunter2hunter2', 'hunter2'],
    ['a password after a colon', 'password: hunter2, user: ops', 'hunter2'],
    ['a quoted password', `{ password: 'hunter2 and more' }`, 'hunter2'],
    ['an ecash token', `got cashuB${CANARY} from`, CANARY],
    ['an old ecash token', `cashu:cashuA${CANARY}==`, CANARY],
    ['a blind auth token', `authA${CANARY}`, CANARY],
    [
      'a nostr secret key',
      'key nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5',
      'vl029',
    ],
    [
      'an encrypted one',
      'ncryptsec1qgg9947rlpvqu76pj5ecreduf9jxhselq2nae2kghhvd5g7dgjtcxfqtd67p9m0w57lspw8gsq6yphnm8623nsl8xn9j4jdzz84zm3frztj3z7s35vpzmqf6ksu8r89qk5z2zxfmu5gv8th8wclt0h4p',
      'qgg99',
    ],
    [
      'an extended private key',
      'xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi',
      '9s21',
    ],
    ['a preimage', `preimage: ${CANARY}`, CANARY],
    ['a preimage in a sentence', `the payment_preimage is ${CANARY}.`, CANARY],
    ['a private key', `p2pk_privkey=${CANARY}`, CANARY],
    ['a private key in camel case', `p2pkPrivkey: "${CANARY}"`, CANARY],
    ['a blinding factor', `{"blindingFactor":"123456789012345"}`, '123456789'],
    ['C', `C = ${POINT}`, CANARY],
    ['C in JSON', `{"C":"${POINT}"}`, CANARY],
    ['r of a DLEQ proof', `"r":"${CANARY}"`, CANARY],
    ['a proof', JSON.stringify(PROOF), CANARY],
    ['a proof as Node prints it', inspect({ proofs: [PROOF] }, { depth: 5 }), CANARY],
    ['a proof in JSON in JSON', JSON.stringify({ body: JSON.stringify(PROOF) }), CANARY],
    ['a proof three deep', JSON.stringify([JSON.stringify([JSON.stringify(PROOF)])]), CANARY],
    ['a secret that was cut off', JSON.stringify(PROOF).slice(0, 140), CANARY.slice(0, 20)],
    ['a seed phrase', `mnemonic: ${WORDS}`, 'abandon'],
    ['a quoted seed phrase', `bad phrase "${WORDS}" given`, 'abandon'],
    ['a seed phrase on a line', `first\n${WORDS}\nlast`, 'abandon'],
    ['a seed phrase in a sentence', `the words are ${WORDS} and no other`, 'abandon'],
    ['a long seed phrase', `"${WORDS.replace('about', WORDS)}"`, 'abandon'],
    [
      'another',
      'legal winner thank year wave sausage worth useful legal winner thank yellow',
      'sausage',
    ],
  ])('%s', (_name, text, secret) => {
    expect(text).toContain(secret);
    expect(redact(text)).not.toContain(secret);
    expect(redact(text)).toContain('[hidden]');
  });

  test('any password in an address', () => {
    const password = fc.stringMatching(/^[A-Za-z0-9@/:?#%&=_-]{6,40}$/);
    fc.assert(
      fc.property(password, (word) => {
        expect(redact(`failed: mongodb://ops:${word}@db.example/cashu (timeout)`)).toBe(
          'failed: mongodb://ops:[hidden]@db.example/cashu (timeout)',
        );
      }),
    );
  });

  test('secrets in a stack', () => {
    const error = new Error(`cannot connect to mongodb://ops:hunter2@db.example`);
    expect(redact(error.stack ?? '')).not.toContain('hunter2');
    expect(redact(error.stack ?? '')).toContain('redact.test.ts');
  });
});

describe('redact leaves', () => {
  test.each([
    'The mint https://mint.example:3338/Bitcoin did not answer within 30 s.',
    `payment_hash: ${CANARY}, Y: ${POINT}, quote 0196f6f0-0000-7000-8000-000000000000`,
    'mongodb://db.example:27017/cashu?replicaSet=rs0',
    'npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg',
    'The secret of a proof is never printed, so ask the mint about its Y instead.',
    'Run "cashu-ops reconcile --all --apply" and look at the findings that remain.',
    'the lnbc invoice is for signet, but this installation pays on mainnet',
    '',
  ])('%j', (text) => {
    expect(redact(text)).toBe(text);
  });

  test('every sentence of this program', async () => {
    const sentences: string[] = [];
    for await (const file of glob('src/**/*.ts', { exclude: ['**/*.test.ts'] })) {
      sentences.push(...(await textsIn(file)));
    }
    expect(sentences.length).toBeGreaterThan(3000);
    expect(sentences).toContain(
      'the mint shows the coins unspent and the quote unpaid for the whole quiet period',
    );
    expect(sentences.filter((text) => redact(text) !== text)).toEqual([]);
  });

  test('nothing of which it says that it looks like a secret', () => {
    expect(secretLikeIn(`note: ${WORDS}`)).toBe('twelve or more plain words');
    expect(secretLikeIn('password: [hidden]')).toBeNull();
  });

  test('what it made', () => {
    const text = `mongodb://a:hunter2@h password: x preimage ${CANARY} ${JSON.stringify(PROOF)}`;
    expect(redact(redact(text))).toBe(redact(text));
  });
});

test.each(['a', '://a:', 'secret:"', '\\"secret\\":', 'password ', 'abcd ', 'cashuA', 'C '])(
  'stays fast on a long text of %j',
  (part) => {
    const text = part.repeat(Math.ceil(200_000 / part.length));
    const before = performance.now();
    redact(text);
    expect(performance.now() - before).toBeLessThan(3000);
  },
);
