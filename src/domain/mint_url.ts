/** The address of a mint in its one normal form, by which wallets and keysets are kept apart. */

import { CashuOpsError } from './errors.ts';

/**
 * Reads the address of a mint. Same results as `normalizeMintUrl` of cashu-ts, which is not
 * imported because loading it takes longer than a command like `balance` should.
 *
 * @param text an http or https address; white space around it is accepted
 * @returns scheme and host in lower case, no default port, path as given, no slash at the end
 * @throws CashuOpsError INVALID_MINT_URL, which never repeats a password inside the address
 */
export function parseMintUrl(text: string): string {
  const url = parseUrl(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw invalid(`begins with ${schemeOf(url)}, but a mint is reached by https:// or http://`);
  }
  if (url.username !== '' || url.password !== '') {
    throw invalid('holds a user name or a password, and a mint has neither: leave that part out');
  }
  if (url.href.includes('?')) {
    throw invalid('holds a query (after "?"): give only the address of the mint');
  }
  if (url.href.includes('#')) {
    throw invalid('holds a fragment (after "#"): give only the address of the mint');
  }
  if (/%[0-9a-f]{2}/i.test(url.pathname)) {
    throw invalid('has a space or an escaped character in its path: copy the address again');
  }
  return url.href.replace(/\/+$/, '');
}

function parseUrl(text: string): URL {
  if (text.trim() === '') throw invalid('is empty: give one such as https://mint.example');
  const url = URL.parse(text);
  if (!url) throw invalid('is not a web address: write it like https://mint.example');
  return url;
}

/** Only a scheme of usual length is repeated: a text such as `user:secret` parses as an address. */
function schemeOf(url: URL): string {
  return ['ftp:', 'ws:', 'wss:', 'file:'].includes(url.protocol)
    ? url.protocol
    : 'something else than a web address';
}

function invalid(rest: string): CashuOpsError {
  return new CashuOpsError('INVALID_MINT_URL', `The mint address ${rest}.`);
}

/**
 * The normal form of an address out of the database. One that is none stands for itself, but
 * without the password that somebody may have written into it.
 */
export function normalMintUrl(url: string): string {
  try {
    return parseMintUrl(url);
  } catch {
    return String(url).replace(/\/\/[^/@]*@/, '//[hidden]@');
  }
}
