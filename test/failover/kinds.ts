import { AUDIT_LOG } from '../../src/store/collections.ts';

/** Where in a transaction the primary dies. */
export const MOMENTS = ['at a write', 'at its commit', 'after its commit'] as const;
export type DeathMoment = (typeof MOMENTS)[number];

/** The transactions of a melt, in their order. */
const TRANSACTIONS = {
  without: ['T1 prepare', 'T2 submit', 'T3 settle'],
  with: ['T1 prepare', 'swap begins', 'swap ends (T2)', 'T3 settle'],
} as const;

/** One way to lose the primary. */
export interface FailoverKind {
  name: string;
  swap: boolean;
  /** Which transaction of the payment, counted from 1. */
  transaction: number;
  moment: DeathMoment;
}

/** Every transaction at every moment, in turn: what differs most stands side by side. */
export const KINDS: readonly FailoverKind[] = MOMENTS.flatMap((moment) =>
  (['without', 'with'] as const).flatMap((swap) =>
    TRANSACTIONS[swap].map((name, index) => ({
      name: `${name}, ${swap} a swap, ${moment}`,
      swap: swap === 'with',
      transaction: index + 1,
      moment,
    })),
  ),
);

/** What becomes of the payment meanwhile. */
export const FATES = ['waits', 'is too late', 'dies too'] as const;
/**
 * `waits`: it may go on with the new primary; `is too late`: what was written down so long ago is
 * not sent any more; `dies too`: SIGKILL, together with the primary.
 */
export type PaymentFate = (typeof FATES)[number];

/** Every kind in turn, and each time it comes back with another fate. */
export function plannedRound(round: number): { kind: FailoverKind; fate: PaymentFate } {
  const kind = KINDS[round % KINDS.length];
  const fate = FATES[(round + Math.floor(round / KINDS.length)) % FATES.length];
  if (kind === undefined || fate === undefined) throw new Error('there are no kinds');
  return { kind, fate };
}

/** The client's name at the server. */
export const MELT_CLIENT = 'cashu-ops/melt';

/** Longer than the primary has to live. */
const HOLD_MS = 30_000;

/**
 * The fail point that holds a payment at its n-th transaction. Each transaction writes one audit
 * event as its last, and commits once.
 *
 * @param database name of the payment's database
 */
export function failPointOf({ moment, transaction }: FailoverKind, database: string) {
  const mode = transaction > 1 ? { skip: transaction - 1 } : 'alwaysOn';
  if (moment === 'after its commit') {
    return {
      configureFailPoint: 'waitAfterCommandFinishesExecution',
      mode,
      data: { commands: ['commitTransaction'], appName: MELT_CLIENT },
    };
  }
  const at = {
    'at a write': { failCommands: ['insert'], namespace: `${database}.${AUDIT_LOG}` },
    'at its commit': { failCommands: ['commitTransaction'] },
  }[moment];
  const hold = { blockConnection: true, blockTimeMS: HOLD_MS, appName: MELT_CLIENT };
  return { configureFailPoint: 'failCommand', mode, data: { ...at, ...hold } };
}
