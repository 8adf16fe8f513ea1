/**
 * Every series that the tool writes, with its help. The node exporter refuses a name whose help
 * differs between two files, so it never depends on the run.
 */
export const METRICS = {
  cashu_ops_last_run_timestamp_seconds: 'When a command last ended, in unix seconds.',
  cashu_ops_last_success_timestamp_seconds:
    'When a command last ended with exit code 0, in unix seconds.',
  cashu_ops_last_exit_code: 'Exit code of the last run of a command.',
  cashu_ops_last_duration_seconds: 'How long the last run of a command took.',
  cashu_ops_database_readable: 'Whether the last command could read the database: 1 or 0.',
  cashu_ops_operations: 'Melt operations by state.',
  cashu_ops_open_operations: 'Open melt operations by age.',
  cashu_ops_oldest_open_operation_age_seconds: 'Age of the oldest open melt operation; 0 for none.',
  cashu_ops_locked_sats: 'Value of the coins that open melt operations hold, in sat.',
  cashu_ops_reconciliation_timestamp_seconds:
    'When the last reconciliation of all wallets ended, in unix seconds.',
  cashu_ops_reconciliation_complete_timestamp_seconds:
    'When a reconciliation of all wallets last left nothing unknown, in unix seconds.',
  cashu_ops_findings: 'Findings of the last reconciliation of all wallets by severity.',
  cashu_ops_critical_findings_open:
    'CRITICAL findings of the last reconciliation of all wallets that are not repaired.',
  cashu_ops_sats_at_risk:
    'Value of the findings of the last reconciliation of all wallets by severity, in sat.',
  cashu_ops_alerts_undelivered: 'Alerts that were not delivered yet.',
  cashu_ops_oldest_undelivered_alert_age_seconds:
    'Age of the oldest alert that was not delivered yet; 0 for none.',
} as const satisfies Record<`cashu_ops_${string}`, string>;

export type MetricName = keyof typeof METRICS;

/** One value of a series. */
export interface Sample {
  name: MetricName;
  labels: Readonly<Record<string, string>>;
  value: number;
}

/** Series of one command each: they outlive a run of another command. */
export const OF_COMMANDS = [
  'cashu_ops_last_run_timestamp_seconds',
  'cashu_ops_last_success_timestamp_seconds',
  'cashu_ops_last_exit_code',
  'cashu_ops_last_duration_seconds',
] as const satisfies readonly MetricName[];
