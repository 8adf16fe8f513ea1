import { durationMs } from '../config/duration.ts';

/** `2026-11-21`, `2026-11-21T19:00`, with seconds, with `Z` or an offset; without one it is UTC. */
const INSTANT =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)(Z|[+-]\d{2}:\d{2})?)?$/i;

/**
 * Reads a moment as people write it: how long ago (`2h`, `30d`), a day, a time, or `now`.
 *
 * @param now what `2h` is counted back from
 * @returns null for what is neither, or for a day that there is not
 */
export function momentOf(text: string, now: Date): Date | null {
  if (/^\s*now\s*$/i.test(text)) return now;
  const ago = durationMs(text);
  if (ago !== null) return dateOrNull(now.getTime() - ago);
  const [, day, time = '00:00', zone = 'Z'] = INSTANT.exec(text.trim()) ?? [];
  if (day === undefined) return null;
  const moment = dateOrNull(Date.parse(`${day}T${time}${zone.toUpperCase()}`));
  // Some engines take the 31st of February for the 3rd of March.
  const midnight = dateOrNull(Date.parse(`${day}T00:00Z`));
  return midnight?.toISOString().startsWith(day) ? moment : null;
}

function dateOrNull(ms: number): Date | null {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? null : date;
}
