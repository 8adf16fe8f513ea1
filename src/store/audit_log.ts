import { mongo } from 'mongoose';
import { type ChainHead, type ChainLink, chainOf, linkTo } from '../domain/audit_chain.ts';
import {
  type AuditActor,
  type AuditEvent,
  type AuditEventData,
  auditEventSchema,
  complianceLevelOf,
} from '../domain/audit_event.ts';
import { CashuOpsError } from '../domain/errors.ts';
import { AuditHeads } from './audit_heads.ts';
import { CHAIN_INDEX } from './audit_indexes.ts';
import { AUDIT_LOG } from './collections.ts';
import type { Store } from './connection.ts';
import { isWriteConflict, translated, violatedIndex } from './errors.ts';

export type AuditEntry = AuditEvent & ChainLink & { _id: mongo.ObjectId };

/** The tool's own record of what it did. It only ever grows. */
export interface AuditLog {
  /**
   * Writes one event behind the newest one of its chain.
   *
   * @param session the transaction that the event belongs to; null writes it on its own
   * @throws CashuOpsError INVALID_ARGUMENT for an event with unknown or missing fields. Inside a
   *   session errors of the database pass unchanged, because the transaction's retry needs them;
   *   where somebody else took the place in the chain, the error asks for that retry.
   */
  createAuditLogEntry(
    session: mongo.ClientSession | null,
    data: AuditEventData,
  ): Promise<AuditEntry>;
  /** For a read that is made anyway: also reads the newest event of a chain. */
  heads: AuditHeads;
}

export interface AuditLogOptions {
  /** Who acts, for events that do not say it themselves. */
  actor: AuditActor;
  now?: () => Date;
}

/** So often an event outside of transactions looks for its place before it gives up. */
const PLACES_TRIED_MAX = 50;

/** @param store the open database that holds the log */
export function auditLog(
  store: Pick<Store, 'db' | 'transactions'>,
  { actor, now = () => new Date() }: AuditLogOptions,
): AuditLog {
  const entries = store.db.collection<AuditEntry>(AUDIT_LOG);
  const heads = new AuditHeads(store);

  async function append(session: mongo.ClientSession | null, event: AuditEvent) {
    const chain = chainOf(event);
    const entry = entryBehind(await heads.of(session, chain), event);
    try {
      await entries.insertOne(entry, session === null ? {} : { session });
    } catch (error) {
      heads.forget(chain);
      throw error;
    }
    heads.moved(session, chain, entry);
    return entry;
  }

  async function appendAlone(event: AuditEvent): Promise<AuditEntry> {
    for (let tried = 1; ; tried += 1) {
      try {
        return await append(null, event);
      } catch (error) {
        if (!isPlaceTaken(error) || tried === PLACES_TRIED_MAX) throw translated(error);
      }
    }
  }

  return {
    heads,
    async createAuditLogEntry(session, data) {
      const event = toEvent(data, actor, now());
      if (session === null) return appendAlone(event);
      try {
        return await append(session, event);
      } catch (error) {
        if (isPlaceTaken(error)) error.addErrorLabel('TransientTransactionError');
        if (isPlaceTaken(error) || isWriteConflict(error)) {
          store.transactions.attemptOf(session)?.loseRace();
        }
        throw error;
      }
    },
  };
}

/** The same log, for events of somebody else. */
export function actingAs(audit: AuditLog, actor: AuditActor): AuditLog {
  return {
    heads: audit.heads,
    createAuditLogEntry: (session, data) =>
      audit.createAuditLogEntry(session, { ...data, actor: data.actor ?? actor }),
  };
}

function entryBehind(head: ChainHead, event: AuditEvent): AuditEntry {
  const _id = new mongo.ObjectId();
  return { _id, ...event, ...linkTo(head, _id.toHexString(), event) };
}

/** Somebody else has written the next event of the chain meanwhile. */
function isPlaceTaken(error: unknown): error is mongo.MongoServerError {
  return violatedIndex(error) === CHAIN_INDEX;
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
