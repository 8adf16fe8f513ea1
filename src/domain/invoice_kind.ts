/**
 * What a text is that somebody took for a Lightning invoice.
 *
 * People paste many things where an invoice belongs. A sentence that names the thing and the way on
 * saves a support case; the text itself is never repeated, because it may be a token or a key.
 */

interface WrongKind {
  readonly pattern: RegExp;
  readonly sentence: string;
}

const ASK_FOR_INVOICE = 'ask the receiver for a BOLT11 invoice (it begins with lnbc) and pay that';

/** The order matters: the first pattern that fits decides. */
const WRONG_KINDS: readonly WrongKind[] = [
  {
    pattern: /^(lnurl1|lnurl[pwc]?:|keyauth:)/i,
    sentence: `This is an LNURL, not an invoice: ${ASK_FOR_INVOICE}.`,
  },
  {
    pattern: /^lno1/i,
    sentence: `This is a BOLT12 offer (lno1), not an invoice: ${ASK_FOR_INVOICE}.`,
  },
  {
    pattern: /^ln[ir]1/i,
    sentence: `This is a BOLT12 message (lni1 or lnr1), not a BOLT11 invoice: ${ASK_FOR_INVOICE}.`,
  },
  {
    pattern: /^cashu:?[ab]|^cashu:/i,
    sentence: `This is an ecash token, not an invoice: keep it secret, and ${ASK_FOR_INVOICE}.`,
  },
  {
    pattern: /^creq[ab]/i,
    sentence: `This is a Cashu payment request, not an invoice: ${ASK_FOR_INVOICE}.`,
  },
  {
    pattern: /^(nostr:)?(nsec|ncryptsec)1/i,
    sentence:
      'This is a nostr secret key, not an invoice: treat it as exposed, and give a BOLT11 invoice.',
  },
  {
    pattern: /^(nostr:)?npub1/i,
    sentence: `This is an npub, not an invoice: ${ASK_FOR_INVOICE}.`,
  },
  {
    pattern: /^bitcoin:.*[?&]lightning=/i,
    sentence:
      'This is a bitcoin: address with an invoice inside: give only what follows "lightning=".',
  },
  {
    pattern: /^(bitcoin:|bc1|tb1|bcrt1)|^[123mn][1-9A-HJ-NP-Za-km-z]{25,34}$/i,
    sentence: `This is an on-chain Bitcoin address, not an invoice: ${ASK_FOR_INVOICE}.`,
  },
  {
    pattern: /^0[23][0-9a-f]{64}(@|$)/i,
    sentence: `This is the public key of a Lightning node, not an invoice: ${ASK_FOR_INVOICE}.`,
  },
  {
    pattern: /^https?:/i,
    sentence: `This is a web address, not an invoice: ${ASK_FOR_INVOICE}.`,
  },
  {
    pattern: /^[^\s@]+@[^\s@]+\.[^\s@]+$/,
    sentence: `This is a Lightning address, not an invoice: ${ASK_FOR_INVOICE}.`,
  },
];

/**
 * Names what a text is instead of a BOLT11 invoice.
 *
 * @param text trimmed, without a `lightning:` prefix
 * @returns one sentence (what it is, what to do), or null when the text may be an invoice
 */
export function wrongKindSentence(text: string): string | null {
  if (text === '') {
    return `There is no invoice, the text is empty: ${ASK_FOR_INVOICE}.`;
  }
  const wrong = WRONG_KINDS.find(({ pattern }) => pattern.test(text));
  if (wrong) return wrong.sentence;
  if (/^ln/i.test(text)) return null;
  return `This is not a Lightning invoice: ${ASK_FOR_INVOICE}.`;
}
