import type { mongo } from 'mongoose';
import type { MeltOperation, StoredOutput } from '../../src/domain/melt_operation.ts';
import { yOf } from '../../src/domain/proof_y.ts';
import type { LedgerReport, PracticeMint } from '../../src/practice/mint/client.ts';
import { AUDIT_LOG, MELT_OPERATIONS } from '../../src/store/collections.ts';
import { type TokenDocument, tokensOf } from '../../src/store/documents.ts';

/** What a judge from outside needs: one mint and one database, nothing of the tool. */
export interface JudgedGround {
  control: PracticeMint['control'];
  db: mongo.Db;
}

/** An output that an operation wrote down, as the mint and the database know it. */
export interface WrittenOutput {
  operation: string;
  secret: string;
  /** What the mint signed it for (sat); null where it did not. */
  signed_sat: number | null;
  /** The mint calls the coin that it makes SPENT. */
  spent: boolean;
}

/** Everything that was read, at one moment. */
export interface OutsideBooks {
  ledger: LedgerReport;
  /** Payment hash to how often the Lightning side paid it. */
  payments: Record<string, number>;
  tokens: TokenDocument[];
  operations: MeltOperation[];
  /** What the mint calls each live coin, by secret. */
  states: ReadonlyMap<string, string>;
  outputs: WrittenOutput[];
  /** How many events of its own each operation has in the audit log, by id. */
  events: ReadonlyMap<string, number>;
  /** Operations that were brought back from a journal: their earlier events are gone. */
  brought_back: ReadonlySet<string>;
}

const READ_ATTEMPTS_MAX = 20;

/**
 * Reads mint and database from outside. The mint's sums before and after must be the same, or it is
 * read again: a payment that ends meanwhile would stand in one of the two books only.
 *
 * @param npub only this wallet's documents
 */
export async function readOutsideBooks(
  { control, db }: JudgedGround,
  npub?: string,
): Promise<OutsideBooks> {
  for (let attempt = 1; ; attempt += 1) {
    const before = await sumsOf(control);
    const books = await readOnce(control, db, before, npub === undefined ? {} : { npub });
    const same = JSON.stringify(before) === JSON.stringify(await sumsOf(control));
    if (same) return books;
    if (attempt === READ_ATTEMPTS_MAX) throw new Error('the mint does not come to rest');
  }
}

type Sums = Pick<OutsideBooks, 'ledger' | 'payments'>;

async function sumsOf(control: PracticeMint['control']): Promise<Sums> {
  const [ledger, payments] = await Promise.all([control.ledger(), control.payments()]);
  return { ledger, payments };
}

async function readOnce(
  control: PracticeMint['control'],
  db: mongo.Db,
  sums: Sums,
  filter: { npub?: string },
): Promise<OutsideBooks> {
  const [tokens, operations, audit] = await Promise.all([
    tokensOf(db).find(filter).toArray(),
    db.collection<MeltOperation>(MELT_OPERATIONS).find(filter).toArray(),
    db.collection(AUDIT_LOG).find(filter).toArray(),
  ]);
  const coins = tokens.filter(isLive).flatMap(({ proofs }) => proofs ?? []);
  const shown = await control.states(coins.map((coin) => coin.Y ?? yOf(coin.secret)));
  const states = new Map(coins.map(({ secret }, index) => [secret, shown[index] ?? 'UNKNOWN']));
  const outputs = await outputsOf(control, operations);
  return { ...sums, tokens, operations, states, outputs, ...eventsIn(audit) };
}

export function isLive({ status }: TokenDocument): boolean {
  return status === 'unspent' || status === 'pending';
}

function eventsIn(audit: readonly mongo.Document[]) {
  const events = new Map<string, number>();
  const brought_back = new Set<string>();
  for (const { type, operation_id } of audit) {
    if (typeof operation_id !== 'string') continue;
    if (type === 'journal_replayed') brought_back.add(operation_id);
    if (String(type).startsWith('melt_')) {
      events.set(operation_id, (events.get(operation_id) ?? 0) + 1);
    }
  }
  return { events, brought_back };
}

async function outputsOf(
  control: PracticeMint['control'],
  operations: readonly MeltOperation[],
): Promise<WrittenOutput[]> {
  const written = operations.flatMap(({ _id, blanks, swap }) =>
    [...blanks, ...(swap?.send_outputs ?? []), ...(swap?.keep_outputs ?? [])].map((output) => ({
      operation: _id,
      output,
    })),
  );
  const amounts = await control.signed(written.map(({ output }) => output.blindedMessage.B_));
  const secrets = written.map(({ output }) => secretOf(output));
  const signed = secrets.filter((_, index) => amounts[index] != null);
  const states = await control.states(signed.map(yOf));
  const spent = new Set(signed.filter((_, index) => states[index] === 'SPENT'));
  return written.map(({ operation }, index) => {
    const secret = secrets[index] ?? '';
    return { operation, secret, signed_sat: amounts[index] ?? null, spent: spent.has(secret) };
  });
}

/** An output keeps the bytes of its secret in hex. */
function secretOf({ secret }: StoredOutput): string {
  return Buffer.from(secret, 'hex').toString('utf8');
}
