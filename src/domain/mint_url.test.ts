import { normalizeMintUrl } from '@cashu/cashu-ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CashuOpsError } from './errors.ts';
import { parseMintUrl } from './mint_url.ts';

function errorOf(text: string): CashuOpsError {
  try {
    parseMintUrl(text);
  } catch (error) {
    if (error instanceof CashuOpsError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** What a function returns, or null when it throws. */
function resultOf(run: () => string): string | null {
  try {
    return run();
  } catch {
    return null;
  }
}

describe('parseMintUrl', () => {
  test.each([
    ['https://mint.example', 'https://mint.example'],
    ['https://mint.example/', 'https://mint.example'],
    [' HTTPS://Mint.EXAMPLE:443//\n', 'https://mint.example'],
    ['http://127.0.0.1:3338/', 'http://127.0.0.1:3338'],
    ['http://[::1]:80', 'http://[::1]'],
    ['https://mint.example/Bitcoin/', 'https://mint.example/Bitcoin'],
    ['https://mint.example/a/../b', 'https://mint.example/b'],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
  ])('%j becomes %j', (text, expected) => {
    expect(parseMintUrl(text)).toBe(expected);
    expect(normalizeMintUrl(text)).toBe(expected);
    expect(parseMintUrl(expected)).toBe(expected);
  });

  test.each([
    ['', /is empty/],
    ['mint.example', /not a web address/],
    ['https://', /not a web address/],
    ['ftp://mint.example', /begins with ftp:/],
    ['localhost:3338', /something else than a web address/],
    ['https://user:hunter2@mint.example', /user name or a password/],
    ['https://mint.example?a=hunter2', /query/],
    ['https://mint.example/?', /query/],
    ['https://mint.example/#hunter2', /fragment/],
    ['https://mint.example/a%2Fb', /escaped character/],
    ['https://mint.example/a b', /space or an escaped/],
  ])('refuses %j and says why', (text, sentence) => {
    const error = errorOf(text);
    expect(error.code).toBe('INVALID_MINT_URL');
    expect(error.message).toMatch(sentence);
    expect(error.message).not.toContain('hunter2');
    expect(resultOf(() => normalizeMintUrl(text))).toBeNull();
  });

  test('agrees with cashu-ts on any address', () => {
    const oddPart = fc.constantFrom(
      '',
      '/',
      '//',
      '?',
      '#',
      '?a=1',
      '#b',
      '/A%20b',
      ':443',
      '@',
      ' ',
    );
    const address = fc
      .tuple(
        fc.constantFrom('https://', 'http://', 'HTTPS:', 'ws://', ''),
        fc.webUrl(),
        oddPart,
        oddPart,
      )
      .map(([scheme, url, one, two]) => scheme + url.replace(/^https?:\/\//, '') + one + two);
    fc.assert(
      fc.property(
        fc.oneof(address, fc.webUrl({ withQueryParameters: true }), fc.string()),
        (text) => {
          expect(resultOf(() => parseMintUrl(text))).toBe(resultOf(() => normalizeMintUrl(text)));
        },
      ),
      { numRuns: 2000 },
    );
  });
});
