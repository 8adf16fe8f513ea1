import { createHash } from 'node:crypto';
import { mongo } from 'mongoose';
import { CashuOpsError } from '../src/domain/errors.ts';
import { tokenIdsOf } from '../src/domain/transaction_id.ts';
import { explain } from '../src/services/audit/explain.ts';
import { AuditSubjects } from '../src/store/audit_subjects.ts';
import { MELT_OPERATIONS, TOKENS } from '../src/store/collections.ts';
import type { Store } from '../src/store/connection.ts';
import { BENCH_END, benchWalletOf, operationIds, WALLETS } from './audit_events.ts';

/** Operations beside the log, each with its coins; the events are of the same. */
const OPERATIONS = 50_000;
const BATCH = 5_000;
const MS_MAX = 100;
/** Documents that may be read for one page: its events, its payment and its tokens. */
const DOCS_MAX = 60;
const ASKED = 12_345;

/**
 * Explains a payment by each of its names, as the command does without the mint, while the server
 * writes down what it did for that.
 *
 * @throws Error that names what was not answered from an index, or not in time
 */
export async function benchExplain(store: Store, say: (line: string) => void): Promise<void> {
  await fillPayments(store);
  const subjects = new AuditSubjects(store);
  const { operation_id, transaction_id, quote_id } = operationIds(ASKED);
  const { operation_id: gone } = operationIds(ASKED + 1);
  const operations = store.db.collection<{ _id: string }>(MELT_OPERATIONS);
  await operations.deleteOne({ _id: gone });
  const names = {
    'operation id': operation_id,
    'its beginning': operation_id.slice(0, 20),
    'transaction id': transaction_id,
    'quote id': quote_id,
    'payment hash': hashOf('hash', ASKED),
    'coin (Y)': coinOf(ASKED),
    'beginning of a coin': coinOf(ASKED).slice(0, 12),
    'payment that is gone': gone,
    'its beginning alone': gone.slice(0, 20),
    'nothing of that name': 'f'.repeat(40),
  };
  const answers: Profile[] = [];
  for (const [name, id] of Object.entries(names)) {
    const ask = () => explain({ subjects, mint: null }, id).catch(unlessNotFound);
    // The first one reads from the disk.
    await ask();
    answers.push(await profiled(store.db, name, ask));
  }
  const [slowest] = answers.toSorted((a, b) => b.ms - a.ms);
  const [most] = answers.toSorted((a, b) => b.questions - a.questions);
  say(
    `  audit explain by ${answers.length} names: at most ${most?.questions} questions, ${slowest?.ms} ms of database time (${slowest?.name}; wanted: below ${MS_MAX} ms)`,
  );
  const wrong = answers.flatMap(({ name, wrong }) => wrong.map((why) => `${name}: ${why}`));
  if (wrong.length > 0)
    throw new Error(`explain is not answered as it should be:\n${wrong.join('\n')}`);
}

function unlessNotFound(error: unknown): void {
  if (!(error instanceof CashuOpsError) || error.code !== 'OPERATION_NOT_FOUND') throw error;
}

interface Profile {
  name: string;
  /** Questions to the database. */
  questions: number;
  /** Of all of them together. */
  ms: number;
  wrong: string[];
}

/** MongoDB manual: database profiler. */
async function profiled(
  db: mongo.Db,
  name: string,
  work: () => Promise<unknown>,
): Promise<Profile> {
  await db.command({ profile: 0 });
  await db
    .collection('system.profile')
    .drop()
    .catch(() => {});
  await db.command({ profile: 2 });
  await work();
  await db.command({ profile: 0 });
  const asked = await db
    .collection('system.profile')
    .find({ op: { $in: ['query', 'command', 'getmore'] }, planSummary: { $exists: true } })
    .toArray();
  const ms = asked.reduce((sum, { millis }) => sum + millis, 0);
  const docs = asked.reduce((sum, { docsExamined = 0 }) => sum + docsExamined, 0);
  const scans = asked.filter(({ planSummary }) => String(planSummary).includes('COLLSCAN'));
  const wrong = [
    ...(asked.length === 0 ? ['the server wrote nothing down'] : []),
    ...scans.map(({ ns }) => `reads all of ${ns}`),
    ...(docs > DOCS_MAX ? [`reads ${docs} documents, not at most ${DOCS_MAX}`] : []),
    ...(ms >= MS_MAX ? [`takes ${ms} ms`] : []),
  ];
  return { name, questions: asked.length, ms, wrong };
}

function hashOf(what: string, index: number): string {
  return createHash('sha256').update(`${what} ${index}`).digest('hex');
}

function coinOf(index: number): string {
  return `02${hashOf('coin', index)}`;
}

async function fillPayments({ db }: Store): Promise<void> {
  for (let from = 0; from < OPERATIONS; from += BATCH) {
    const indexes = Array.from({ length: BATCH }, (_, at) => from + at);
    await db
      .collection<{ _id: string }>(MELT_OPERATIONS)
      .insertMany(indexes.map(operationAt), { ordered: false });
    await db.collection(TOKENS).insertMany(indexes.flatMap(tokensAt), { ordered: false });
  }
}

function operationAt(index: number) {
  const { operation_id: _id, transaction_id, quote_id } = operationIds(index);
  const at = new Date(BENCH_END.getTime() - index * 60_000);
  return {
    ...{
      _id,
      rev: 3,
      state: 'paid',
      transaction_id,
      quote_id,
      payment_hash: hashOf('hash', index),
    },
    ...benchWalletOf(index % WALLETS),
    ...{ operation_hash: hashOf('operation', index), unit: 'sat', amount: 1000, fee_reserve: 10 },
    ...{ lightning_fee: 1, input_fee: 1, change_amount: 22, keep_amount: 0, swap: null },
    inputs: [{ id: '00', amount: 1024, secret: hashOf('secret', index), C: '', Y: coinOf(index) }],
    ...{ blanks: [], observations: [], refusal: null, source_token_ids: [], actor: 'bench' },
    ...{ created_at: at, updated_at: at, submitted_at: at, settled_at: at },
  };
}

function tokensAt(index: number) {
  const { transaction_id } = operationIds(index);
  const wallet = benchWalletOf(index % WALLETS);
  const token = (id: string, status: string, amount: number, Y: string) => ({
    ...wallet,
    ...{ _id: new mongo.ObjectId(), transaction_id: id, status, total_amount: amount },
    ...{ transaction_type: 'received', metadata: {}, createdAt: BENCH_END, updatedAt: BENCH_END },
    proofs: [{ id: '00', amount, secret: hashOf(id, index), C: '', Y }],
  });
  return [
    token(`deposit_${index}`, 'spent', 1024, coinOf(index)),
    token(tokenIdsOf(transaction_id).meltChange, 'unspent', 22, `03${hashOf('change', index)}`),
  ];
}
