import { mongo } from 'mongoose';
import { type CashuOpsError, withFacts } from '../domain/errors.ts';
import { databaseError, violatedIndex } from './errors.ts';

/**
 * Translates like `databaseError`, and names the coin that stood in the way of a new live one.
 *
 * The server tells the coin's secret; only its public name Y goes into the error.
 */
export async function namedDatabaseError(error: unknown): Promise<CashuOpsError> {
  const translated = databaseError(error);
  const secret = violatedIndex(error) === 'live_proof_unique' ? collidingSecret(error) : null;
  if (secret === null) return translated;
  // Loaded here because curve arithmetic costs start-up time that only this error needs.
  const { yOf } = await import('../domain/proof_y.ts');
  return withFacts(translated, { y: yOf(secret) });
}

function collidingSecret(error: unknown): string | null {
  if (!(error instanceof mongo.MongoServerError)) return null;
  const secret: unknown = error.keyValue?.['proofs.secret'];
  return typeof secret === 'string' ? secret : null;
}
