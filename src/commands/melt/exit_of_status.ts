import { EXIT, type ExitCode } from '../../cli/exit_codes.ts';
import type { MeltStatus } from '../../services/melt/types.ts';

/** The exit code of a payment by where it stands. */
export const EXIT_OF_STATUS: Readonly<Record<MeltStatus, ExitCode>> = {
  paid: EXIT.done,
  dry_run: EXIT.done,
  pending: EXIT.pending,
  failed: EXIT.failed,
  blocked: EXIT.blocked,
  conflict: EXIT.conflict,
  critical: EXIT.critical,
};
