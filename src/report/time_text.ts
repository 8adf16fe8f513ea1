/** A time for people, to the second, UTC: `2026-11-21 19:30:00`. */
export function timeText(time: Date): string {
  return time.toISOString().slice(0, 19).replace('T', ' ');
}
