import { AUDIT_LOG } from './collections.ts';
import type { IndexKey, IndexSpec } from './indexes.ts';

/** The index that gives each place in a chain of audit events to one event. */
export const CHAIN_INDEX = 'audit_chain_unique';

interface AuditLookup {
  /** Names of what events are looked for by; together they are one thing. */
  by: readonly string[];
  /** Every event has it; otherwise those that lack it are left out. */
  always?: true;
  /** Decided by the index alone, without a look at the event. */
  also?: string;
}

/**
 * One index for each thing that events are looked for by. Every event that is written pays for each,
 * so there is none for a combination that one of these bounds well: \`bench/audit.ts\` asserts it.
 */
const AUDIT_LOOKED_FOR_BY: readonly AuditLookup[] = [
  { by: ['npub'] },
  // A wallet that hardly ever pays, of an owner with very many events at another mint.
  { by: ['npub', 'mint_url'] },
  { by: ['mint_url'] },
  { by: ['operation_id'] },
  { by: ['quote_id'] },
  { by: ['transaction_id'] },
  { by: ['type'], always: true },
  { by: ['severity'], always: true, also: 'type' },
  { by: ['actor.user'], always: true },
  // The host first: one user acts on very many, and jobs have a new one each time.
  { by: ['actor.host', 'actor.user'], always: true },
];

function auditIndex({ by, always, also }: AuditLookup): IndexSpec {
  const equal = Object.fromEntries(by.map((field) => [field, 1 as const]));
  const key: IndexKey = { ...equal, time: -1, _id: -1, ...(also !== undefined && { [also]: 1 }) };
  return {
    collection: AUDIT_LOG,
    name: Object.entries(key)
      .map(([field, order]) => `${field}_${order}`)
      .join('_'),
    key,
    // A comparison with a text holds for each text, and for no null.
    ...(!always && {
      partialFilterExpression: Object.fromEntries(by.map((field) => [field, { $gt: '' }])),
    }),
  };
}

export const AUDIT_INDEXES: readonly IndexSpec[] = [
  {
    collection: AUDIT_LOG,
    name: CHAIN_INDEX,
    key: { chain: 1, seq: 1 },
    unique: true,
    // Events from before there were chains have no place.
    partialFilterExpression: { chain: { $exists: true } },
  },
  ...AUDIT_LOOKED_FOR_BY.map(auditIndex),
  { collection: AUDIT_LOG, name: 'time_-1__id_-1', key: { time: -1, _id: -1 } },
];
