import { mongo } from 'mongoose';
import {
  type AuditActor,
  type AuditEvent,
  type AuditEventData,
  auditEventSchema,
  complianceLevelOf,
} from '../domain/audit_event.ts';
import { CashuOpsError } from '../domain/errors.ts';
import { AUDIT_LOG } from './collections.ts';
import type { Store } from './connection.ts';
import { translated } from './errors.ts';

export type AuditEntry = AuditEvent & { _id: mongo.ObjectId };

/** The tool's own record of what it did. It only ever grows. */
export interface AuditLog {
  /**
   * Writes one event.
   *
   * @param session the transaction that the event belongs to; null writes it on its own
   * @throws CashuOpsError INVALID_ARGUMENT for an event with unknown or missing fields. Inside a
   *   session errors of the database pass unchanged, because the transaction's retry needs them.
   */
  createAuditLogEntry(
    session: mongo.ClientSession | null,
    data: AuditEventData,
  ): Promise<AuditEntry>;
}

export interface AuditLogOptions {
  /** Who acts, for events that do not say it themselves. */
  actor: AuditActor;
  now?: () => Date;
}

/** @param store the open database that holds the log */
export function auditLog(
  store: Pick<Store, 'db'>,
  { actor, now = () => new Date() }: AuditLogOptions,
): AuditLog {
  const entries = store.db.collection<AuditEntry>(AUDIT_LOG);
  return {
    async createAuditLogEntry(session, data) {
      const entry: AuditEntry = { _id: new mongo.ObjectId(), ...toEvent(data, actor, now()) };
      if (session !== null) {
        await entries.insertOne(entry, { session });
        return entry;
      }
      try {
        await entries.insertOne(entry);
      } catch (error) {
        throw translated(error);
      }
      return entry;
    },
  };
}

function toEvent(data: AuditEventData, actor: AuditActor, now: Date): AuditEvent {
  const parsed = auditEventSchema.safeParse({
    ...data,
    time: data.time ?? now,
    actor: data.actor ?? actor,
    compliance_level: data.compliance_level ?? complianceLevelOf(data.type, data.severity),
  });
  if (parsed.success) return parsed.data;
  // Only paths: zod's messages may quote what was given.
  const paths = parsed.error.issues.map(
    ({ path, code }) => `${path.join('.') || 'event'} (${code})`,
  );
  throw new CashuOpsError(
    'INVALID_ARGUMENT',
    `The audit event "${data.type}" is not valid: ${paths.join(', ')}.`,
  );
}
