import type { mongo } from 'mongoose';
import { z } from 'zod';
import { CashuOpsError } from '../domain/errors.ts';
import { type MeltPolicy, OPEN_POLICY } from '../domain/melt_policy.ts';
import { parseMintUrl } from '../domain/mint_url.ts';
import { parseNpub } from '../domain/npub.ts';
import { POLICIES } from './collections.ts';
import { translated } from './errors.ts';

const MELT_POLICY_ID = 'melt';

/** An entry that names nothing would stop nothing, so it is not taken for one. */
const mintUrl = z.string().transform(parsedBy(parseMintUrl));
const npub = z.string().transform(parsedBy(parseNpub));

function parsedBy(parse: (text: string) => string) {
  return (text: string, context: z.RefinementCtx): string => {
    try {
      return parse(text);
    } catch {
      context.addIssue({ code: 'custom', message: 'names nothing' });
      return z.NEVER;
    }
  };
}

const policyDocument = z.strictObject({
  _id: z.literal(MELT_POLICY_ID),
  enabled: z.boolean().default(true),
  stopped_mints: z.array(mintUrl).default([]),
  stopped_npubs: z.array(npub).default([]),
  allowed_npubs: z.array(npub).nullable().default(null),
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
  const document = await readDocument(db);
  if (document === null) return OPEN_POLICY;
  const parsed = policyDocument.safeParse(document);
  if (parsed.success) return parsed.data;
  throw new CashuOpsError(
    'MELTS_STOPPED',
    'Nothing was paid: the melt policy in the database cannot be read, so melts count as stopped. Repair the document "melt" in the collection "policies".',
  );
}

async function readDocument(db: mongo.Db): Promise<mongo.Document | null> {
  try {
    return await db.collection<{ _id: string }>(POLICIES).findOne({ _id: MELT_POLICY_ID });
  } catch (error) {
    throw translated(error);
  }
}
