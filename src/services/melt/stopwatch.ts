import type { Durations } from './types.ts';

/** Measures named steps; a step that runs again adds up. */
export function stopwatch(durations: Durations = {}) {
  return {
    durations,
    async time<T>(step: string, work: () => Promise<T>): Promise<T> {
      const started = performance.now();
      try {
        return await work();
      } finally {
        const spent = performance.now() - started;
        durations[step] = Math.round(((durations[step] ?? 0) + spent) * 10) / 10;
      }
    },
  };
}

export type Stopwatch = ReturnType<typeof stopwatch>;
