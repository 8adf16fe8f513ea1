import { momentOf } from '../../cli/moment.ts';
import { nearest } from '../../cli/nearest.ts';
import { AUDIT_EVENT_TYPES, AUDIT_SEVERITIES } from '../../domain/audit_event.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import { parseMintUrl } from '../../domain/mint_url.ts';
import { parseNpub } from '../../domain/npub.ts';
import { printable } from '../../domain/printable.ts';
import type { AuditFilter } from '../../store/audit_reads.ts';

/** Which events; the same for every command that reads many of them. */
export interface FilterFlags {
  npub?: string;
  mint?: string;
  operation?: string;
  quote?: string;
  tx?: string;
  type?: string[];
  severity?: string;
  since?: string;
  until?: string;
  actor?: string;
}

/**
 * The filter that flags mean.
 *
 * @param now what `2h` is counted back from
 * @throws CashuOpsError INVALID_ARGUMENT, INVALID_NPUB, INVALID_MINT_URL
 */
export function filterOf(flags: FilterFlags, now: Date): AuditFilter {
  const since = momentFlag('--since', flags.since, now);
  const until = momentFlag('--until', flags.until, now);
  if (since !== undefined && until !== undefined && since >= until) {
    throw refused(
      `--since (${since.toISOString()}) is not before --until (${until.toISOString()}), so no event can lie between them.`,
    );
  }
  if (since !== undefined && since > now) {
    throw refused(`--since (${since.toISOString()}) lies in the future, so there is no event yet.`);
  }
  return {
    npub: flags.npub === undefined ? undefined : parseNpub(flags.npub),
    mint_url: flags.mint === undefined ? undefined : parseMintUrl(flags.mint),
    operation_id: idFlag('--operation', flags.operation),
    quote_id: idFlag('--quote', flags.quote),
    transaction_id: idFlag('--tx', flags.tx),
    types: flags.type?.map(typeNamed),
    severities: flags.severity === undefined ? undefined : severitiesFrom(flags.severity),
    actor: flags.actor === undefined ? undefined : actorNamed(flags.actor),
    since,
    until,
  };
}

/** Nothing has an empty id, so it is a variable that somebody meant to set. */
function idFlag(flag: string, text: string | undefined): string | undefined {
  if (text === undefined || text.trim() !== '') return text;
  throw refused(`${flag} is empty: put an id behind it, or leave it out.`);
}

function momentFlag(flag: string, text: string | undefined, now: Date): Date | undefined {
  if (text === undefined) return undefined;
  const moment = momentOf(text, now);
  if (moment !== null) return moment;
  throw refused(
    `${flag} is "${printable(text, 40)}", which is no time. Say how long ago, as 2h or 30d, or a moment, as 2026-11-21 or 2026-11-21T18:05Z.`,
  );
}

function typeNamed(text: string): string {
  const name = text.trim().toLowerCase();
  const type = AUDIT_EVENT_TYPES.find((known) => known === name);
  if (type !== undefined) return type;
  const meant = nearest(name, AUDIT_EVENT_TYPES);
  const hint = meant === null ? '' : ` Did you mean ${meant}?`;
  throw refused(
    `There is no event of that type.${hint} "cashu-ops audit list --help" names them all.`,
  );
}

/** A severity and everything above it. */
function severitiesFrom(text: string): string[] {
  const name = text.trim().toUpperCase();
  const lowest = AUDIT_SEVERITIES.find((known) => known === name);
  if (lowest === undefined) {
    throw refused(`--severity must be one of ${AUDIT_SEVERITIES.join(', ')}.`);
  }
  return AUDIT_SEVERITIES.slice(AUDIT_SEVERITIES.indexOf(lowest));
}

function actorNamed(text: string): { user: string; host?: string } {
  const [user = '', host, ...more] = text.trim().split('@');
  if (user === '' || host === '' || more.length > 0) {
    throw refused('--actor must be a user, or user@host, as "cashu-ops audit list" shows them.');
  }
  return host === undefined ? { user } : { user, host };
}

function refused(sentence: string): CashuOpsError {
  return new CashuOpsError('INVALID_ARGUMENT', sentence);
}
