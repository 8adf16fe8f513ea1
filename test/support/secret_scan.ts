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

/**
 * Every secret that a database holds: of coins, blank outputs, wallets and payments.
 *
 * @param filter only of documents such as these, for instance of one wallet
 */
export async function secretsIn(
  db: mongo.Db,
  filter: { npub?: string } = {},
): Promise<Set<string>> {
  const secrets = new Set<string>();
  for (const { name } of await db.listCollections({}, { nameOnly: true }).toArray()) {
    if (name === AUDIT_LOG) continue;
    for await (const document of db.collection(name).find(filter))
      collect(document, false, secrets);
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
 * Secrets that stand in a text, whole or in part: a long run of one is as bad as the whole.
 *
 * @returns the first characters of each: the failing test must not repeat them either
 */
export function leaksIn(text: string, secrets: Iterable<string>): string[] {
  const searched = text.toLowerCase();
  return [...secrets]
    .filter((secret) => partsOf(secret).some((part) => searched.includes(part.toLowerCase())))
    .map((secret) => `${secret.slice(0, 8)}…`);
}

const PART_LENGTH = 32;
const PUBLIC_KEY_LENGTH = 66;

/** Of a long hexadecimal run both ends; a locked coin's secret names a public key, which is none. */
function partsOf(secret: string): string[] {
  const runs = secret.match(/[0-9a-f]{64,}/gi) ?? [];
  const own = runs.filter((run) => run === secret || run.length !== PUBLIC_KEY_LENGTH);
  if (own.length === 0) return [secret];
  return own.flatMap((run) => [run.slice(0, PART_LENGTH), run.slice(-PART_LENGTH)]);
}
