import type { mongo } from 'mongoose';
import { z } from 'zod';
import type { PolicyVersion } from '../domain/policy_version.ts';
import { POLICIES } from './collections.ts';
import { translated } from './errors.ts';
import { MELT_POLICY_ID, parsePolicy } from './melt_policy.ts';

/** Versions stand beside the policy itself, named by its id and their number. */
const PREFIX = `${MELT_POLICY_ID}@`;

/** How a version is kept: the policy, and what belongs to the version alone. */
export interface VersionDocument extends mongo.Document {
  _id: string;
  rev: number;
  /** Tells this change from any other that would get the same number. */
  change_id: string;
  /** What it took the place of, or null where that could not be read. */
  before: mongo.Document | null;
  /** The beginning of a document that could not be read, for whoever wants to know what it was. */
  replaced?: string;
}

export function versionId(rev: number): string {
  return `${PREFIX}${rev}`;
}

/** Strings that begin so: a part of the index on the id. */
const EVERY_VERSION = { _id: { $gte: PREFIX, $lt: `${MELT_POLICY_ID}A` } };

export interface VersionPage {
  /** 1 or more; all when absent */
  limit?: number;
}

/** The versions, newest first, without holding them all. */
export async function* readVersions(
  db: mongo.Db,
  { limit = 0 }: VersionPage = {},
): AsyncGenerator<PolicyVersion> {
  const cursor = db
    .collection<VersionDocument>(POLICIES)
    .find(EVERY_VERSION, { sort: { rev: -1 }, limit, allowDiskUse: true });
  try {
    for await (const document of cursor) yield versionOf(document);
  } catch (error) {
    throw translated(error);
  } finally {
    await cursor.close();
  }
}

const revSchema = z.int().min(0).catch(0);

function versionOf({
  _id,
  change_id,
  before,
  replaced,
  ...fields
}: VersionDocument): PolicyVersion {
  return {
    rev: revSchema.parse(fields.rev),
    policy: parsePolicy(fields).policy,
    before: before === null ? null : parsePolicy(before).policy,
  };
}
