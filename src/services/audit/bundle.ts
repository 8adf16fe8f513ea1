import type { AuditActor } from '../../domain/audit_event.ts';
import type { AuditRecord } from '../../domain/audit_record.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import type { Explanation } from '../../domain/explanation.ts';
import { holdsSecret, secretsOf } from '../../domain/known_secrets.ts';
import type { MeltOperation, StoredOutput } from '../../domain/melt_operation.ts';
import { redact } from '../../domain/redact.ts';
import { type ExplainDeps, explainSubject } from './explain.ts';
import { findSubject } from './find_subject.ts';

/** Everything about one payment that may leave the machine: names, hashes, numbers and states. */
export interface Bundle {
  schema: 'cashu-ops/audit-bundle@1';
  made_at: Date;
  made_by: AuditActor;
  explanation: Explanation;
  operation: Record<string, unknown>;
  other_tries: Record<string, unknown>[];
  /** With their places in the chain, so that whoever gets it can check them. */
  events: AuditRecord[];
}

/** Fields of an operation that are copied as they are: none of them is, or holds, a secret. */
const COPIED = [
  ...(['_id', 'rev', 'state', 'transaction_id', 'operation_hash', 'npub', 'mint_url'] as const),
  ...(['unit', 'payment_hash', 'quote_id', 'quote_expiry', 'amount', 'fee_reserve'] as const),
  ...(['input_fee', 'keep_amount', 'source_token_ids', 'refusal', 'observations'] as const),
  ...(['released_by', 'actor', 'created_at', 'updated_at', 'submitted_at', 'settled_at'] as const),
  ...(['failed_at', 'reason', 'lightning_fee', 'change_amount', 'preimage_valid'] as const),
  ...(['paid_first', 'brought_back'] as const),
];

/**
 * Puts a bundle together, and holds it against every secret of the payment before it is handed out.
 *
 * @param text names the payment, see `parseSubjectId`
 * @returns the bundle as JSON, and whose it is
 * @throws CashuOpsError OPERATION_NOT_FOUND, INVALID_ARGUMENT where it is no payment, BUNDLE_REFUSED
 *   where something in it is a secret
 */
export async function makeBundle(
  deps: ExplainDeps,
  text: string,
  { made_at, made_by }: Pick<Bundle, 'made_at' | 'made_by'>,
): Promise<{ json: string; operation: MeltOperation }> {
  const subject = await findSubject(deps.subjects, text);
  if (subject.kind !== 'payment') {
    throw new CashuOpsError(
      'INVALID_ARGUMENT',
      'A bundle is of a payment, and this names none that is in the database.',
    );
  }
  const { operation, others } = subject;
  const [explanation, events] = await Promise.all([
    explainSubject(deps, { ...subject, by_own_id: true }),
    deps.subjects.eventsOf(operation._id),
  ]);
  const bundle: Bundle = {
    ...{ schema: 'cashu-ops/audit-bundle@1', made_at, made_by, explanation },
    operation: withoutSecrets(operation),
    other_tries: others.map(withoutSecrets),
    events,
  };
  const json = `${JSON.stringify(bundle, null, 2)}\n`;
  assertNoSecret(json, [operation, ...others]);
  return { json, operation };
}

function withoutSecrets(operation: MeltOperation): Record<string, unknown> {
  const all = operation as unknown as Record<string, unknown>;
  const { inputs, blanks, swap } = operation;
  return {
    ...Object.fromEntries(COPIED.flatMap((key) => (key in all ? [[key, all[key]]] : []))),
    inputs: inputs.map(coinOf),
    blanks: blanks.map(outputOf),
    swap:
      swap === null
        ? null
        : {
            ...{ fee: swap.fee, keep_amount: swap.keep_amount },
            inputs: swap.inputs.map(coinOf),
            send_outputs: swap.send_outputs.map(outputOf),
            keep_outputs: swap.keep_outputs.map(outputOf),
          },
  };
}

function coinOf({ Y, amount, id }: MeltOperation['inputs'][number]) {
  return { Y, amount, keyset: id };
}

function outputOf({ blindedMessage: { amount, id } }: StoredOutput) {
  return { amount: Number(amount), keyset: id };
}

function assertNoSecret(json: string, operations: readonly MeltOperation[]): void {
  if (!holdsSecret(json, secretsOf(operations)) && redact(json) === json) return;
  throw new CashuOpsError(
    'BUNDLE_REFUSED',
    'Something in the bundle is a secret of the payment, or looks like one, so it was not written: a field of the operation or a note was changed by hand. Look at it with "cashu-ops audit explain".',
  );
}
