import { actorOf } from '../../cli/actor.ts';
import type { Context } from '../../cli/context.ts';
import { EXIT } from '../../cli/exit_codes.ts';
import { jsonDocument } from '../../cli/json.ts';
import { RUNBOOK_OF_RECORD } from '../../cli/runbook.ts';
import { durationMs } from '../../config/duration.ts';
import { groupDigits } from '../../domain/amount.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import { printable } from '../../domain/printable.ts';
import type { Retention } from '../../domain/retention.ts';
import { type Io, warn } from '../../io/io.ts';
import { wrap } from '../../io/wrap.ts';
import { counted } from '../../report/reconcile_words.ts';
import { type Pruned, pruneLog } from '../../services/audit/prune.ts';
import { AuditChains } from '../../store/audit_chains.ts';
import { auditLog } from '../../store/audit_log.ts';
import { AuditPruning } from '../../store/audit_pruning.ts';
import { databaseClock } from '../../store/connection.ts';
import { OlderPruning } from '../../store/older_pruning.ts';
import { StatesOfChain } from '../../store/states_of_chain.ts';
import type { PruneFlags } from './prune_command.ts';

const DAY_MS = 86_400_000;
/** Whoever types hours where days were meant would lose the log. */
const KEEP_MIN_MS = DAY_MS;
/** Longer than most laws ask for. */
const KEPT: Retention = { STANDARD: 400 * DAY_MS, HIGH: 1095 * DAY_MS, CRITICAL: 3650 * DAY_MS };
const REASON_MAX = 200;
const NOTHING =
  'Nothing is removed: nothing is old enough. All events of a payment are kept as long as the one that is kept longest, and as long as it is open; see --keep-standard, --keep-high and --keep-critical.';

/** Removes what need not be kept, after a look at it. @returns the exit code */
export async function runAuditPrune(context: Context, flags: PruneFlags): Promise<number> {
  const { io, interrupted } = context;
  const retention = retentionOf(flags);
  const reason = reasonOf(flags);
  const store = await context.openStore('audit prune', flags);
  const clock = await databaseClock(store);
  const now = clock();
  const deps = {
    ...{ pruning: new AuditPruning(store), older: new OlderPruning(store) },
    ...{ chains: new AuditChains(store), states: new StatesOfChain(store) },
  };
  const looked = await io.progress('looking through the audit log', () =>
    pruneLog(deps, { retention, now, signed: null, interrupted }),
  );
  if (reason === null || looked.events === 0 || looked.partial) {
    return tell(io, looked, false, flags);
  }
  if (flags.yes !== true) await assertSure(io, looked.events);
  const actor = actorOf(await context.config(flags), 'audit prune');
  const audit = auditLog(store, { actor, now: clock });
  const removed = await io.progress('removing events', () =>
    pruneLog(deps, { retention, now, signed: { reason, audit }, interrupted }),
  );
  return tell(io, removed, true, flags);
}

/** @throws CashuOpsError INTERRUPTED for no, CONFIRMATION_REQUIRED where there is nobody to ask */
async function assertSure(io: Io, events: number): Promise<void> {
  if (!io.canPrompt) {
    throw new CashuOpsError(
      'CONFIRMATION_REQUIRED',
      'This needs a confirmation, and there is no terminal to ask on: run it again with --yes, or without --apply to see what would go.',
    );
  }
  const sure = await io.confirm(`Remove ${counted(events, 'event')} for good?`);
  if (!sure) throw new CashuOpsError('INTERRUPTED', 'Nothing was removed.');
}

function tell(io: Io, pruned: Pruned, applied: boolean, { json }: PruneFlags): number {
  const { events, broken, partial } = pruned;
  if (json) {
    const facts = { ok: !partial && broken.length === 0, applied, ...pruned };
    io.out(jsonDocument({ schema: 'cashu-ops/audit-prune@1', ...facts }));
  } else if (events === 0)
    io.out(broken.length > 0 ? 'Nothing is removed.' : wrap(NOTHING, io.columns));
  else io.out(prunedWords(pruned, applied));
  if (partial)
    throw new CashuOpsError('INTERRUPTED', 'Interrupted; what was removed is signed for.');
  if (broken.length > 0) {
    warn(io, brokenWords(broken.length));
    io.err('next: cashu-ops audit verify');
    io.err(`page: ${RUNBOOK_OF_RECORD}`);
    return EXIT.critical;
  }
  if (!applied && events > 0) io.err('next: cashu-ops audit prune --apply --reason "why"');
  return EXIT.done;
}

function prunedWords({ events, chains, unchained }: Pruned, applied: boolean): string {
  const verb = applied ? 'were removed' : 'would be removed';
  const older =
    unchained === 0 ? '' : `, ${groupDigits(unchained)} from before events were chained`;
  return `${counted(events, 'event')} ${verb}, of ${counted(chains, 'chain')}${older}`;
}

function brokenWords(chains: number): string {
  const left = chains === 1 ? 'was left as it is' : 'were left as they are';
  return `${counted(chains, 'chain')} of events ${left}, because events or operations of ${chains === 1 ? 'it' : 'them'} were changed past this tool: what is there is evidence.`;
}

function retentionOf({ keepStandard, keepHigh, keepCritical }: PruneFlags): Retention {
  const retention = {
    STANDARD: keepOf('--keep-standard', keepStandard, KEPT.STANDARD),
    HIGH: keepOf('--keep-high', keepHigh, KEPT.HIGH),
    CRITICAL: keepOf('--keep-critical', keepCritical, KEPT.CRITICAL),
  };
  if (retention.STANDARD <= retention.HIGH && retention.HIGH <= retention.CRITICAL) {
    return retention;
  }
  throw refused(
    'Events of a higher level must be kept at least as long as those of a lower one; set --keep-standard, --keep-high and --keep-critical to fit.',
  );
}

function keepOf(flag: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const keep_ms = durationMs(text);
  if (keep_ms !== null && keep_ms >= KEEP_MIN_MS) return keep_ms;
  throw refused(
    `${flag} is "${printable(text, 40)}"; it must be a time of at least a day, as 400d.`,
  );
}

/** Null to look only. */
function reasonOf({ apply, reason }: PruneFlags): string | null {
  if (!apply) {
    if (reason === undefined) return null;
    throw refused('--reason is kept with what is removed, and without --apply nothing is: add it.');
  }
  const text = reason?.trim() ?? '';
  if (text === '')
    throw refused('--apply needs a --reason, which is kept: who asks later must find it.');
  if (text.length <= REASON_MAX) return text;
  throw refused(`--reason has ${text.length} characters; ${REASON_MAX} are kept.`);
}

function refused(sentence: string): CashuOpsError {
  return new CashuOpsError('INVALID_ARGUMENT', sentence);
}
