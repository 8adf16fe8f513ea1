import type { Finding } from '../../domain/reconcile_run.ts';

/** What became of a finding's repair. */
export interface RepairResult {
  key: string;
  done: boolean;
  /** Why not, or what else there is to know. */
  note: string | null;
  /** It was not done because the mint did not say how the coin stands now. */
  unknown?: boolean;
}

/** The same for findings of which none was repaired. */
export function undone(findings: readonly Finding[], note: string): RepairResult[] {
  return findings.map(({ key }) => ({ key, done: false, note }));
}

/** A finding about a coin. */
export function withY(finding: Finding): Finding & { y: string } {
  const { y } = finding;
  if (y === null) throw new Error(`a finding of ${finding.type} names no coin`);
  return { ...finding, y };
}
