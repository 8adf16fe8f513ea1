/** How long ago something was, in whole seconds; a clock that runs behind makes nothing negative. */
export function ageInSeconds(since: Date, now: Date): number {
  return Math.max(0, Math.floor((now.getTime() - since.getTime()) / 1000));
}
