const REMOVED = '[removed]';

/** Parts of a coin (NUT-00, NUT-12) that are money or lead to it, wherever they stand in a request. */
const SECRET_KEYS = new Set(['secret', 'C', 'witness', 'r', 'nonce']);

/** Short parts of a spending condition are words such as "SIG_ALL", and no secrets. */
const PART_LENGTH_MIN = 16;

/** Far more than is ever shown of a mint's words. */
const TEXT_MAX = 65_536;

/** Secrets are looked up by their first characters: a request has thousands of them. */
const START_LENGTH_MAX = 8;

/**
 * Takes everything that is secret in a request out of a text that may repeat it: a mint may name
 * the coin that it refuses, or the whole request. Escapes (JSON in JSON) hide nothing from it.
 *
 * @param requestBody what was sent
 * @param text the mint's words
 */
export function withoutSecretsOf(requestBody: unknown, text: string): string {
  const secrets = new Set<string>();
  collect(requestBody, false, secrets);
  const forms = [...new Set([...secrets].flatMap(formsOf))].filter((form) => form !== '');
  if (forms.length === 0) return text;
  const plain = withoutEscapes(text.slice(0, TEXT_MAX));
  const clean = remove(plain, forms);
  if (clean === plain) return text;
  // The cut may have gone through a secret.
  const unsure = text.length > TEXT_MAX ? longestOf(forms) : 0;
  return clean.slice(0, Math.max(0, clean.length - unsure));
}

function longestOf(texts: readonly string[]): number {
  return texts.reduce((longest, { length }) => Math.max(longest, length), 0);
}

/** In one pass, and of secrets that begin alike the longest: the rest of it would stay otherwise. */
function remove(text: string, secrets: readonly string[]): string {
  const longestFirst = secrets.toSorted((a, b) => b.length - a.length);
  const startLength = Math.min(longestFirst.at(-1)?.length ?? 0, START_LENGTH_MAX);
  const byStart = Map.groupBy(longestFirst, (secret) => secret.slice(0, startLength));
  const lower = lowerCase(text);
  let clean = '';
  for (let at = 0; at < text.length; ) {
    const candidates = byStart.get(lower.slice(at, at + startLength));
    const found = candidates?.find((secret) => lower.startsWith(secret, at));
    clean += found === undefined ? text[at] : REMOVED;
    at += found?.length ?? 1;
  }
  return clean;
}

/** @param inside the value belongs to a secret, so that its parts are secrets too */
function collect(value: unknown, inside: boolean, secrets: Set<string>): void {
  if (typeof value === 'string') {
    if (inside && value.length >= PART_LENGTH_MIN) secrets.add(value);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [key, part] of Object.entries(value)) {
    const secret = SECRET_KEYS.has(key);
    if (secret && typeof part === 'string') {
      secrets.add(part);
      collect(parsed(part), true, secrets);
    } else {
      collect(part, inside || secret, secrets);
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** As a text without backslashes and capitals shows a secret: as it is, as JSON, and as JSON in ASCII only. */
function formsOf(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  const ascii = json.replaceAll(/[^ -~]/g, (unit) => `u${hex(unit)}`);
  return [secret, json, ascii].map((form) => lowerCase(withoutEscapes(form)));
}

function hex(unit: string): string {
  return unit.charCodeAt(0).toString(16).padStart(4, '0');
}

function withoutEscapes(text: string): string {
  return text.replaceAll('\\', '');
}

/** Letter by letter, so that every character keeps its place. */
function lowerCase(text: string): string {
  return text.replaceAll(/\p{Lu}/gu, (letter) => {
    const lower = letter.toLowerCase();
    return lower.length === letter.length ? lower : letter;
  });
}
