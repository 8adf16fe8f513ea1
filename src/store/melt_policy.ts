import { mongo } from 'mongoose';
import { z } from 'zod';
import { CashuOpsError } from '../domain/errors.ts';
import { type MeltPolicy, OPEN_POLICY } from '../domain/melt_policy.ts';
import { parseMintUrl } from '../domain/mint_url.ts';
import { parseNpub } from '../domain/npub.ts';
import { printable } from '../domain/printable.ts';
import { POLICIES } from './collections.ts';
import { translating } from './translating.ts';

/** The id of the document that says who may melt at the moment. */
export const MELT_POLICY_ID = 'melt';

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

/** Every field may be missing, because a person may write the document by hand. */
const policySchema = z.strictObject({
  rev: z.int().min(0).default(0),
  enabled: z.boolean().default(true),
  stopped_mints: z.array(mintUrl).default([]),
  stopped_npubs: z.array(npub).default([]),
  allowed_npubs: z.array(npub).nullable().default(null),
  rollout_percent: z.number().min(0).max(100).default(100),
  reason: z.string().nullable().default(null),
  set_by: z.string().nullable().default(null),
  set_at: z.date().nullable().default(null),
});

export type ParsedPolicy =
  | { policy: MeltPolicy; problems: [] }
  /** What is wrong: paths and no values. */
  | { policy: null; problems: string[] };

const NAME_MAX = 60;

/** Reads a policy out of a document, without its `_id`. */
export function parsePolicy(document: unknown): ParsedPolicy {
  const parsed = policySchema.safeParse(document);
  if (parsed.success) return { policy: parsed.data, problems: [] };
  return { policy: null, problems: parsed.error.issues.flatMap(problemsOf) };
}

/** Values are not repeated: what a person wrote into the wrong place may be a secret. */
function problemsOf(issue: z.core.$ZodIssue): string[] {
  const path = issue.path.join('.');
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => `"${printable(key, NAME_MAX)}" is no field of a policy`);
    case 'invalid_type':
      return [`${path || 'the document'} must be ${issue.expected}`];
    case 'custom':
      return [`${path} ${issue.message}`];
    default:
      return [`${path} is out of its range`];
  }
}

/** The document that says who may melt, as it stands, or null. Errors of the driver pass unchanged. */
export function findPolicyDocument(
  db: mongo.Db,
  session?: mongo.ClientSession,
): Promise<mongo.Document | null> {
  return db.collection<{ _id: string }>(POLICIES).findOne({ _id: MELT_POLICY_ID }, { session });
}

/** @param document as it was found, or null for none, which stops nobody */
export function parsePolicyDocument(document: mongo.Document | null): ParsedPolicy {
  if (document === null) return { policy: OPEN_POLICY, problems: [] };
  const { _id, ...fields } = document;
  return parsePolicy(fields);
}

/** The whole document as a text, by which any change of it is noticed; empty for none. */
export function fingerprintOf(document: mongo.Document | null): string {
  return document === null ? '' : mongo.BSON.EJSON.stringify(document);
}

/**
 * Who may melt at the moment. Without a document: everybody.
 *
 * @param session reads inside this transaction, which needs the driver's errors unchanged
 * @throws CashuOpsError MELTS_STOPPED for a document that cannot be read: a kill switch that is not
 *   understood counts as pulled
 */
export async function readMeltPolicy(
  db: mongo.Db,
  session?: mongo.ClientSession,
): Promise<MeltPolicy> {
  const document = session
    ? await findPolicyDocument(db, session)
    : await translating(() => findPolicyDocument(db));
  const { policy } = parsePolicyDocument(document);
  if (policy !== null) return policy;
  throw new CashuOpsError(
    'MELTS_STOPPED',
    'Nothing was paid: the melt policy in the database cannot be read, so melts count as stopped. "cashu-ops policy show" says what is wrong with it and how to replace it.',
    { next_command: 'cashu-ops policy show' },
  );
}
