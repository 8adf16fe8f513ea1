import type { mongo } from 'mongoose';
import { z } from 'zod';
import { CashuOpsError } from '../domain/errors.ts';
import { type MeltPolicy, OPEN_POLICY } from '../domain/melt_policy.ts';
import { POLICIES } from './collections.ts';

const MELT_POLICY_ID = 'melt';

const policyDocument = z.object({
  enabled: z.boolean().default(true),
  stopped_mints: z.array(z.string()).default([]),
  stopped_npubs: z.array(z.string()).default([]),
  allowed_npubs: z.array(z.string()).nullable().default(null),
  rollout_percent: z.number().min(0).max(100).default(100),
  reason: z.string().nullable().default(null),
  set_by: z.string().nullable().default(null),
  set_at: z.date().nullable().default(null),
});

/**
 * Who may melt at the moment. Without a document: everybody.
 *
 * @throws CashuOpsError MELTS_STOPPED for a document that cannot be read: a kill switch that is not
 *   understood counts as pulled
 */
export async function readMeltPolicy(db: mongo.Db): Promise<MeltPolicy> {
  const document = await db.collection<{ _id: string }>(POLICIES).findOne({ _id: MELT_POLICY_ID });
  if (document === null) return OPEN_POLICY;
  const parsed = policyDocument.safeParse(document);
  if (parsed.success) return parsed.data;
  throw new CashuOpsError(
    'MELTS_STOPPED',
    'Nothing was paid: the melt policy in the database cannot be read, so melts count as stopped. Repair the document "melt" in the collection "policies".',
  );
}
