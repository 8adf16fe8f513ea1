import type { AuditActor } from '../../domain/audit_event.ts';
import type { AuditRecord } from '../../domain/audit_record.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import type { Explanation } from '../../domain/explanation.ts';
import { holdsSecret, secretsOf } from '../../domain/known_secrets.ts';
import type { MeltOperation, StoredOutput } from '../../domain/melt_operation.ts';
import { secretLikeIn } from '../../domain/redact.ts';
import { shellWord } from '../../domain/shell_word.ts';
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
  assertNoSecret(bundle, secretsOf([operation, ...others]));
  return { json: `${JSON.stringify(bundle, null, 2)}\n`, operation };
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

/** Field by field, so that the error can name the one; then as a whole, as it will be read. */
function assertNoSecret(bundle: Bundle, secrets: ReadonlySet<string>): void {
  const { operation, other_tries, events } = bundle;
  for (const event of events) {
    refuseSecrets(event, `of event ${event.id}`, `audit show ${event.id}`, secrets);
  }
  for (const one of [operation, ...other_tries]) {
    const id = String(one._id);
    refuseSecrets(one, `of operation ${id}`, `audit explain ${shellWord(id)}`, secrets);
  }
  const next = `audit explain ${shellWord(String(operation._id))}`;
  refuseSecrets(bundle.explanation, 'of the explanation', next, secrets);
  refuseSecrets({ whole: bundle }, 'of it', next, secrets);
}

function refuseSecrets(
  fields: object,
  where: string,
  next: string,
  secrets: ReadonlySet<string>,
): void {
  for (const [name, value] of Object.entries(fields)) {
    const text = JSON.stringify({ [name]: value }, null, 2);
    const isOne = holdsSecret(text, secrets);
    const like = secretLikeIn(text);
    if (!isOne && like === null) continue;
    const is = isOne ? 'holds a secret of the payment' : `looks like a secret (${like})`;
    throw new CashuOpsError(
      'BUNDLE_REFUSED',
      `The bundle was not written: the ${name} ${where} ${is}.`,
      { next_command: `cashu-ops ${next}` },
    );
  }
}
