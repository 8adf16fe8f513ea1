import { type Observed, overAlert } from '../../domain/alert.ts';
import {
  ALERT_EVENTS,
  ALERT_YS_MAX,
  isAlertSeverity,
  observedEvent,
  observedFinding,
  observedMore,
} from '../../domain/alert_observed.ts';
import { batchesOfStream } from '../../domain/batches.ts';
import { PROOF_FINDING_TYPES } from '../../domain/finding.ts';
import { findingKey, isInScope } from '../../domain/reconcile_run.ts';
import type { AlertDocument, AlertOutbox } from '../../store/alert_outbox.ts';
import { AlertRuns } from '../../store/alert_runs.ts';
import { AuditReads } from '../../store/audit_reads.ts';
import type { Store } from '../../store/connection.ts';
import { MeltReads } from '../../store/melt_reads.ts';
import { ReconcileFindings } from '../../store/reconcile_findings.ts';
import type { RunSummary } from '../../store/reconcile_runs.ts';

/*
 * Alerts are derived from what is stored anyway: findings of runs, and events of the audit log. So
 * none is lost when a process dies between the finding and its alert, no transaction that moves
 * money waits for an alert, and whichever process comes next makes it.
 */

const DAY_MS = 24 * 60 * 60_000;
/** What is older is no news to anybody: a receiver that is new is not told of months. */
export const LOOK_BACK_MS = 7 * DAY_MS;
/** Of one run so many are sent one by one; one more stands for the rest. */
export const SENT_ONE_BY_ONE_MAX = 50;

const BATCH = 200;
const PAGE = 500;
const PAGES_MAX = 40;
const OPEN_MAX = 1_000;

export interface GatherDeps {
  store: Store;
  outbox: AlertOutbox;
  /** The database's. */
  clock: () => Date;
}

/**
 * Makes the alerts that are due: of events, of runs, and of trouble that is over. May be repeated.
 *
 * @throws CashuOpsError for the database
 */
export async function gatherAlerts(deps: GatherDeps): Promise<void> {
  await gatherEvents(deps);
  const runs = new AlertRuns(deps.store);
  for (const run of await runs.due(deps.clock())) {
    if (deps.clock().getTime() - run.started_at.getTime() < LOOK_BACK_MS) await ofRun(deps, run);
    await runs.done(run);
  }
  await paidMeanwhile(deps);
}

/** An event whose alert is kept is told by the outbox from one that is new; there is no cursor to lose. */
async function gatherEvents({ store, outbox, clock }: GatherDeps): Promise<void> {
  const since = new Date(clock().getTime() - LOOK_BACK_MS);
  const filter = { types: ALERT_EVENTS, severities: ['HIGH', 'CRITICAL'], since };
  const reads = new AuditReads(store);
  let after: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const { events, next } = await reads.page(filter, PAGE, after);
    const seen = events.flatMap((event) =>
      event.damaged === null ? (observedEvent(event.id, event) ?? []) : [],
    );
    await outbox.observe(newestEach(seen));
    if (next === null) return;
    after = next;
  }
}

/** Of several events about the same trouble the newest, which comes first. */
function newestEach(seen: readonly Observed[]): Observed[] {
  const first = new Map<string, Observed>();
  for (const one of seen) if (!first.has(one.subject)) first.set(one.subject, one);
  return [...first.values()];
}

async function ofRun(deps: GatherDeps, run: RunSummary): Promise<void> {
  const { store, outbox } = deps;
  const findings = new ReconcileFindings(store);
  let left = SENT_ONE_BY_ONE_MAX;
  for await (const batch of batchesOfStream(findings.findings(run._id), BATCH)) {
    const seen = batch.flatMap((finding) => observedFinding(finding, run) ?? []);
    if (seen.length > 0) left -= await outbox.observe(seen, left);
    // The gravest come first, so nothing behind is worth an alert.
    if (!isAlertSeverity(batch.at(-1)?.severity ?? '')) break;
  }
  const { findings: count, amount, critical } = await outbox.groupedOf(run._id);
  if (count > 0) {
    const severity = critical > 0 ? ('CRITICAL' as const) : ('HIGH' as const);
    await outbox.observe([observedMore({ findings: count, amount, severity }, run)]);
  }
  if (isWhole(run)) await notFoundAgain(deps, run);
}

/** Only of a run that has seen everything in its scope the silence says something. */
function isWhole({ state, partial, plan_sha256, scope }: RunSummary): boolean {
  return state === 'done' && !partial && plan_sha256 === null && scope.older_than_ms === null;
}

async function notFoundAgain({ store, outbox }: GatherDeps, run: RunSummary): Promise<void> {
  const open = await outbox.unseenSince(run.scope_hash, run.started_at, OPEN_MAX);
  const findings = new ReconcileFindings(store);
  for (const alert of await outbox.blockedBefore(run.started_at, OPEN_MAX)) {
    if (!isBlockedIn(alert, run)) continue;
    const found = await findings.keysOfRun(run._id, keysOfCoins(alert), true);
    if (found.size === 0) open.push(alert);
  }
  const why = `Over: run ${run._id} did not find it again.`;
  await closed(outbox, open, run.started_at, why);
}

/** Coins that have stopped a payment, of a wallet that a run has looked at. */
function isBlockedIn({ facts }: AlertDocument, { scope }: RunSummary): boolean {
  const { npub, mint_url, ys } = facts;
  // Of more coins the alert does not name all, so nobody can say that none was found again.
  return ys.length < ALERT_YS_MAX && isInScope(scope, npub ?? '', mint_url ?? '');
}

/** The names of all that a run may find of these coins. */
function keysOfCoins({ facts: { ys, npub, mint_url } }: AlertDocument): string[] {
  const where = { npub: npub ?? '', mint_url: mint_url ?? '', token_id: null, operation_id: null };
  return ys.flatMap((y) => PROOF_FINDING_TYPES.map((type) => findingKey({ ...where, type, y })));
}

/** A payment that is booked needs nobody any more, whoever booked it. */
async function paidMeanwhile({ store, outbox, clock }: GatherDeps): Promise<void> {
  const open = await outbox.openOfOperations(OPEN_MAX);
  const ids = [...new Set(open.flatMap(({ facts }) => facts.operation_id ?? []))];
  if (ids.length === 0) return;
  const states = await new MeltReads(store).statesOf(ids);
  const over = open.filter(({ facts, scope_hash, seen_at }) => {
    const operation = states.get(facts.operation_id ?? '');
    if (operation?.state === 'paid' || operation?.state === 'paid_again') return true;
    // What was seen after a release is a payment that came late: its release ends nothing.
    const failedAt = operation?.state === 'failed' ? operation.failed_at : undefined;
    return failedAt !== undefined && !scope_hash && failedAt > seen_at;
  });
  await closed(outbox, over, clock(), 'Over: the payment has come to its end.');
}

async function closed(
  outbox: AlertOutbox,
  open: readonly AlertDocument[],
  at: Date,
  why: string,
): Promise<void> {
  const newest = await outbox.newestOf(open.map(({ subject }) => subject));
  const last = open.filter(({ subject, number }) => newest.get(subject)?.number === number);
  await outbox.add(
    last.map((alert) => overAlert(alert, at, why)),
    Number.POSITIVE_INFINITY,
    newest,
  );
}
