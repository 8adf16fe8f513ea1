import type { FindingType } from '../../src/domain/finding.ts';
import type { Finding, OpenOperationView, ReconcileRun } from '../../src/domain/reconcile_run.ts';
import type { ReconcileRequest } from '../../src/services/reconciliation/reconciler.ts';
import type { MeltGroundOptions } from './melt_ground.ts';
import { type ReconcileGround, reconcileGround } from './reconcile_ground.ts';

export interface RunGround extends ReconcileGround {
  /** Runs a reconciliation of the wallet, and reads everything that it kept. */
  reconcile(more?: RunOptions): Promise<RunOutcome>;
}

export interface RunOptions extends Partial<Omit<ReconcileRequest, 'scope'>> {
  scope?: Partial<ReconcileRequest['scope']>;
  interrupted?: AbortSignal;
}

export interface RunOutcome {
  run: ReconcileRun;
  findings: Finding[];
  operations: OpenOperationView[];
}

/** A ground on which whole wallets are reconciled. */
export async function runGround(options: MeltGroundOptions = {}): Promise<RunGround> {
  const ground = await reconcileGround(options);
  const { reconciler } = ground.ops;
  return {
    ...ground,
    async reconcile({ scope, interrupted, ...more } = {}) {
      const run = await reconciler.run(
        {
          scope: {
            npubs: [ground.npub],
            mint_url: null,
            shard: null,
            deep: false,
            older_than_ms: null,
            ...scope,
          },
          apply: false,
          repair: [],
          wait_lock_ms: 0,
          fail_on: 'HIGH',
          fail_above_sat: 0,
          ...more,
        },
        { interrupted: interrupted ?? new AbortController().signal, onProgress: () => {} },
      );
      return {
        run,
        findings: await listOf(reconciler.findings.findings(run._id)),
        operations: await listOf(reconciler.findings.operations(run._id)),
      };
    },
  };
}

/** A finding without what differs from run to run. */
export function briefly({ type, severity, amount, action, done }: Finding) {
  return { type, severity, amount, action, done };
}

/** Types of findings, sorted, with how often each stands. */
export function typesOf(findings: readonly Finding[]): Partial<Record<FindingType, number>> {
  const counts: Partial<Record<FindingType, number>> = {};
  for (const { type } of [...findings].sort((a, b) => (a.type < b.type ? -1 : 1))) {
    counts[type] = (counts[type] ?? 0) + 1;
  }
  return counts;
}

/** Everything that a stream gives. */
export async function listOf<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}
