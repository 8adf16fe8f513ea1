import { CashuOpsError } from '../../domain/errors.ts';
import { coinsCountedTwice } from './coins_counted_twice.ts';
import { coinsSpentElsewhere } from './coins_spent_elsewhere.ts';
import { databaseDown } from './database_down.ts';
import { databaseFailedAfterPayment } from './database_failed_after_payment.ts';
import { databaseRestored } from './database_restored.ts';
import { journalUnwritable } from './journal_unwritable.ts';
import { meltsStopped } from './melts_stopped.ts';
import { mintContradictsItself } from './mint_contradicts_itself.ts';
import { mintDown } from './mint_down.ts';
import { paidNotSettled } from './paid_not_settled.ts';
import { paidTwice } from './paid_twice.ts';
import { paidWithoutProof } from './paid_without_proof.ts';
import { paymentPending } from './payment_pending.ts';
import { recordChanged } from './record_changed.ts';
import type { Situation } from './situation.ts';
import { sumsDoNotClose } from './sums_do_not_close.ts';

export type { MadeSituation, Situation, SituationGround } from './situation.ts';

/** Every situation that has a page in `docs/runbooks/`, the gravest first. */
export const SITUATIONS: readonly Situation[] = [
  databaseFailedAfterPayment,
  sumsDoNotClose,
  mintContradictsItself,
  paidNotSettled,
  paidTwice,
  databaseRestored,
  recordChanged,
  coinsSpentElsewhere,
  coinsCountedTwice,
  paidWithoutProof,
  meltsStopped,
  paymentPending,
  mintDown,
  databaseDown,
  journalUnwritable,
];

/** @throws CashuOpsError INVALID_ARGUMENT where there is none of this name */
export function situationNamed(name: string): Situation {
  const situation = SITUATIONS.find((one) => one.name === name);
  if (situation !== undefined) return situation;
  throw new CashuOpsError(
    'INVALID_ARGUMENT',
    'There is no such situation; `--situation list` names them all.',
    { next_command: 'cashu-ops practice --situation list' },
  );
}
