import { mongo } from 'mongoose';
import { AUDIT_SEVERITIES } from '../src/domain/audit_event.ts';
import { headQuery } from '../src/store/audit_heads.ts';
import { type AuditFilter, pageQuery } from '../src/store/audit_reads.ts';
import { exportQuery } from '../src/store/audit_stream.ts';
import { AUDIT_LOG } from '../src/store/collections.ts';
import type { Store } from '../src/store/connection.ts';
import { toCursor } from '../src/store/paging.ts';
import {
  BENCH_END,
  BENCH_MINTS,
  benchWalletOf,
  LARGE,
  operationIds,
  RARE,
} from './audit_events.ts';

/** One question as the tool itself asks it, and what its answer may cost. */
export interface AskedQuestion {
  name: string;
  query: mongo.Filter<mongo.Document>;
  options: mongo.FindOptions;
  /** Documents that may be read. */
  docsMax: number;
  /** Entries of the index that may be read; default: twice the documents. */
  keysMax?: number;
}

const LIMIT = 50;
/** Database time of one question, the best of some tries: other processes use the machine too. */
const MS_MAX = 100;
const TRIES = 3;
const DAY_MS = 86_400_000;
const daysBefore = (days: number) => new Date(BENCH_END.getTime() - days * DAY_MS);

const HIGH = ['HIGH', 'CRITICAL'];
/** One filter for each flag of `audit list`, alone. */
const ALONE: Record<string, AuditFilter> = {
  'no filter': {},
  '--npub': { npub: benchWalletOf(77).npub },
  '--npub, a large owner': { npub: benchWalletOf(LARGE).npub },
  '--mint': { mint_url: BENCH_MINTS[1] },
  '--operation': { operation_id: operationIds(1234).operation_id },
  '--quote': { quote_id: operationIds(1234).quote_id },
  '--tx': { transaction_id: operationIds(1234).transaction_id },
  '--type': { types: ['melt_paid'] },
  '--type, a rare one': { types: ['melt_needs_attention'] },
  '--type, one that never was': { types: ['policy_changed'] },
  '--type, three': { types: ['melt_paid', 'melt_failed', 'token_split'] },
  '--severity INFO': { severities: AUDIT_SEVERITIES },
  '--severity HIGH': { severities: HIGH },
  '--severity CRITICAL': { severities: ['CRITICAL'] },
  '--since': { since: daysBefore(3) },
  '--until': { until: daysBefore(90) },
  '--actor user': { actor: { user: 'payouts' } },
  '--actor user@host': { actor: { user: 'payouts', host: 'app-1' } },
  '--actor user@host, a rare one': { actor: { user: 'payouts', host: 'desk' } },
  '--actor user@host, nobody': { actor: { user: 'payouts', host: 'nowhere' } },
};

/** Those that people use together, and the worst of each. */
const TOGETHER: Record<string, AuditFilter> = {
  '--npub --since': { npub: benchWalletOf(77).npub, since: daysBefore(30) },
  '--severity --since': { severities: HIGH, since: daysBefore(1) },
  '--severity --until': { severities: HIGH, until: daysBefore(90) },
  '--since --until': { since: daysBefore(100), until: daysBefore(90) },
  '--npub --mint': benchWalletOf(77),
  '--npub --mint, the large wallet': benchWalletOf(LARGE),
  '--npub --mint, the rare wallet of a large owner': benchWalletOf(RARE),
  '--npub --mint --since': { ...benchWalletOf(LARGE), since: daysBefore(60) },
  '--mint --since': { mint_url: BENCH_MINTS[1], since: daysBefore(2) },
  '--type --severity': { types: ['preflight_blocked'], severities: HIGH },
  '--type --since': { types: ['melt_failed'], since: daysBefore(30) },
  '--actor --since': { actor: { user: 'cron' }, since: daysBefore(30) },
};

/**
 * Answered by the narrower of two indexes, so that what is read grows with the log, slowly. The
 * factor is that of a page of documents for a million events.
 */
const BOUNDED: Record<string, readonly [filter: AuditFilter, factor: number]> = {
  '--npub --severity HIGH': [{ npub: benchWalletOf(LARGE).npub, severities: HIGH }, 60],
  '--npub --type, a rare one': [
    { npub: benchWalletOf(LARGE).npub, types: ['melt_needs_attention'] },
    10,
  ],
  '--mint --severity CRITICAL': [{ mint_url: BENCH_MINTS[1], severities: ['CRITICAL'] }, 10],
  '--actor --severity CRITICAL': [{ actor: { user: 'payouts' }, severities: ['CRITICAL'] }, 10],
  '--type --severity that never meet': [{ types: ['melt_paid'], severities: HIGH }, 1],
};
/** Severities are few; of those that are asked for, every entry of the index may be looked at. */
const GRAVE_SHARE = 0.02;

function questionsOfList(events: number): AskedQuestion[] {
  const deep = toCursor(daysBefore(60).getTime(), new mongo.ObjectId('a'.repeat(24)));
  const pages = (name: string, filter: AuditFilter, docsMax: number, keysMax?: number) => [
    { name: `list ${name}`, ...pageQuery(filter, LIMIT), docsMax, keysMax },
    { name: `list ${name}, a deep page`, ...pageQuery(filter, LIMIT, deep), docsMax, keysMax },
  ];
  const exact = Object.entries({ ...ALONE, ...TOGETHER });
  const millions = events / 1_000_000;
  return [
    ...exact.flatMap(([name, filter]) => pages(name, filter, LIMIT + 1)),
    ...Object.entries(BOUNDED).flatMap(([name, [filter, factor]]) =>
      pages(name, filter, (LIMIT + 1) * factor * millions, events * GRAVE_SHARE),
    ),
  ];
}

/** Where a new event finds the one before it. */
function questionsOfChains(): AskedQuestion[] {
  const wallet = benchWalletOf(LARGE);
  const { query, options } = headQuery(`${wallet.npub} ${wallet.mint_url}`);
  // `findOne` asks for one.
  return [{ name: 'head of a chain', query, options: { ...options, limit: 1 }, docsMax: 1 }];
}

/** The first events of an export, and those behind a cursor. */
function questionsOfExport(): AskedQuestion[] {
  const deep = toCursor(daysBefore(60).getTime(), new mongo.ObjectId('a'.repeat(24)));
  const filters = Object.entries({ 'no filter': {}, '--npub': { npub: benchWalletOf(77).npub } });
  return filters.flatMap(([name, filter]) =>
    [undefined, deep].map((after) => {
      const { query, options } = exportQuery({ ...filter, until: BENCH_END }, after);
      const asked = { query, options: { ...options, limit: LIMIT }, docsMax: LIMIT };
      return { name: `export ${name}${after === undefined ? '' : ', gone on with'}`, ...asked };
    }),
  );
}

/*
 * The place for the questions of further commands: each as the command's own reads make it, like
 * `pageQuery`, in a function of its own that is named in the list here.
 */
const QUESTIONS: readonly ((events: number) => AskedQuestion[])[] = [
  questionsOfList,
  questionsOfChains,
  questionsOfExport,
];

/**
 * Explains every question, and says the worst.
 *
 * @throws Error that names each question that is answered without an index, by sorting, by reading
 *   too much, or too slowly
 */
export async function assertPlans(store: Store, events: number, say: (line: string) => void) {
  const asked = QUESTIONS.flatMap((questions) => questions(events));
  const answers: Answer[] = [];
  for (const question of asked) answers.push(await explained(store, question));
  const [slowest] = answers.toSorted((a, b) => b.ms - a.ms);
  const [widest] = answers.toSorted((a, b) => b.docs - a.docs);
  const exact = answers.filter(({ docs }) => docs <= LIMIT + 1).length;
  say(
    `  ${answers.length} questions of "audit list", of exports and of the chains, pages of ${LIMIT}`,
  );
  say(`  ${exact} of them read at most ${LIMIT + 1} events; ${widest?.name} reads ${widest?.docs}`);
  say(
    `  the slowest: ${slowest?.ms} ms of database time, ${slowest?.name} (wanted: below ${MS_MAX} ms)`,
  );
  const wrong = answers.flatMap(({ name, wrong }) => wrong.map((why) => `${name}: ${why}`));
  if (wrong.length > 0) throw new Error(`not answered as it should be:\n${wrong.join('\n')}`);
}

interface Answer {
  name: string;
  ms: number;
  docs: number;
  wrong: string[];
}

async function explained({ db }: Store, question: AskedQuestion): Promise<Answer> {
  const { name, query, options, docsMax, keysMax = 2 * docsMax + LIMIT } = question;
  const tries: mongo.Document[] = [];
  while (tries.length < TRIES && !tries.some((one) => one.executionTimeMillis < MS_MAX / 4)) {
    const plan = await db.collection(AUDIT_LOG).find(query, options).explain('executionStats');
    tries.push({ ...plan.executionStats, stages: stagesOf(plan.queryPlanner.winningPlan) });
  }
  const [best = {}] = tries.toSorted((a, b) => a.executionTimeMillis - b.executionTimeMillis);
  const { executionTimeMillis: ms, totalDocsExamined: docs, totalKeysExamined: keys } = best;
  const stages: string[] = best.stages ?? [];
  const wrong = [
    ...stages.filter((stage) => stage === 'COLLSCAN' || stage === 'SORT'),
    ...(stages.includes('IXSCAN') ? [] : ['without an index']),
    ...(docs > docsMax ? [`reads ${docs} events, not at most ${docsMax}`] : []),
    ...(keys > keysMax ? [`reads ${keys} entries of an index, not at most ${keysMax}`] : []),
    ...(ms >= MS_MAX ? [`takes ${ms} ms`] : []),
  ];
  return { name, ms, docs, wrong };
}

/** Names of the stages of a plan; both engines of the server write them below `queryPlan` or not. */
function stagesOf(plan: mongo.Document): string[] {
  const below = [plan.queryPlan, plan.inputStage, ...(plan.inputStages ?? [])];
  const inner = below.filter((stage) => stage !== undefined).flatMap(stagesOf);
  return plan.stage === undefined ? inner : [plan.stage, ...inner];
}
