import { severityOf } from '../../domain/finding.ts';
import { actionOf } from '../../domain/finding_action.ts';
import { type Finding, findingKey } from '../../domain/reconcile_run.ts';
import { tokensOf } from '../../store/documents.ts';
import { toObjectId } from '../../store/new_token.ts';
import { translating } from '../../store/translating.ts';
import type { RunContext } from './run_context.ts';

/**
 * An operation whose request was never sent is released, and its coins are free; one that the mint
 * calls spent all the same was spent by somebody else. That is another finding, and the graver one.
 *
 * @param findings about coins of operations that were released
 */
export async function spentAfterRelease(
  { store, rules, settings }: RunContext,
  findings: readonly Finding[],
): Promise<Finding[]> {
  const spent = findings.filter(({ type }) => type === 'DB_PENDING_MINT_SPENT');
  const ids = new Set(spent.flatMap(({ token_id }) => token_id ?? []));
  if (ids.size === 0) return [];
  const free = await translating(() =>
    tokensOf(store.db)
      .find({ _id: { $in: [...ids].map((id) => toObjectId(id, 'A token id')) }, status: 'unspent' })
      .project<{ _id: unknown }>({ _id: 1 })
      .toArray(),
  );
  const freeIds = new Set(free.map(({ _id }) => String(_id)));
  return spent.flatMap((finding): Finding[] => {
    const type = 'DB_UNSPENT_MINT_SPENT';
    const action = actionOf({ type, operation_open: false, was_sent: false }, rules);
    if (action === null || !freeIds.has(finding.token_id ?? '')) return [];
    const free = { ...finding, type, operation_id: null } as const;
    return [
      {
        ...free,
        key: findingKey(free),
        severity: severityOf(type, null, settings),
        action,
        done: false,
        note: `operation ${finding.operation_id} was released, and something else has spent the coin`,
        expected: {
          ...finding.expected,
          token_status: 'unspent',
          reserved_by: null,
          operation_state: null,
          operation_rev: null,
        },
      },
    ];
  });
}
