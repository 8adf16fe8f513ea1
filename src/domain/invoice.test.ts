import { createHash } from 'node:crypto';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bech32, hex } from '@scure/base';
import bolt11 from 'bolt11';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CashuOpsError } from './errors.ts';
import type { Invoice } from './invoice.ts';
import { assertPayable, parseInvoice } from './invoice.ts';
import type { Network } from './network.ts';

/** Key and hash of the examples in BOLT11. */
const SPEC_KEY = 'e126f68f7eafcc8b74f54d269fe206be715000f94dac067d1c04a8ca3b2db734';
const SPEC_PAYEE = '03e7156ae33b0a208d0744199163177e909e80176e55d97a2f221ede0f934dd9ad';
const SPEC_HASH = '0001020304050607080900010203040506070809000102030405060708090102';

const HASH_FIELD = 'pp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypq';
const LIST_HASH_FIELD = 'hp58yjmdan79s6qqdhdzgynm4zwqd5d7xmw5fk98klysy043l2ahrqs';
const COFFEE = `lnbc2500u1pvjluez${HASH_FIELD}dq5xysxxatsyp3k7enxv4jsxqzpuaztrnwngzn3kdzw5hydlzf03qdgm2hdq27cqv3agm2awhz5se903vruatfhq77w3ls4evs3ch9zw97j25emudupq63nyw24cg27h2rspfj9srp`;
const BEANS = `lnbc25m1pvjluez${HASH_FIELD}dq5vdhkven9v5sxyetpdeessp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygs9q5sqqqqqqqqqqqqqqqpqsq67gye39hfg3zd8rgc80k32tvy9xk2xunwm5lzexnvpx6fd77en8qaq424dxgt56cag2dpt359k3ssyhetktkpqh24jqnjyw6uqd08sgptq44qu`;
const NONSENSE = `lnbc2500u1pvjluez${HASH_FIELD}dpquwpc4curk03c9wlrswe78q4eyqc7d8d0xqzpuyk0sg5g70me25alkluzd2x62aysf2pyy8edtjeevuv4p2d5p76r4zkmneet7uvyakky2zr4cusd45tftc9c5fh0nnqpnl2jfll544esqchsrny`;

/** Valid examples of BOLT11, "Examples". */
const SPEC_VALID: Array<[string, string, Partial<Invoice>]> = [
  [
    'any amount',
    `lnbc1pvjluez${HASH_FIELD}dpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae8g6twvus8g6rfwvs8qun0dfjkxaq8rkx3yf5tcsyz3d73gafnh3cax9rn449d9p5uxz9ezhhypd0elx87sjle52x86fux2ypatgddc6k63n7erqz25le42c4u4ecky03ylcqca784w`,
    {
      network: 'mainnet',
      amount_msat: null,
      amount_sat: null,
      description: 'Please consider supporting this project',
      description_hash: null,
      created_at: new Date(1_496_314_658_000),
      expires_at: new Date(1_496_318_258_000),
    },
  ],
  [
    'one minute',
    COFFEE,
    {
      amount_msat: 250_000_000n,
      amount_sat: 250_000,
      description: '1 cup coffee',
      expires_at: new Date(1_496_314_718_000),
    },
  ],
  ['text beyond ASCII', NONSENSE, { description: 'ナンセンス 1杯' }],
  [
    'hashed description',
    `lnbc20m1pvjluez${HASH_FIELD}${LIST_HASH_FIELD}cc6gd6ql3jrc5yzme8v4ntcewwz5cnw92tz0pc8qcuufvq7khhr8wpald05e92xw006sq94mg8v2ndf4sefvf9sygkshp5zfem29trqq2yxxz7`,
    {
      amount_sat: 2_000_000,
      description: null,
      description_hash: '3925b6f67e2c340036ed12093dd44e0368df1b6ea26c53dbe4811f58fd5db8c1',
    },
  ],
  [
    'testnet with fallback address',
    `lntb20m1pvjluez${LIST_HASH_FIELD}${HASH_FIELD}fpp3x9et2e20v6pu37c5d9vax37wxq72un98kmzzhznpurw9sgl2v0nklu2g4d0keph5t7tj9tcqd8rexnd07ux4uv2cjvcqwaxgj7v4uwn5wmypjd5n69z2xm3xgksg28nwht7f6zspwp3f9t`,
    { network: 'testnet', amount_sat: 2_000_000 },
  ],
  [
    'route hints',
    `lnbc20m1pvjluez${HASH_FIELD}${LIST_HASH_FIELD}fpp3qjmp7lwpagxun9pygexvgpjdc4jdj85fr9yq20q82gphp2nflc7jtzrcazrra7wwgzxqc8u7754cdlpfrmccae92qgzqvzq2ps8pqqqqqqpqqqqq9qqqvpeuqafqxu92d8lr6fvg0r5gv0heeeqgcrqlnm6jhphu9y00rrhy4grqszsvpcgpy9qqqqqqgqqqqq7qqzqj9n4evl6mr5aj9f58zp6fyjzup6ywn3x6sk8akg5v4tgn2q8g4fhx05wf6juaxu9760yp46454gpg5mtzgerlzezqcqvjnhjh8z3g2qqdhhwkj`,
    { amount_sat: 2_000_000 },
  ],
  ['features and secret', BEANS, { amount_msat: 2_500_000_000n, description: 'coffee beans' }],
];

const EXAMPLE_IN_PICO =
  'lnbc9678785340p1pwmna7lpp5gc3xfm08u9qy06djf8dfflhugl6p7lgza6dsjxq454gxhj9t7a0sd8dgfkx7cmtwd68yetpd5s9xar0wfjn5gpc8qhrsdfq24f5ggrxdaezqsnvda3kkum5wfjkzmfqf3jkgem9wgsyuctwdus9xgrcyqcjcgpzgfskx6eqf9hzqnteypzxz7fzypfhg6trddjhygrcyqezcgpzfysywmm5ypxxjemgw3hxjmn8yptk7untd9hxwg3q2d6xjcmtv4ezq7pqxgsxzmnyyqcjqmt0wfjjq6t5v4khxxqyjw5qcqp2rzjq0gxwkzc8w6323m55m4jyxcjwmy7stt9hwkwe2qxmy8zpsgg7jcuwz87fcqqeuqqqyqqqqlgqqqqn3qq9qn07ytgrxxzad9hc4xt3mawjjt8znfv8xzscs7007v9gh9j569lencxa8xeujzkxs0uamak9aln6ez02uunw6rd2ht2sqe4hz8thcdagpleym0j';

interface Made {
  readonly bech32?: string;
  readonly millisatoshis?: string;
}

/** An invoice by a library that others wrote. */
function makeInvoice({ bech32: coin = 'bc', millisatoshis }: Made): string {
  const unsigned = bolt11.encode({
    network: { bech32: coin, pubKeyHash: 0x6f, scriptHash: 0xc4, validWitnessVersions: [0] },
    millisatoshis,
    timestamp: 1_700_000_000,
    tags: [
      { tagName: 'payment_hash', data: SPEC_HASH },
      { tagName: 'payment_secret', data: '11'.repeat(32) },
      { tagName: 'description', data: 'a test' },
    ],
  });
  return bolt11.sign(unsigned, SPEC_KEY).paymentRequest ?? '';
}

const HASH = hexField(1, SPEC_HASH);
const DESCRIPTION = hexField(13, '61');

/** A tagged field: its type, its length in two letters, its data. */
function field(type: number, words: readonly number[]): number[] {
  return [type, words.length >> 5, words.length & 31, ...words];
}

function hexField(type: number, text: string): number[] {
  return field(type, bech32.toWords(hex.decode(text)));
}

/** An invoice made word by word, for what no careful library would write. */
function craftInvoice(prefix: string, fields: readonly number[][], signedPrefix = prefix): string {
  const words = [1, 18, 21, 25, 28, 16, 0, ...fields.flat()];
  const bits = words.map((word) => word.toString(2).padStart(5, '0')).join('');
  const bytes = bits.match(/.{1,8}/g)?.map((byte) => Number.parseInt(byte.padEnd(8, '0'), 2)) ?? [];
  const digest = createHash('sha256').update(signedPrefix).update(Uint8Array.from(bytes)).digest();
  const options = { prehash: false, format: 'recovered' } as const;
  const [recoveryId = 0, ...signature] = secp256k1.sign(digest, hex.decode(SPEC_KEY), options);
  const signatureWords = bech32.toWords(Uint8Array.from([...signature, recoveryId]));
  return bech32.encode(prefix, [...words, ...signatureWords], false);
}

function errorOf(run: () => unknown): CashuOpsError {
  try {
    run();
  } catch (error) {
    if (error instanceof CashuOpsError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('parseInvoice on the examples of BOLT11', () => {
  test.each(SPEC_VALID)('%s', (_name, text, expected) => {
    const invoice = parseInvoice(text);
    expect(invoice).toMatchObject(expected);
    expect(invoice).toMatchObject({ bolt11: text, payment_hash: SPEC_HASH, payee: SPEC_PAYEE });
  });

  test('an amount in pico-bitcoin, rounded up to sats', () => {
    expect(parseInvoice(EXAMPLE_IN_PICO)).toMatchObject({
      amount_msat: 967_878_534n,
      amount_sat: 967_879,
      payment_hash: '462264ede7e14047e9b249da94fefc47f41f7d02ee9b091815a5506bc8abf75f',
      created_at: new Date(1_572_468_703_000),
      expires_at: new Date((1_572_468_703 + 604_800) * 1000),
      payee: SPEC_PAYEE,
    });
  });

  test('upper case, white space and a lightning: prefix make no difference', () => {
    const plain = parseInvoice(BEANS);
    for (const text of [BEANS.toUpperCase(), `  ${BEANS}\n`, `LIGHTNING:${BEANS.toUpperCase()}`]) {
      expect(parseInvoice(text)).toEqual(plain);
    }
  });

  test.each([
    ['checksum', `${NONSENSE.slice(0, -1)}t`, /checksum/],
    ['no prefix', NONSENSE.slice('lnbc2500u1'.length), /not a Lightning invoice/],
    ['mixed case', NONSENSE.replace('lnbc', 'LNBC'), /mixes upper and lower case/],
    [
      'signature that cannot be recovered',
      `lnbc2500u1pvjluez${HASH_FIELD}dq5xysxxatsyp3k7enxv4jsxqzpuaxtrnwngzn3kdzw5hydlzf03qdgm2hdq27cqv3agm2awhz5se903vruatfhq77w3ls4evs3ch9zw97j25emudupq63nyw24cg27h2rspk28uwq`,
      /signature/,
    ],
    [
      'too short',
      `lnbc1pvjluez${HASH_FIELD}dpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae8g6na6hlh`,
      /too short/,
    ],
    [
      'unknown multiplier',
      `lnbc2500x1pvjluez${HASH_FIELD}dq5xysxxatsyp3k7enxv4jsxqzpujr6jxr9gq9pv6g46y7d20jfkegkg4gljz2ea2a3m9lmvvr95tq2s0kvu70u3axgelz3kyvtp2ywwt0y8hkx2869zq5dll9nelr83zzqqpgl2zg`,
      /multiplier/,
    ],
    [
      'less than a msat',
      `lnbc2500000001p1pvjluez${HASH_FIELD}dq5xysxxatsyp3k7enxv4jsxqzpu7hqtk93pkf7sw55rdv4k9z2vj050rxdr6za9ekfs3nlt5lr89jqpdmxsmlj9urqumg0h9wzpqecw7th56tdms40p2ny9q4ddvjsedzcplva53s`,
      /whole number of msat/,
    ],
  ])('refuses the invalid example: %s', (_name, text, sentence) => {
    const error = errorOf(() => parseInvoice(text));
    expect(error.code).toBe('INVALID_INVOICE');
    expect(error.message).toMatch(sentence);
  });
});

describe('parseInvoice', () => {
  test.each<[string, Network]>([
    ['bc', 'mainnet'],
    ['tb', 'testnet'],
    ['tbs', 'signet'],
    ['bcrt', 'regtest'],
  ])('knows the network of ln%s, with and without amount', (coin, network) => {
    const withAmount = parseInvoice(makeInvoice({ bech32: coin, millisatoshis: '21000' }));
    expect(withAmount).toMatchObject({ network, amount_sat: 21, payee: SPEC_PAYEE });
    const without = parseInvoice(makeInvoice({ bech32: coin }));
    expect(without).toMatchObject({ network, amount_msat: null, amount_sat: null });
  });

  test('refuses a network that it does not know', () => {
    const error = errorOf(() => parseInvoice(makeInvoice({ bech32: 'sb' })));
    expect(error.message).toMatch(/network that this tool does not know/);
  });

  test('holds the signature against the n field', () => {
    const named = [HASH, DESCRIPTION, hexField(19, SPEC_PAYEE)];
    expect(parseInvoice(craftInvoice('lnbc10u', named)).payee).toBe(SPEC_PAYEE);
    const altered = craftInvoice('lnbc20u', named, 'lnbc10u');
    expect(errorOf(() => parseInvoice(altered)).message).toMatch(/signature/);
    const otherNode = craftInvoice('lnbc10u', [HASH, hexField(19, `02${'11'.repeat(32)}`)]);
    expect(errorOf(() => parseInvoice(otherNode)).message).toMatch(/signature/);
    const noKey = craftInvoice('lnbc10u', [HASH, hexField(19, 'ff'.repeat(33))]);
    expect(errorOf(() => parseInvoice(noKey)).message).toMatch(/signature/);
  });

  test('an altered amount without n field shows as another payee', () => {
    const altered = parseInvoice(craftInvoice('lnbc20u', [HASH, DESCRIPTION], 'lnbc10u'));
    expect(altered.payee).not.toBe(SPEC_PAYEE);
    expect(parseInvoice(craftInvoice('lnbc20u', [HASH, DESCRIPTION])).payee).toBe(SPEC_PAYEE);
  });

  test('rounds every amount up to the next sat', () => {
    fc.assert(
      fc.property(fc.bigInt(1n, 10n ** 12n), (msat) => {
        const invoice = parseInvoice(makeInvoice({ millisatoshis: msat.toString() }));
        expect(invoice.amount_msat).toBe(msat);
        expect(invoice.amount_sat).toBe(Math.ceil(Number(msat) / 1000));
      }),
      { numRuns: 25 },
    );
  });

  test('a zero amount is no amount', () => {
    expect(parseInvoice(craftInvoice('lnbc0u', [HASH])).amount_msat).toBeNull();
  });

  test('refuses more than all bitcoin', () => {
    const all = parseInvoice(craftInvoice('lnbc21000000', [HASH]));
    expect(all.amount_sat).toBe(2_100_000_000_000_000);
    for (const prefix of ['lnbc21000001', 'lnbc99999999999999999999m']) {
      expect(errorOf(() => parseInvoice(craftInvoice(prefix, [HASH]))).code).toBe(
        'AMOUNT_TOO_LARGE',
      );
    }
  });

  test('cuts an expiry past any calendar to the year 9999', () => {
    for (const length of [8, 14, 1023]) {
      const expiry = field(6, new Array<number>(length).fill(31));
      const invoice = parseInvoice(craftInvoice('lnbc10u', [HASH, expiry]));
      expect(invoice.expires_at.toISOString()).toBe('9999-12-31T23:59:59.000Z');
    }
  });

  test('refuses two payment hashes and a missing one, and skips one of another length', () => {
    const other = hexField(1, '22'.repeat(32));
    const sentences = [
      [craftInvoice('lnbc10u', [HASH, other]), /more than one payment hash/],
      [craftInvoice('lnbc10u', [DESCRIPTION]), /no payment hash/],
    ] as const;
    for (const [text, sentence] of sentences) {
      expect(errorOf(() => parseInvoice(text)).message).toMatch(sentence);
    }
    const longer = hexField(1, '22'.repeat(33));
    const invoice = parseInvoice(craftInvoice('lnbc10u', [longer, HASH, longer]));
    expect(invoice.payment_hash).toBe(SPEC_HASH);
  });

  test('refuses a field of wrong length that the decoder cannot read', () => {
    const zeros = (count: number) => 'q'.repeat(count);
    const ignored = [
      `2qrqqqfppn${zeros(32)}ppn${zeros(51)}pp4${zeros(53)}hpn${zeros(51)}hp4${zeros(53)}`,
      `spn${zeros(51)}sp4${zeros(53)}np5${zeros(52)}npk${zeros(54)}`,
    ].join('');
    const text = `${BEANS.slice(0, BEANS.indexOf('67gye39'))}${ignored}2jxxfsnucm4jf4zwtznpaxphce606fvhvje5x7d4gw7n73994hgs7nteqvenq8a4ml8aqtchv5d9pf7l558889hp4yyrqv6a7zpq9fgpskqhza`;
    expect(errorOf(() => parseInvoice(text)).message).toMatch(
      /field of the invoice cannot be read/,
    );
  });

  test.each([
    ['', /text is empty/],
    ['name@example.com', /Lightning address/],
    ['LNURL1DP68GURN8GHJ7MRWW4EXCTN5D9', /LNURL/],
    ['lno1qgsqvgnwgcg35z6ee2h3yczraddm72xrfua9uve2rlrm9deu7xyfzrc', /BOLT12 offer \(lno1\)/],
    ['lni1qqgds', /BOLT12 message/],
    ['bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4', /on-chain/],
    ['1RustyRX2oai4EYYDpQGWvEL62BBGqN9T', /on-chain/],
    ['bitcoin:bc1qx?amount=1&lightning=lnbc1', /what follows "lightning="/],
    ['cashuBo2FteBtodHRwczovL21pbnQ', /ecash token/],
    ['creqApWF0gaNhdGVub3N0cmFheKlucHJv', /payment request/],
    [`${SPEC_PAYEE}@203.0.113.1:9735`, /public key of a Lightning node/],
    ['nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5', /secret key/],
    ['https://mint.example', /web address/],
    ['hello', /not a Lightning invoice/],
    ['lnbc1 abc', /white space/],
    [`lnbc${'1'.repeat(20_000)}`, /too many/],
  ])('says what %j is instead, without repeating it', (text, sentence) => {
    const error = errorOf(() => parseInvoice(text));
    expect(error.code).toBe('INVALID_INVOICE');
    expect(error.message).toMatch(sentence);
    if (text.length > 5) expect(error.message).not.toContain(text);
  });

  test('never throws anything but its own errors', () => {
    fc.assert(
      fc.property(
        fc.nat(BEANS.length - 1),
        fc.string({ unit: 'binary', maxLength: 3 }),
        (at, noise) => {
          const text = BEANS.slice(0, at) + noise + BEANS.slice(at + 1);
          try {
            expect(parseInvoice(text).bolt11).toBe(BEANS);
          } catch (error) {
            expect(error).toBeInstanceOf(CashuOpsError);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('assertPayable', () => {
  const invoice = parseInvoice(COFFEE);
  const inTime = new Date(invoice.expires_at.getTime() - 1);

  test('passes an invoice in time, on its network, with an amount', () => {
    expect(() => assertPayable(invoice, { network: 'mainnet', now: inTime })).not.toThrow();
  });

  test.each<[string, Partial<Invoice>, RegExp]>([
    ['INVOICE_WRONG_NETWORK', { network: 'signet' }, /for signet.*pays on mainnet/],
    ['INVOICE_WITHOUT_AMOUNT', { amount_msat: null, amount_sat: null }, /names no amount/],
    ['AMOUNT_TOO_LARGE', { amount_msat: (2n ** 53n - 1n) * 1000n + 1n }, /more than all bitcoin/],
  ])('throws %s', (code, change, sentence) => {
    const error = errorOf(() =>
      assertPayable({ ...invoice, ...change }, { network: 'mainnet', now: inTime }),
    );
    expect(error.code).toBe(code);
    expect(error.message).toMatch(sentence);
  });

  test('says since when an invoice is expired, from the very moment on', () => {
    const terms = { network: 'mainnet', now: invoice.expires_at } as const;
    const error = errorOf(() => assertPayable(invoice, terms));
    expect(error.code).toBe('INVOICE_EXPIRED');
    expect(error.message).toContain('2017-06-01T10:58:38.000Z');
  });
});
