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

interface Rule {
  readonly pattern: RegExp;
  readonly replacement: string;
}

/** Repetitions are bounded or cannot overlap, so that a long text costs linear time. */
const RULES: readonly Rule[] = [
  // scheme://user:password@host; a password may hold "@" and "/", so everything to the last "@" goes.
  {
    pattern: /([a-z][a-z0-9+.-]{0,20}:\/\/[^\s:/@"'<>]{0,200}:)[^\s"'<>]{0,2000}@/gi,
    replacement: `$1${HIDDEN}@`,
  },
  { pattern: /(AWS_SESSION_TOKEN:)[^\s&,"']+/gi, replacement: `$1${HIDDEN}` },
  { pattern: /\b(bearer|basic) [\w.~+/=-]{8,}/gi, replacement: `$1 ${HIDDEN}` },
  { pattern: /(cashu[AB])[\w+/=-]{8,}/g, replacement: `$1${HIDDEN}` },
  { pattern: /\b(auth[AB])[\w+/=-]{20,}/g, replacement: `$1${HIDDEN}` },
  { pattern: /((?:nsec|ncryptsec)1)[02-9ac-hj-np-z]{8,}/gi, replacement: `$1${HIDDEN}` },
  { pattern: /\b([xyztuv]prv)[1-9A-HJ-NP-Za-km-z]{20,}/gi, replacement: `$1${HIDDEN}` },
  quotedValueRule(SECRET_KEYS, 'gi'),
  // The same keys before a bare value: "preimage: 00ff…", "secret = 00ff…", "preimage is 00ff…".
  {
    pattern: new RegExp(
      `(${SECRET_KEYS}[a-z_]{0,20}[^0-9a-z]{0,80}(?:is |was )?)[0-9a-f]{64,}`,
      'gi',
    ),
    replacement: `$1${HIDDEN}`,
  },
  {
    pattern: /(passw(?:or)?d|passphrase)(\s{0,3}[=:]\s{0,3})[^\s,;&"'[]+/gi,
    replacement: `$1$2${HIDDEN}`,
  },
  // C is the signature of a proof, r the blinding factor; too short as names for any other value.
  { pattern: /(\b[Cr]\b[^0-9A-Za-z]{1,80})[0-9a-f]{64,66}\b/g, replacement: `$1${HIDDEN}` },
  // Twelve to twenty-four short lower-case words alone in quotes or on a line: a seed phrase.
  {
    pattern: /(^|["'`:]\s?)(?:[a-z]{3,8} ){11,23}[a-z]{3,8}(?=["'`]|\s*$)/gm,
    replacement: `$1${HIDDEN}`,
  },
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

/**
 * The value ends at the quote that stands behind as many backslashes as the opening one, so a value
 * inside JSON inside JSON is hidden whole. A value without an end is hidden to the end of the text.
 */
function quotedValueRule(keys: string, flags: string): Rule {
  const opening = `(${keys}[a-z_]{0,20}\\\\*["'\`]?\\s{0,3}[:=]\\s{0,3})(\\\\*)(["'\`])`;
  const closing = '(?<!\\\\)\\2\\3';
  return {
    pattern: new RegExp(`${opening}(?:(?!${closing})[^])*(?:${closing}|$)`, flags),
    replacement: `$1$2$3${HIDDEN}$2$3`,
  };
}
