import { describe, expect, it } from 'vitest';
import { named, yOf } from './proof_y.ts';

/** From NUT-00's test vectors, where the message is given as bytes. */
const VECTORS = [
  {
    hex: '0000000000000000000000000000000000000000000000000000000000000000',
    Y: '024cce997d3b518f739663b757deaec95bcd9473c30a14ac2fd04023a739d1a725',
  },
  {
    hex: '0000000000000000000000000000000000000000000000000000000000000001',
    Y: '022e7158e11c9506f1aa4248bf531298daa7febd6194f003edcd9b93ade6253acf',
  },
];

describe('yOf', () => {
  it.each(VECTORS)('gives the test vector of NUT-00 for $hex', ({ hex, Y }) => {
    // These bytes are their own UTF-8.
    expect(yOf(Buffer.from(hex, 'hex').toString('utf8'))).toBe(Y);
  });

  it('hashes the text of a secret, not the bytes that its hex digits mean', () => {
    const [{ hex, Y } = { hex: '', Y: '' }] = VECTORS;
    expect(yOf(hex)).not.toBe(Y);
    expect(yOf(hex)).toMatch(/^0[23][0-9a-f]{64}$/);
  });
});

describe('named', () => {
  const proof = { id: '00', amount: 1, secret: 'a secret', C: '02' };

  it('computes the name of a coin', () => {
    expect(named(proof)).toEqual({ ...proof, Y: yOf('a secret') });
  });

  it('takes a stored name as it is, because computing costs', () => {
    const Y = yOf('another secret');
    expect(named({ ...proof, Y }).Y).toBe(Y);
  });

  it.each(['', 'beef', `04${'0'.repeat(64)}`, yOf('a secret').toUpperCase()])(
    'does not trust the malformed name "%s"',
    (Y) => {
      expect(named({ ...proof, Y }).Y).toBe(yOf('a secret'));
    },
  );
});
