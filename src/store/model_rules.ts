import type { Query, Schema, UpdateQuery, UpdateWithAggregationPipeline } from 'mongoose';
import { CashuOpsError } from '../domain/errors.ts';
import { sumProofs } from '../domain/proof.ts';
import type { TokenDocument } from './documents.ts';
import { tokenRuleBreaks } from './token_rules.ts';

/** What a query can not change, because the rules need the whole document to be checked. */
const WHOLE_DOCUMENT_FIELDS = /^(proofs|total_amount|transaction_type)(\.|$)/;
const UPDATES = ['updateOne', 'updateMany', 'findOneAndUpdate'] as const;
const REPLACEMENTS = ['replaceOne', 'findOneAndReplace'] as const;

/** Binds the rules of tokens to a schema: to documents that are saved and to updates by query. */
export function keepTokenRules(schema: Schema<TokenDocument>): void {
  schema.pre('validate', function () {
    this.spent_at = this.status === 'spent' ? (this.spent_at ?? new Date()) : null;
    this.total_amount ??= sumOf(this.proofs);
    for (const { path, message } of tokenRuleBreaks(this.toObject(), { isNew: this.isNew })) {
      this.invalidate(path, message, undefined, 'rule');
    }
  });
  schema.pre([...UPDATES], keepRulesInUpdate);
  schema.pre([...REPLACEMENTS], () => {
    throw refusedUpdate('a token is not replaced as a whole');
  });
  schema.pre('bulkWrite', () => {
    throw refusedUpdate('mongoose checks no rules in bulkWrite');
  });
}

/** Mongoose validates no update by itself, and knows nothing of fields that belong together. */
function keepRulesInUpdate(this: Query<unknown, TokenDocument>): void {
  const update = this.getUpdate();
  if (update === null) return;
  if (isPipeline(update)) throw refusedUpdate('an update of tokens is no pipeline');
  for (const path of changedPaths(update)) {
    if (WHOLE_DOCUMENT_FIELDS.test(path)) {
      throw refusedUpdate(`"${path.split('.')[0]}" changes only by saving the document`);
    }
  }
  this.setOptions({ runValidators: true });
  const status: unknown = update.$set?.status ?? update.status;
  if (status === undefined) {
    if (changedPaths(update).includes('spent_at')) {
      throw refusedUpdate('"spent_at" changes only together with the status');
    }
    return;
  }
  const given: unknown = update.$set?.spent_at ?? update.spent_at;
  const spent_at = status === 'spent' ? (given ?? new Date()) : null;
  const { $unset, ...rest } = update;
  const { spent_at: _, ...unset } = { ...$unset };
  const keepUnset = Object.keys(unset).length > 0 ? { $unset: unset } : {};
  this.setUpdate({ ...rest, ...keepUnset, $set: { ...rest.$set, spent_at } });
}

function isPipeline(
  update: UpdateQuery<TokenDocument> | UpdateWithAggregationPipeline,
): update is UpdateWithAggregationPipeline {
  return Array.isArray(update);
}

function changedPaths(update: UpdateQuery<TokenDocument>): string[] {
  return Object.entries(update).flatMap(([operator, fields]) =>
    operator.startsWith('$') ? Object.keys(fields ?? {}) : [operator],
  );
}

function refusedUpdate(why: string): CashuOpsError {
  return new CashuOpsError('INVALID_TOKEN', `The update was refused: ${why}.`);
}

/** The sum, or nothing where an amount is unsound: the rules then name that amount. */
function sumOf(proofs: readonly { amount: number }[]): number {
  return proofs.every(({ amount }) => Number.isSafeInteger(amount)) ? sumProofs(proofs) : 0;
}
