import type { AuditSubjects, TokenView } from '../../store/audit_subjects.ts';

/** Which coins payments hold, as the tokens say and the operations bear out. */
export interface Holders {
  /** Public names of coins that another payment holds: they are that one's to judge. */
  elsewhere: ReadonlySet<string>;
  /** So much is held for payments that are not in the database (sat). */
  orphaned_sat: number;
}

/**
 * Looks up the payments that hold tokens.
 *
 * @param own id of the payment that is being explained; null where none is
 */
export async function holdersOf(
  subjects: AuditSubjects,
  tokens: readonly TokenView[],
  own: string | null,
): Promise<Holders> {
  const held = tokens.filter(isHeld).filter(({ reserved_by }) => reserved_by !== own);
  if (held.length === 0) return { elsewhere: new Set(), orphaned_sat: 0 };
  const known = await subjects.known(new Set(held.map(({ reserved_by }) => reserved_by)));
  const coins = held.flatMap(({ proofs, reserved_by }) =>
    proofs.map(({ Y, amount }) => ({ Y, amount, isKnown: known.has(reserved_by) })),
  );
  return {
    elsewhere: new Set(coins.flatMap(({ Y, isKnown }) => (isKnown ? (Y ?? []) : []))),
    orphaned_sat: coins.reduce((sum, { amount, isKnown }) => sum + (isKnown ? 0 : amount), 0),
  };
}

type HeldToken = TokenView & { reserved_by: string };

function isHeld(token: TokenView): token is HeldToken {
  const isLive = token.status === 'unspent' || token.status === 'pending';
  return isLive && token.reserved_by !== undefined;
}
