/** Durations as people write them: 30s, 10m, 1.5h. */

import ms from 'ms';

/** A number with a unit; a bare number is refused, because nobody remembers which unit it has. */
const WITH_UNIT = /^\d+(\.\d+)?\s?[a-z]+$/i;
const TEXT_MAX = 40;

/**
 * Reads a duration.
 *
 * @param text a number and a unit, such as `500ms`, `30s`, `10m`, `24h`, `7d`
 * @returns milliseconds, more than 0, or null when the text is no such duration
 */
export function durationMs(text: string): number | null {
  const trimmed = text.trim();
  if (trimmed.length > TEXT_MAX || !WITH_UNIT.test(trimmed)) return null;
  // The types of the library know only texts that are written out in the code.
  const duration: number | undefined = ms(trimmed as ms.StringValue);
  return Number.isSafeInteger(duration) && duration > 0 ? duration : null;
}

/** An age for a person, in its biggest whole unit: 59s, 3m; 26 hours are 1d. @param age_s seconds */
export function ageText(age_s: number): string {
  const fitting = UNITS.find(([, length_ms]) => age_s * 1000 >= length_ms);
  return fitting ? `${Math.floor((age_s * 1000) / fitting[1])}${fitting[0]}` : `${age_s}s`;
}

const UNITS: ReadonlyArray<readonly [unit: string, length_ms: number]> = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
];

/**
 * Writes a duration so that `durationMs` reads the same again: 600000 becomes `10m`, 90000 `90s`.
 * The library would round.
 *
 * @param duration_ms whole milliseconds
 */
export function durationText(duration_ms: number): string {
  const fitting = UNITS.find(([, length_ms]) => duration_ms > 0 && duration_ms % length_ms === 0);
  return fitting ? `${duration_ms / fitting[1]}${fitting[0]}` : `${duration_ms}ms`;
}
