import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { type CashuOps, mintsBy } from '../../cashu_ops.ts';
import type { Context } from '../../cli/context.ts';
import { EXIT, exitCodeOfKind, worstExit } from '../../cli/exit_codes.ts';
import { jsonDocument } from '../../cli/json.ts';
import type { Config } from '../../config/config.ts';
import { durationText } from '../../config/duration.ts';
import { groupDigits, sumAmounts } from '../../domain/amount.ts';
import { CashuOpsError, messageOf } from '../../domain/errors.ts';
import { isOpenPolicy } from '../../domain/policy_version.ts';
import type { Io } from '../../io/io.ts';
import { wrap } from '../../io/wrap.ts';
import { errorCodeOf } from '../../journal/make_folder.ts';
import { RescueJournal } from '../../journal/rescue_journal.ts';
import { cleanText } from '../../report/clean_text.ts';
import { policySummary } from '../../report/policy_words.ts';
import { counted } from '../../report/reconcile_words.ts';
import { ensureStore, isStoreReady, type StoreReport } from '../../store/ensure_store.ts';
import type { DoctorFlags } from './command.ts';

/** One thing that was looked at, or why it was not. */
interface Check {
  name: string;
  status: 'ok' | 'warning' | 'failed' | 'not_checked';
  detail: string;
  /** How bad it is when it failed. */
  exit: number;
}

/** @returns the exit code: 0 when no check failed */
export async function runDoctor(context: Context, flags: DoctorFlags): Promise<number> {
  const config = await context.config(flags);
  const checks: Check[] = [
    settingsCheck(config),
    await journalCheck(config),
    ...(await databaseChecks(context, flags)),
    await mintCheck(config, flags),
  ];
  const failures = checks.filter(({ status }) => status === 'failed');
  if (flags.json) {
    const report = { schema: 'cashu-ops/doctor@1', ok: failures.length === 0 };
    context.io.out(jsonDocument({ ...report, checks: checks.map(shownInJson) }));
  } else {
    for (const check of checks) showCheck(context.io, check);
  }
  return worstExit(failures.map(({ exit }) => exit));
}

/** What was not looked at is neither ok nor not ok. */
function shownInJson({ name, status, detail }: Check) {
  const ok = status === 'not_checked' ? null : status !== 'failed';
  return { name, ok, status, detail };
}

const NAME_WIDTH = 8;
const MARKS: Readonly<
  Record<Check['status'], { text: string; color: 'green' | 'yellow' | 'red' }>
> = {
  ok: { text: '✓ ok', color: 'green' },
  warning: { text: '! warning', color: 'yellow' },
  failed: { text: '✗ not ok', color: 'red' },
  not_checked: { text: '- not checked', color: 'yellow' },
};
const MARK_WIDTH = 13;

/** One line, or on a terminal as many as it needs: what is wrong is the result, so it is on stdout. */
function showCheck(io: Io, { name, status, detail }: Check): void {
  const { text, color } = MARKS[status];
  const mark = io.color.out[color](text.padEnd(MARK_WIDTH));
  const indent = ' '.repeat(NAME_WIDTH + MARK_WIDTH + 4);
  const lines = io.outIsTty ? wrap(detail, Math.max(20, io.columns - indent.length)) : detail;
  io.out(`${name.padEnd(NAME_WIDTH)}  ${mark}  ${lines.replaceAll('\n', `\n${indent}`)}`);
}

/** A release must not come while the request that it gives up may still be answered. */
function settingsCheck({ network, quiet_period_ms, melt_timeout_ms }: Config): Check {
  const check = { name: 'settings', exit: EXIT.done };
  if (quiet_period_ms >= melt_timeout_ms) {
    return { ...check, status: 'ok', detail: `network ${network}` };
  }
  const [quiet, timeout] = [durationText(quiet_period_ms), durationText(melt_timeout_ms)];
  return {
    ...check,
    status: 'warning',
    detail: `network ${network}; quiet_period (${quiet}) is shorter than melt_timeout (${timeout}): make it at least as long`,
  };
}

async function journalCheck({ journal_dir }: Config): Promise<Check> {
  const name = 'journal';
  if (await isAbsent(journal_dir)) {
    const detail = `${journal_dir} does not exist; the first payment makes it. Is journal_dir right?`;
    return { name, status: 'warning', detail, exit: EXIT.done };
  }
  const journal = new RescueJournal(journal_dir);
  const probe = `doctor-${randomUUID()}`;
  return check(name, async () => {
    await journal.append(probe, { kind: 'intent', operation: null });
    await journal.discard({ path: journal.pathOf(probe) });
    return `${journal_dir} can be written`;
  });
}

function isAbsent(path: string): Promise<boolean> {
  return stat(path).then(
    () => false,
    (error: unknown) => errorCodeOf(error) === 'ENOENT',
  );
}

async function databaseChecks(context: Context, flags: DoctorFlags): Promise<Check[]> {
  let ops: CashuOps;
  try {
    ops = await context.open('doctor', flags);
  } catch (error) {
    return [failed('database', error), ...['indexes', 'policy', 'payments'].map(withoutDatabase)];
  }
  const database = passed('database', 'a replica set answers');
  return [database, await indexCheck(ops, flags), await policyCheck(ops), await paymentsCheck(ops)];
}

function withoutDatabase(name: string): Check {
  return notChecked(name, 'the database cannot be used');
}

/** Makes what is missing. No index can be built in a transaction with its event. */
async function prepare({ store, audit }: CashuOps): Promise<StoreReport> {
  const report = await ensureStore(store);
  if (report.created.length === 0) return report;
  const note = `made ${report.created.join(', ')}`;
  await audit.createAuditLogEntry(null, { type: 'store_prepared', severity: 'INFO', note });
  return report;
}

function indexCheck(ops: CashuOps, { fix }: DoctorFlags): Promise<Check> {
  const { store } = ops;
  return check('indexes', async () => {
    const report = fix ? await prepare(ops) : null;
    const { ready, missing } = await isStoreReady(store.db);
    const problems = report?.problems.map(({ message }) => message) ?? [];
    const made = report && report.created.length > 0 ? `made ${report.created.join(', ')}; ` : '';
    if (ready && problems.length === 0) return `${made}all indexes are there`;
    const why = problems.length > 0 ? problems.join(' ') : `missing: ${missing.join(', ')}.`;
    const hint = fix ? '' : ' Run: cashu-ops doctor --fix';
    throw new CashuOpsError('VERIFICATION_FAILED', `${made}${why}${hint}`);
  });
}

/** Stopped melts are no fault, but whoever looks for one must not overlook them. */
async function policyCheck({ policy }: CashuOps): Promise<Check> {
  const name = 'policy';
  try {
    const { policy: present, problems, stops } = await policy.show();
    const detail = policySummary(present, stops);
    if (present === null) {
      const why = `${detail} (${problems.join('; ')}). Run: cashu-ops policy show`;
      return failed(name, new CashuOpsError('POLICY_UNREADABLE', why));
    }
    const status = isOpenPolicy(present) ? 'ok' : 'warning';
    return { name, status, detail, exit: EXIT.done };
  } catch (error) {
    return failed(name, error);
  }
}

/** Money that is locked, and payments that a restored database has forgotten. */
async function paymentsCheck({ melt, melts }: CashuOps): Promise<Check> {
  const name = 'payments';
  try {
    const { operations: lost, errors } = await melt.lostOperations({
      npubs: 'all',
      mint_url: null,
    });
    const [first] = errors;
    if (lost.length === 0 && first !== undefined) return failed(name, first.error);
    if (lost.length > 0) {
      const why = `the rescue journal of this machine knows ${counted(lost.length, 'payment')} that the database does not: it was probably restored from a backup. Run: ${RESUME_ALL}`;
      return failed(name, new CashuOpsError('DATABASE_RESTORED', why));
    }
    const open = await melts.openOperationsOf({ npubs: 'all' });
    const back = await melts.broughtBackOf({ npubs: 'all' });
    if (back.length > 0) {
      const detail = `${counted(back.length, 'payment')} from the rescue journal whose end is not known yet. Run: ${RESUME_ALL}`;
      return { name, status: 'warning', detail, exit: EXIT.done };
    }
    if (open.length === 0) return passed(name, 'no payment is open');
    const reserved = groupDigits(sumAmounts(open.map((operation) => operation.reserved)));
    const detail = `${counted(open.length, 'payment')} open, holding ${reserved} sat. Run: ${RESUME_ALL}`;
    return { name, status: 'warning', detail, exit: EXIT.done };
  } catch (error) {
    return failed(name, error);
  }
}

const RESUME_ALL = 'cashu-ops melt --resume-all';

/** Asked without the database, which may be down. */
async function mintCheck(config: Config, flags: DoctorFlags): Promise<Check> {
  const mintUrl = flags.mint ?? config.mint_url;
  if (mintUrl === null) {
    return notChecked('mint', 'no mint is named; add --mint URL or set CASHU_OPS_MINT_URL');
  }
  return check('mint', async () => {
    const can = await mintsBy(config)(mintUrl).load();
    const missing = [
      can.melt ? null : 'melting (NUT-05)',
      can.checkstate ? null : 'states of coins (NUT-07)',
      can.change ? null : 'change (NUT-08)',
      can.restore ? null : 'restore (NUT-09)',
    ].filter((lack) => lack !== null);
    if (missing.length === 0) return `${mintUrl} can do all that a melt needs`;
    throw new CashuOpsError('MINT_CANNOT_MELT', `${mintUrl} lacks ${missing.join(', ')}`);
  });
}

async function check(name: string, look: () => Promise<string>): Promise<Check> {
  try {
    return passed(name, await look());
  } catch (error) {
    return failed(name, error);
  }
}

function passed(name: string, detail: string): Check {
  return { name, status: 'ok', detail, exit: EXIT.done };
}

function notChecked(name: string, detail: string): Check {
  return { name, status: 'not_checked', detail, exit: EXIT.done };
}

function failed(name: string, error: unknown): Check {
  const exit = error instanceof CashuOpsError ? exitCodeOfKind(error.kind) : EXIT.bug;
  return { name, status: 'failed', detail: cleanText(messageOf(error)), exit };
}
