import type { mongo } from 'mongoose';
import { groupDigits } from '../domain/amount.ts';
import { TOKENS } from './collections.ts';
import { LIVE_STATUSES } from './documents.ts';
import { type IndexSpec, LIVE_PROOF_INDEX } from './indexes.ts';
import type { StoreProblem } from './store_problem.ts';

/** So many doubled coins are named; the rest is counted. */
const NAMED_MAX = 20;

/** What keeps a unique index from being built: how often, and for coins which, by public name. */
export async function duplicateProblem(db: mongo.Db, spec: IndexSpec): Promise<StoreProblem> {
  return spec.name === LIVE_PROOF_INDEX ? doubledCoins(db, spec) : doubledKeys(db, spec);
}

async function doubledCoins(db: mongo.Db, spec: IndexSpec): Promise<StoreProblem> {
  const doubled = [
    { $match: { status: { $in: [...LIVE_STATUSES] } } },
    { $unwind: '$proofs' },
    // First per token, so that a coin that stands twice in one token is one token.
    { $group: { _id: { secret: '$proofs.secret', token: '$_id' } } },
    { $group: { _id: '$_id.secret', tokens: { $sum: 1 } } },
    { $match: { tokens: { $gt: 1 } } },
  ];
  const secrets = await secretsOf(db, doubled);
  const count = await countOf(db.collection(TOKENS), doubled);
  // Loaded here because curve arithmetic costs start-up time that only this case needs.
  const { yOf } = await import('../domain/proof_y.ts');
  return {
    kind: 'finding',
    type: 'DUPLICATE_LIVE_PROOF',
    collection: spec.collection,
    index: spec.name,
    count,
    ys: secrets.map(yOf),
    message: `${count === 1 ? '1 coin is' : `${groupDigits(count)} coins are`} live in more than one token, so ${spec.name} cannot be built. Run "cashu-ops reconcile --all --apply", then this again.`,
  };
}

async function secretsOf(db: mongo.Db, doubled: mongo.Document[]): Promise<string[]> {
  const rows = await db
    .collection(TOKENS)
    .aggregate<{ _id: string }>([...doubled, { $sort: { _id: 1 } }, { $limit: NAMED_MAX }], {
      allowDiskUse: true,
    })
    .toArray();
  return rows.map(({ _id }) => _id);
}

async function doubledKeys(db: mongo.Db, spec: IndexSpec): Promise<StoreProblem> {
  const { collection, name, key, partialFilterExpression } = spec;
  const _id = Object.fromEntries(
    Object.keys(key).map((path, position) => [`key_${position}`, `$${path}`]),
  );
  const count = await countOf(db.collection(collection), [
    { $match: partialFilterExpression ?? {} },
    { $group: { _id, documents: { $sum: 1 } } },
    { $match: { documents: { $gt: 1 } } },
  ]);
  const values = count === 1 ? 'There is 1 value' : `There are ${groupDigits(count)} values`;
  return {
    kind: 'finding',
    type: 'DUPLICATE_KEY',
    collection,
    index: name,
    count,
    ys: [],
    message: `${values} of ${Object.keys(key).join(', ')} in more than one document of ${collection}, so ${name} cannot be built. Resolve them by hand, then run this again.`,
  };
}

async function countOf(collection: mongo.Collection, pipeline: mongo.Document[]): Promise<number> {
  const [row] = await collection
    .aggregate<{ count: number }>([...pipeline, { $count: 'count' }], { allowDiskUse: true })
    .toArray();
  return row?.count ?? 0;
}
