import { z } from 'zod';
import { MAX_AMOUNT } from './amount.ts';

/*
 * What may stand in the audit log. An event is made of names, ids, numbers and states: there is no
 * field that could hold a proof, and the one free text is cleaned of everything that looks like one.
 */

/** Events of one melt: they name the operation, its wallet and its quote. */
export const MELT_EVENTS = [
  'melt_prepared',
  'melt_swapping',
  'melt_swapped',
  'melt_submitted',
  'melt_pending',
  'melt_observed',
  'melt_paid',
  'melt_failed',
  'melt_needs_attention',
] as const;

/** Events that change or check the coins of one wallet. */
export const WALLET_EVENTS = [
  'atomic_melt',
  'wallet_created',
  'wallet_updated',
  'tokens_stored',
  'tokens_marked_spent',
  'token_split',
  'token_given_back',
  'duplicate_resolved',
  'change_recovered',
  'preflight_blocked',
  'preflight_passed',
  'proof_state_reconciled',
  'post_melt_reconciliation',
  'lease_taken_over',
] as const;

/** Events that concern no single wallet. */
export const SYSTEM_EVENTS = [
  'reconcile_started',
  'reconcile_run',
  'melts_stopped',
  'melts_resumed',
  'policy_changed',
  'store_prepared',
  'audit_exported',
  'audit_bundled',
  'audit_pruned',
  'journal_replayed',
] as const;

export const AUDIT_EVENT_TYPES = [...MELT_EVENTS, ...WALLET_EVENTS, ...SYSTEM_EVENTS] as const;
export type AuditEventType = (typeof AUDIT_EVENT_TYPES)[number];

export const AUDIT_SEVERITIES = ['INFO', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL'] as const;
export type AuditSeverity = (typeof AUDIT_SEVERITIES)[number];

export const COMPLIANCE_LEVELS = ['STANDARD', 'HIGH', 'CRITICAL'] as const;
export type ComplianceLevel = (typeof COMPLIANCE_LEVELS)[number];

/** So many coins are named one by one; beyond that the number of them must do. */
export const AUDIT_YS_MAX = 1_000;
export const NOTE_LENGTH_MAX = 500;

/** Cashu tokens, well-known secrets (NUT-10) and long digits: secrets, blinding factors, preimages. */
const SECRET_LIKE = /cashu[AB][\w+/=-]{8,}|\[\s*"(?:P2PK|HTLC)"[^\]]*\]?|[0-9a-f]{64,}/gi;
// biome-ignore lint/suspicious/noControlCharactersInRegex: text from outside may steer a terminal.
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g;

/**
 * Makes free text fit for the audit log: no secret, no control character, not endless.
 *
 * It cleans instead of refusing, because an event is written in the transaction that moves money,
 * which must not fail for a remark.
 */
export function cleanNote(text: string): string {
  const clean = text.replace(SECRET_LIKE, '[removed]').replace(CONTROL, ' ').trim();
  return clean.length > NOTE_LENGTH_MAX ? `${clean.slice(0, NOTE_LENGTH_MAX - 1)}…` : clean;
}

const name = z.string().min(1).max(200);
const point = z.string().regex(/^0[23][0-9a-f]{64}$/);
const sat = z.int().min(-MAX_AMOUNT).max(MAX_AMOUNT);

/** The border for who acts. */
export const actorSchema = z.strictObject({
  user: name,
  host: name,
  command: name,
  version: name,
  /** The reconciliation that it belongs to. */
  run: name.nullable().default(null),
});
/** Who did it, from where, with which command. */
export type AuditActor = z.input<typeof actorSchema>;

const common = {
  time: z.date(),
  severity: z.enum(AUDIT_SEVERITIES),
  compliance_level: z.enum(COMPLIANCE_LEVELS),
  actor: actorSchema,
  operation_id: name.nullable().default(null),
  transaction_id: name.nullable().default(null),
  quote_id: name.nullable().default(null),
  /** Name of the amount to sat. */
  amounts: z.record(z.string().regex(/^[a-z][a-z0-9_]{0,39}$/), sat).default({}),
  /** Names of states. */
  before: z.string().max(40).nullable().default(null),
  after: z.string().max(40).nullable().default(null),
  /** Public names of the coins concerned. */
  ys: z.array(point).max(AUDIT_YS_MAX).default([]),
  timings_ms: z.record(z.string().regex(/^[a-z][a-z0-9_]{0,39}$/), z.number().min(0)).default({}),
  note: z.string().transform(cleanNote).nullable().default(null),
  /** Of what never changes in an operation; too short for a secret. */
  digest: z
    .string()
    .regex(/^[0-9a-f]{40}$/)
    .nullable()
    .default(null),
};
const wallet = { npub: name, mint_url: z.string().min(1).max(500) };

/** The border of the audit log: strict, so an unknown field is an error and not a leak. */
export const auditEventSchema = z.discriminatedUnion('type', [
  z.strictObject({
    ...common,
    ...wallet,
    type: z.enum(MELT_EVENTS),
    operation_id: name,
    transaction_id: name,
    quote_id: name,
  }),
  z.strictObject({ ...common, ...wallet, type: z.enum(WALLET_EVENTS) }),
  z.strictObject({
    ...common,
    type: z.enum(SYSTEM_EVENTS),
    npub: wallet.npub.nullable().default(null),
    mint_url: wallet.mint_url.nullable().default(null),
  }),
]);

/** What must never stand in an event, wherever in it (NUT-00, NUT-05, NUT-11). */
type SecretField =
  | ('secret' | 'C' | 'witness' | 'dleq' | 'r' | 'proofs' | 'inputs' | 'blanks' | 'preimage')
  | ('blindingFactor' | 'blinding_factor' | 'p2pk_privkey' | 'encoded_token' | 'invoice');

/** The names of all fields, also of those inside of others. */
type FieldsOf<T> = T extends Date | string | number | boolean | null | undefined
  ? never
  : T extends readonly (infer Item)[]
    ? FieldsOf<Item>
    : { [Key in keyof T]-?: (string extends Key ? never : Key) | FieldsOf<T[Key]> }[keyof T];

/** Nothing at all where it has a field for a secret: whatever makes or reads it does not compile. */
export type WithoutSecrets<T> = [Extract<FieldsOf<T>, SecretField>] extends [never] ? T : never;

/** An event as it is stored: every field is there. */
export type AuditEvent = WithoutSecrets<z.output<typeof auditEventSchema>>;

type Filled = 'time' | 'actor' | 'compliance_level';
type WithFilled<E> = E extends unknown
  ? Omit<E, Filled> & Partial<Pick<E, Filled & keyof E>>
  : never;
/** An event as it is handed over: time, actor and compliance level are filled in when absent. */
export type AuditEventData = WithFilled<WithoutSecrets<z.input<typeof auditEventSchema>>>;

const MOVES_MONEY: ReadonlySet<AuditEventType> = new Set([
  'melt_submitted',
  'melt_paid',
  'melt_needs_attention',
  'atomic_melt',
  'tokens_marked_spent',
  'token_split',
  'token_given_back',
  'duplicate_resolved',
  'change_recovered',
  'melts_stopped',
  'melts_resumed',
  'policy_changed',
  'audit_pruned',
]);

/** How carefully an event must be kept: CRITICAL trouble, what moves money or lets it move, everything else. */
export function complianceLevelOf(type: AuditEventType, severity: AuditSeverity): ComplianceLevel {
  if (severity === 'CRITICAL') return 'CRITICAL';
  return severity === 'HIGH' || MOVES_MONEY.has(type) ? 'HIGH' : 'STANDARD';
}
