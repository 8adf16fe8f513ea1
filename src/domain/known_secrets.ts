/*
 * Does a text hold a secret that is known? Not by its form, but by the secrets themselves, as they
 * stand in a document: what is about to leave the machine is held against them.
 */

/** Keys under which a secret stands, whatever the document (NUT-00, NUT-05, NUT-11). */
const SECRET_KEYS = new Set([
  ...['secret', 'C', 'witness', 'r', 'dleq', 'blindingFactor', 'ephemeralE'],
  ...['preimage', 'p2pk_privkey', 'encoded_token'],
]);

/** Shorter texts would be found by chance. */
const LENGTH_MIN = 16;
/** A long run of a secret is as bad as the whole. */
const PART_LENGTH = 32;

/** Every secret of a document. */
export function secretsOf(document: unknown): Set<string> {
  const found = new Set<string>();
  collect(document, false, found);
  return found;
}

function collect(value: unknown, isSecret: boolean, into: Set<string>): void {
  if (typeof value === 'string') {
    if (isSecret && value.length >= LENGTH_MIN) into.add(value);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    collect(inner, isSecret || SECRET_KEYS.has(key), into);
  }
}

/** Is one of the secrets in a text, whole or in part? An output's secret also as its bytes. */
export function holdsSecret(text: string, secrets: Iterable<string>): boolean {
  const searched = text.toLowerCase();
  for (const secret of secrets) {
    const forms = [secret, Buffer.from(secret, 'hex').toString('utf8')];
    const parts = forms.flatMap((form) => [form.slice(0, PART_LENGTH), form.slice(-PART_LENGTH)]);
    if (parts.some((part) => part.length >= LENGTH_MIN && isIn(searched, part))) return true;
  }
  return false;
}

/** The beginning of a locked coin's secret says only that it is locked. */
const LOCKED = '["p2pk",{"nonce":"';

function isIn(searched: string, part: string): boolean {
  const own = part.toLowerCase().replace(LOCKED, '');
  return own.length >= LENGTH_MIN && searched.includes(own);
}
