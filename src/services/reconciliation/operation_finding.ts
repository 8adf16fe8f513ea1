import { type OperationFindingType, severityOf } from '../../domain/finding.ts';
import { actionOf } from '../../domain/finding_action.ts';
import type { MeltOperation } from '../../domain/melt_operation.ts';
import { type Finding, findingKey } from '../../domain/reconcile_run.ts';
import type { RunContext } from './run_context.ts';

/** A finding about an operation as a whole; null where the installation ignores its type. */
export function operationFinding(
  { rules, settings }: RunContext,
  { _id, npub, mint_url, state, rev }: MeltOperation,
  told: Pick<Finding, 'amount' | 'age_s' | 'note'> & { type: OperationFindingType },
): Finding | null {
  const { type } = told;
  const action = actionOf({ type, operation_open: true, was_sent: false }, rules);
  if (action === null) return null;
  const named = { type, npub, mint_url, y: null, token_id: null, operation_id: _id };
  return {
    ...{ key: findingKey(named), ...named, ...told },
    severity: severityOf(type, null, settings),
    action: type === 'OPERATION_WITHOUT_TOKENS' ? 'report' : action,
    done: false,
    expected: {
      ...{ token_status: null, reserved_by: null, coins: null, mint_state: null },
      operation_state: state,
      operation_rev: rev,
    },
  };
}
