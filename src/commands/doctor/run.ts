import { randomUUID } from 'node:crypto';
import type { CashuOps } from '../../cashu_ops.ts';
import type { Context } from '../../cli/context.ts';
import { EXIT, exitCodeOfKind, worstExit } from '../../cli/exit_codes.ts';
import { jsonDocument } from '../../cli/json.ts';
import { wrap } from '../../cli/wrap.ts';
import type { Config } from '../../config/config.ts';
import { CashuOpsError, messageOf } from '../../domain/errors.ts';
import type { Io } from '../../io/io.ts';
import { RescueJournal } from '../../journal/rescue_journal.ts';
import { cleanText } from '../../report/clean_text.ts';
import { ensureStore, isStoreReady } from '../../store/ensure_store.ts';
import type { DoctorFlags } from './command.ts';

/** One thing that was looked at. */
interface Check {
  name: string;
  ok: boolean;
  detail: string;
  /** How bad it is when it is not ok. */
  exit: number;
}

/** @returns the exit code: 0 when every check holds */
export async function runDoctor(context: Context, flags: DoctorFlags): Promise<number> {
  const config = await context.config(flags);
  const checks: Check[] = [
    { name: 'settings', ok: true, detail: settingsDetail(config), exit: EXIT.done },
    await journalCheck(config),
    ...(await databaseChecks(context, flags, config)),
  ];
  const ok = checks.every((check) => check.ok);
  if (flags.json) {
    const shown = checks.map(({ name, ok, detail }) => ({ name, ok, detail }));
    context.io.out(jsonDocument({ schema: 'cashu-ops/doctor@1', ok, checks: shown }));
  } else {
    for (const check of checks) showCheck(context.io, check);
  }
  return worstExit(checks.filter((check) => !check.ok).map((check) => check.exit));
}

const NAME_WIDTH = 8;

/** One line, or on a terminal as many as it needs: what is wrong is the result, so it is on stdout. */
function showCheck(io: Io, { name, ok, detail }: Check): void {
  const mark = ok ? io.color.out.green('✓ ok    ') : io.color.out.red('✗ not ok');
  const indent = ' '.repeat(NAME_WIDTH + 12);
  const lines = io.outIsTty ? wrap(detail, Math.max(20, io.columns - indent.length)) : detail;
  io.out(`${name.padEnd(NAME_WIDTH)}  ${mark}  ${lines.replaceAll('\n', `\n${indent}`)}`);
}

/** A release must not come while the request that it gives up may still be answered. */
function settingsDetail({ network, quiet_period_ms, melt_timeout_ms }: Config): string {
  if (quiet_period_ms >= melt_timeout_ms) return `network ${network}`;
  return `network ${network}; quiet_period is shorter than melt_timeout: make it at least as long`;
}

async function journalCheck({ journal_dir }: Config): Promise<Check> {
  const journal = new RescueJournal(journal_dir);
  const probe = `doctor-${randomUUID()}`;
  return check('journal', async () => {
    await journal.append(probe, { kind: 'intent', operation: null });
    await journal.remove(probe);
    return `${journal_dir} can be written`;
  });
}

async function databaseChecks(
  context: Context,
  flags: DoctorFlags,
  config: Config,
): Promise<Check[]> {
  let ops: CashuOps;
  try {
    ops = await context.open('doctor', flags);
  } catch (error) {
    return [failed('database', error)];
  }
  const database = { name: 'database', ok: true, detail: 'a replica set answers', exit: EXIT.done };
  const mintUrl = flags.mint ?? config.mint_url;
  const mint = mintUrl === null ? [] : [await mintCheck(ops, mintUrl)];
  return [database, await indexCheck(ops, flags), ...mint];
}

function indexCheck({ store }: CashuOps, { fix }: DoctorFlags): Promise<Check> {
  return check('indexes', async () => {
    const report = fix ? await ensureStore(store) : null;
    const { ready, missing } = await isStoreReady(store.db);
    const problems = report?.problems.map(({ message }) => message) ?? [];
    const made = report && report.created.length > 0 ? `made ${report.created.join(', ')}; ` : '';
    if (ready && problems.length === 0) return `${made}all guards are there`;
    const why = problems.length > 0 ? problems.join(' ') : `missing: ${missing.join(', ')}.`;
    const hint = fix ? '' : ' Run: cashu-ops doctor --fix';
    throw new CashuOpsError('VERIFICATION_FAILED', `${made}${why}${hint}`);
  });
}

function mintCheck({ mintOf }: CashuOps, mintUrl: string): Promise<Check> {
  return check('mint', async () => {
    const can = await mintOf(mintUrl).load();
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
    return { name, ok: true, detail: await look(), exit: EXIT.done };
  } catch (error) {
    return failed(name, error);
  }
}

function failed(name: string, error: unknown): Check {
  const exit = error instanceof CashuOpsError ? exitCodeOfKind(error.kind) : EXIT.bug;
  return { name, ok: false, detail: cleanText(messageOf(error)), exit };
}
