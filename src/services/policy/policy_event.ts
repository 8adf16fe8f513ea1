import type { AuditEventData } from '../../domain/audit_event.ts';
import { cleanNote, NOTE_LENGTH_MAX } from '../../domain/audit_event.ts';
import { eventTypeOf, type FieldChange, namesBeyond } from '../../domain/policy_change.ts';
import { changeWords } from '../../domain/policy_words.ts';
import type { PolicyPlan } from './types.ts';

/** The audit event of a change: why first, then what. */
export function policyEvent({ from, to, changes }: PolicyPlan): AuditEventData {
  const type = eventTypeOf(from.policy, to);
  const what = changes.map((change) => changeWords(change, NAMES_MAX)).join('; ');
  const room = NOTE_LENGTH_MAX - what.length;
  const why = (to.reason ?? '').slice(0, Math.max(REASON_MIN, room - 3));
  return {
    type,
    severity: type === 'melts_stopped' ? 'MEDIUM' : 'INFO',
    npub: onlyName(changes, ['stopped_npubs', 'allowed_npubs']),
    mint_url: onlyName(changes, ['stopped_mints']),
    before: from.policy === null ? 'unreadable' : `version ${from.policy.rev}`,
    after: `version ${to.rev}`,
    note: cleanNote(`${why} (${what})`),
  };
}

/** So many names are spelled out in a note; the version has all. */
const NAMES_MAX = 2;
/** Of the reason at least so much is kept. */
const REASON_MIN = 100;

/** The one wallet or mint that a change is about, or null. */
function onlyName(changes: readonly FieldChange[], fields: readonly string[]): string | null {
  const names = changes
    .filter(({ field }) => fields.includes(field))
    .map(({ before, after }) => [listOf(before), listOf(after)] as const)
    .flatMap(([before, after]) => [...namesBeyond(before, after), ...namesBeyond(after, before)]);
  const [name, another] = new Set(names);
  return another === undefined ? (name ?? null) : null;
}

function listOf(value: FieldChange['before']): string[] {
  return Array.isArray(value) ? value : [];
}
