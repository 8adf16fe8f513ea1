import { createHash } from 'node:crypto';
import { canonicalize } from 'json-canonicalize';
import { z } from 'zod';
import { MAX_AMOUNT } from './amount.ts';
import { CashuOpsError, SEVERITIES } from './errors.ts';
import { FINDING_TYPES } from './finding.ts';
import { FINDING_ACTIONS, isRepairOf } from './finding_action.ts';
import type { OperationState } from './melt_operation.ts';
import { MINT_STATES, TOKEN_STATUSES } from './proof.ts';
import type { Finding } from './reconcile_run.ts';

/*
 * What a reconciliation would do, as a file that a person can read, keep and hand over: each row
 * with the state that it expects, and a hash over everything, so that exactly this is done or
 * refused. It holds no secret.
 */

export const PLAN_SCHEMA = 'cashu-ops/reconcile-plan@1';

/** A plan file is not read beyond this (bytes). */
export const PLAN_BYTES_MAX = 256 * 1024 * 1024;

const id = z.string().min(1).max(500);
const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));
const OPERATION_STATES = [
  'prepared',
  'swapping',
  'submitting',
  'pending',
  'needs_attention',
  'paid',
  'paid_again',
  'failed',
] as const satisfies readonly OperationState[];

const expectedSchema = z.strictObject({
  token_status: z.enum(TOKEN_STATUSES).nullable(),
  reserved_by: id.nullable(),
  coins: hex(64).nullable(),
  mint_state: z.enum(MINT_STATES).nullable(),
  operation_state: z.enum(OPERATION_STATES).nullable(),
  operation_rev: z.int().min(0).nullable(),
});

const planRowSchema = z.strictObject({
  key: hex(32),
  type: z.enum(FINDING_TYPES),
  severity: z.enum(SEVERITIES),
  amount: z.int().min(0).max(MAX_AMOUNT),
  y: z
    .string()
    .regex(/^0[23][0-9a-f]{64}$/)
    .nullable(),
  npub: id,
  mint_url: z.string().min(1).max(2_000),
  token_id: id.nullable(),
  operation_id: id.nullable(),
  age_s: z.int().min(0).nullable(),
  action: z.enum(FINDING_ACTIONS),
  note: z.string().max(2_000).nullable(),
  expected: expectedSchema,
});

/** A row says one thing: its action fits its type, and it expects what its type says. */
const rowSchema = planRowSchema.superRefine((row, context) => {
  if (!isSound(row)) context.addIssue({ code: 'custom', message: 'contradicts itself' });
});

function isSound(row: z.infer<typeof planRowSchema>): boolean {
  const { action, type, y, token_id, operation_id, expected } = row;
  if (!isRepairOf(action, type)) return false;
  if (action === 'resolve_operation') return operation_id !== null;
  if (token_id === null) return false;
  if (action === 'unreserve') return expected.reserved_by !== null;
  if (y === null) return false;
  const [, status, state] = /^DB_([A-Z]+)_MINT_([A-Z]+)$/.exec(type) ?? [];
  if (status === undefined) return true;
  return expected.token_status === status.toLowerCase() && expected.mint_state === state;
}

/** One repair of a plan: a finding that is not done yet. */
export type PlanRow = Omit<Finding, 'done'>;

const headerSchema = z.object({
  schema: z.literal(PLAN_SCHEMA),
  run_id: id,
  created_at: z.iso.datetime(),
  /** Names the database that the plan was made for. */
  database: id,
});
export type PlanHeader = z.infer<typeof headerSchema>;

const planSchema = z.strictObject({
  ...headerSchema.shape,
  rows: z.array(rowSchema),
  sha256: hex(64),
});
export type ReconcilePlan = z.infer<typeof planSchema>;

/** The row of a finding. */
export function planRow({ done: _, ...row }: Finding): PlanRow {
  return row;
}

/** Hashes a plan bit by bit, because its rows may be many. */
export class PlanHash {
  readonly #hash = createHash('sha256');

  constructor({ schema, run_id, created_at, database }: PlanHeader) {
    this.#hash.update(canonicalize({ schema, run_id, created_at, database }));
  }

  add(row: PlanRow): void {
    this.#hash.update(`\n${canonicalize(row)}`);
  }

  digest(): string {
    return this.#hash.digest('hex');
  }
}

/**
 * Reads a plan.
 *
 * @throws CashuOpsError INVALID_ARGUMENT for anything that is no plan, or one that was changed or
 *   cut; says nothing about whether it still fits the database
 */
export function parsePlan(text: string): ReconcilePlan {
  const parsed = planSchema.safeParse(parsedJson(text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw notAPlan(`${issue?.path.join('.') || 'the file'} is not as it should be`);
  }
  const plan = parsed.data;
  const hash = new PlanHash(plan);
  for (const row of plan.rows) hash.add(row);
  if (hash.digest() !== plan.sha256) {
    throw notAPlan('its hash does not fit its rows, so it was changed or cut');
  }
  return plan;
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw notAPlan('it is not JSON');
  }
}

function notAPlan(why: string): CashuOpsError {
  return new CashuOpsError(
    'INVALID_ARGUMENT',
    `The file is no plan of a reconciliation: ${why}. Nothing was changed; make one with "cashu-ops reconcile --all --plan-out FILE".`,
  );
}
