import type { mongo } from 'mongoose';
import { AUDIT_LOG } from '../../src/store/collections.ts';

/** Keys under which a secret stands in the database, whatever the document. */
const SECRET_KEYS = new Set([
  'secret',
  'C',
  'witness',
  'r',
  'blindingFactor',
  'p2pk_privkey',
  'preimage',
  'encoded_token',
]);

/** Shorter texts would be found by chance. */
const SECRET_LENGTH_MIN = 16;

/** Every secret that a database holds: of coins, blank outputs, wallets and payments. */
export async function secretsIn(db: mongo.Db): Promise<Set<string>> {
  const secrets = new Set<string>();
  for (const { name } of await db.listCollections({}, { nameOnly: true }).toArray()) {
    if (name === AUDIT_LOG) continue;
    for await (const document of db.collection(name).find()) collect(document, false, secrets);
  }
  return secrets;
}

function collect(value: unknown, isSecret: boolean, into: Set<string>): void {
  if (typeof value === 'string') {
    if (isSecret && value.length >= SECRET_LENGTH_MIN) into.add(value);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    collect(inner, isSecret || SECRET_KEYS.has(key), into);
  }
}

/**
 * Secrets that stand in a text, also upper case, in part (a long run of one is as bad as the
 * whole), and in the escaped form that JSON gives a locked coin's secret.
 *
 * @returns the first characters of each: the failing test must not repeat them either
 */
export function leaksIn(text: string, secrets: Iterable<string>): string[] {
  const searched = text.toLowerCase();
  return [...secrets]
    .filter((secret) => formsOf(secret).some((form) => searched.includes(form.toLowerCase())))
    .map((secret) => `${secret.slice(0, 8)}…`);
}

const PART_LENGTH = 32;

function formsOf(secret: string): string[] {
  const escaped = JSON.stringify(secret).slice(1, -1);
  const isHex = /^[0-9a-f]+$/i.test(secret) && secret.length > PART_LENGTH;
  return isHex ? [secret.slice(0, PART_LENGTH), secret.slice(-PART_LENGTH)] : [secret, escaped];
}
