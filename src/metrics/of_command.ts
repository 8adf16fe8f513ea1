import type { Sample } from './names.ts';

/** How a command ended, as far as metrics tell it. */
export interface RunFacts {
  command: string;
  exitCode: number;
  started_at: Date;
  duration_ms: number;
}

/** The series of the command that has run. That it did not succeed leaves its last success alone. */
export function samplesOfRun({ command, exitCode, started_at, duration_ms }: RunFacts): Sample[] {
  const labels = { command };
  const ended_s = Math.round((started_at.getTime() + duration_ms) / 1000);
  return [
    { name: 'cashu_ops_last_run_timestamp_seconds', labels, value: ended_s },
    ...(exitCode === 0
      ? [{ name: 'cashu_ops_last_success_timestamp_seconds' as const, labels, value: ended_s }]
      : []),
    { name: 'cashu_ops_last_exit_code', labels, value: exitCode },
    { name: 'cashu_ops_last_duration_seconds', labels, value: Math.round(duration_ms) / 1000 },
  ];
}
