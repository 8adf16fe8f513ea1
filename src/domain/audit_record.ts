import { z } from 'zod';
import { CHAIN_VERSION, type ChainLink, eventHash } from './audit_chain.ts';
import { type AuditEvent, auditEventSchema } from './audit_event.ts';

/** An event as it was read: sound, or something that a hand or another version wrote. */
export type AuditRecord =
  | (AuditEvent & {
      id: string;
      /** Null for an event from before there were chains. */
      link: Pick<ChainLink, 'chain' | 'seq' | 'prev' | 'hash'> | null;
      /** Its own hash does not fit what it says: somebody changed it after it was written. */
      changed: boolean;
      damaged: null;
    })
  | DamagedRecord;

/** What can be said of an event that cannot be read. */
export interface DamagedRecord {
  id: string;
  /** Names of the fields that are wrong; their values are nobody's business. */
  damaged: string[];
  time: Date | null;
}

const linkSchema = z.object({
  chain: z.string(),
  seq: z.int().min(1),
  prev: z.string(),
  hash: z.string(),
});
const LINK_FIELDS = ['chain_version', 'chain', 'seq', 'prev', 'hash'] as const;

/**
 * The border for what stands in the audit log.
 *
 * @param document as it was read, without its `_id`
 * @param id in hex
 */
export function readRecord(id: string, document: Record<string, unknown>): AuditRecord {
  const event = { ...document };
  for (const field of LINK_FIELDS) delete event[field];
  const parsed = auditEventSchema.safeParse(event);
  const link = 'chain' in document ? linkSchema.safeParse(document) : null;
  if (parsed.success && (link === null || link.success)) {
    const changed = link !== null && !fitsItsHash(id, document);
    return { ...parsed.data, id, link: link?.data ?? null, changed, damaged: null };
  }
  const issues = [...(parsed.error?.issues ?? []), ...(link?.error?.issues ?? [])];
  const paths = issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys' ? ['an unknown field'] : [issue.path.join('.') || 'type'],
  );
  const time = document.time instanceof Date ? document.time : null;
  return { id, damaged: [...new Set(paths)], time };
}

/** Of another version nothing can be said. */
function fitsItsHash(id: string, document: Record<string, unknown>): boolean {
  if (document.chain_version !== CHAIN_VERSION) return true;
  return eventHash({ ...document, id }) === document.hash;
}
