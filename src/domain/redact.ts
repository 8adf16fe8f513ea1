/**
 * The last net under error messages, stacks and logs.
 *
 * Code does not put secrets into messages; this catches what a library or a mint put there. When in
 * doubt it hides too much.
 */

const HIDDEN = '[hidden]';

/** Keys whose value is hidden, whatever it looks like; a prefix (`payment_`) or suffix may stand around. */
const SECRET_KEYS =
  '(?:secret|preimage|priv_?key|private_?key|witness|blinding_?factor|mnemonic|passw(?:or)?d|passphrase|seed_?phrase|nsec)';
const NAMED = 'the value of a name such as "secret" or "preimage"';

interface Rule {
  /** What it finds, for people. */
  readonly what: string;
  readonly pattern: RegExp;
  readonly replacement: string;
}

/** Repetitions are bounded or cannot overlap, so that a long text costs linear time. */
const RULES: readonly Rule[] = [
  // scheme://user:password@host; a password may hold "@" and "/", so everything to the last "@" goes.
  {
    what: 'an address with a password',
    pattern: /([a-z][a-z0-9+.-]{0,20}:\/\/[^\s:/@"'<>]{0,200}:)[^\s"'<>]{0,2000}@/gi,
    replacement: `$1${HIDDEN}@`,
  },
  {
    what: 'a session token',
    pattern: /(AWS_SESSION_TOKEN:)[^\s&,"']+/gi,
    replacement: `$1${HIDDEN}`,
  },
  {
    what: 'the key to a service',
    pattern: /\b(bearer|basic) [\w.~+/=-]{8,}/gi,
    replacement: `$1 ${HIDDEN}`,
  },
  { what: 'an ecash token', pattern: /(cashu[AB])[\w+/=-]{8,}/g, replacement: `$1${HIDDEN}` },
  { what: 'an access token', pattern: /\b(auth[AB])[\w+/=-]{20,}/g, replacement: `$1${HIDDEN}` },
  {
    what: 'a nostr key',
    pattern: /((?:nsec|ncryptsec)1)[02-9ac-hj-np-z]{8,}/gi,
    replacement: `$1${HIDDEN}`,
  },
  {
    what: 'an extended private key',
    pattern: /\b([xyztuv]prv)[1-9A-HJ-NP-Za-km-z]{20,}/gi,
    replacement: `$1${HIDDEN}`,
  },
  quotedValueRule(),
  // The same keys before a bare value: "preimage: 00ff…", "secret = 00ff…", "preimage is 00ff…".
  {
    what: NAMED,
    pattern: new RegExp(
      `(${SECRET_KEYS}[a-z_]{0,20}[^0-9a-z]{0,80}(?:is |was )?)[0-9a-f]{64,}`,
      'gi',
    ),
    replacement: `$1${HIDDEN}`,
  },
  {
    what: 'a password',
    pattern: /(passw(?:or)?d|passphrase)(\s{0,3}[=:]\s{0,3})[^\s,;&"'[]+/gi,
    replacement: `$1$2${HIDDEN}`,
  },
  // C is the signature of a proof, r the blinding factor; too short as names for any other value.
  {
    what: 'a part of a coin',
    pattern: /(\b[Cr]\b[^0-9A-Za-z]{1,80})[0-9a-f]{64,66}\b/g,
    replacement: `$1${HIDDEN}`,
  },
  { what: 'twelve or more plain words', pattern: seedPhrase(), replacement: HIDDEN },
];

/**
 * Hides secrets in a text: passwords in addresses, ecash tokens, secret keys, seed phrases, and the
 * values of keys that name a secret, also inside quoted JSON.
 *
 * @param text a message, a stack, a log line
 */
export function redact(text: string): string {
  return RULES.reduce((rest, { pattern, replacement }) => rest.replace(pattern, replacement), text);
}

/** What in a text would be hidden, for people; null where nothing would. */
export function secretLikeIn(text: string): string | null {
  const found = RULES.find(
    ({ pattern, replacement }) => text.replace(pattern, replacement) !== text,
  );
  return found?.what ?? null;
}

/**
 * Twelve and more short lower-case words in a row, wherever they stand. No seed phrase has one of
 * the words left out here, because none is in the list of BIP-39; hardly a sentence has so many
 * words in a row without one of them.
 */
function seedPhrase(): RegExp {
  const word = '(?!(?:and|are|but|for|from|had|has|not|the|was|with)\\b)[a-z]{3,8}';
  return new RegExp(`\\b(?:${word} ){11,}${word}\\b`, 'g');
}

/**
 * The value ends at the quote that stands behind as many backslashes as the opening one, so a value
 * inside JSON inside JSON is hidden whole. A value without an end is hidden to the end of the text.
 */
function quotedValueRule(): Rule {
  const opening = `(${SECRET_KEYS}[a-z_]{0,20}\\\\*["'\`]?\\s{0,3}[:=]\\s{0,3})(\\\\*)(["'\`])`;
  const closing = '(?<!\\\\)\\2\\3';
  return {
    what: NAMED,
    pattern: new RegExp(`${opening}(?:(?!${closing})[^])*(?:${closing}|$)`, 'gi'),
    replacement: `$1$2$3${HIDDEN}$2$3`,
  };
}
