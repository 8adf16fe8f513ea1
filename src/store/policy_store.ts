import { randomUUID } from 'node:crypto';
import type { mongo } from 'mongoose';
import type { AuditEventData } from '../domain/audit_event.ts';
import { CashuOpsError, isOutcomeUnknown } from '../domain/errors.ts';
import type { MeltPolicy } from '../domain/melt_policy.ts';
import type { PolicyState, PolicyVersion } from '../domain/policy_version.ts';
import { printable } from '../domain/printable.ts';
import type { AuditLog } from './audit_log.ts';
import { POLICIES } from './collections.ts';
import type { Store } from './connection.ts';
import {
  findPolicyDocument,
  fingerprintOf,
  MELT_POLICY_ID,
  parsePolicyDocument,
} from './melt_policy.ts';
import {
  readVersions,
  type VersionDocument,
  type VersionPage,
  versionId,
} from './policy_versions.ts';
import { translating } from './translating.ts';

/** So much is kept of a document that could not be read. */
const REPLACED_MAX = 10_000;
const REASON_SHOWN_MAX = 200;

/** The melt policy and all its versions. */
export class PolicyStore {
  readonly #store: Pick<Store, 'db' | 'transactions'>;
  readonly #audit: AuditLog;

  constructor(store: Pick<Store, 'db' | 'transactions'>, audit: AuditLog) {
    this.#store = store;
    this.#audit = audit;
  }

  /** The policy as it stands; one that cannot be read is told, not thrown. */
  async read(): Promise<PolicyState> {
    const { db } = this.#store;
    const document = await translating(() => findPolicyDocument(db));
    const { policy, problems } = parsePolicyDocument(document);
    let newest: PolicyVersion | null = null;
    for await (const version of readVersions(db, { limit: 1 })) newest = version;
    return { policy, problems, newest, found: fingerprintOf(document) };
  }

  /** The versions, newest first. */
  versions(page: VersionPage = {}): AsyncGenerator<PolicyVersion> {
    return readVersions(this.#store.db, page);
  }

  /**
   * Makes a policy the present one, and keeps it as a version: one transaction with its audit event.
   *
   * @param from the policy as it was read; whatever has changed about it meanwhile stops the change
   * @param to with the number that it gets
   * @throws CashuOpsError POLICY_CHANGED, or a database error: nothing was changed then, unless
   *   `details.facts.outcome` is "unknown"
   */
  async write(from: PolicyState, to: MeltPolicy, event: AuditEventData): Promise<void> {
    const version = versionDocument(from, to);
    try {
      await this.#store.transactions.run((session) => this.#replace(session, from, version, event));
    } catch (error) {
      if (!isOutcomeUnknown(error) && !isOvertaken(error)) throw error;
      // A commit whose answer was lost may be what overtook this one: only the database knows.
      if (await this.#isKept(version)) return;
      throw isOvertaken(error) ? await this.#overtaken() : error;
    }
  }

  async #replace(
    session: mongo.ClientSession,
    from: PolicyState,
    version: VersionDocument,
    event: AuditEventData,
  ): Promise<void> {
    const { db } = this.#store;
    // Read and written in one snapshot, so a change in between is a write conflict and begins anew.
    const found = fingerprintOf(await findPolicyDocument(db, session));
    if (found !== from.found) throw overtakenBy(null);
    const policies = db.collection<{ _id: string }>(POLICIES);
    const { _id: _, change_id: __, before: ___, replaced: ____, ...policy } = version;
    await policies.insertOne(version, { session });
    await policies.replaceOne({ _id: MELT_POLICY_ID }, policy, { session, upsert: true });
    await this.#audit.createAuditLogEntry(session, event);
  }

  async #isKept({ _id, change_id }: VersionDocument): Promise<boolean> {
    const policies = this.#store.db.collection<VersionDocument>(POLICIES);
    const found = await policies.findOne({ _id, change_id }).catch(() => null);
    return found !== null;
  }

  async #overtaken(): Promise<CashuOpsError> {
    const state = await this.read().catch(() => null);
    return overtakenBy(state?.policy ?? null);
  }
}

function versionDocument(from: PolicyState, to: MeltPolicy): VersionDocument {
  return {
    _id: versionId(to.rev),
    ...to,
    change_id: randomUUID(),
    before: from.policy && { ...from.policy },
    ...(from.policy === null && { replaced: from.found.slice(0, REPLACED_MAX) }),
  };
}

/** Somebody else's version stands: seen by what was read, or by the number that it took. */
function isOvertaken(error: unknown): boolean {
  if (!(error instanceof CashuOpsError)) return false;
  return error.code === 'POLICY_CHANGED' || error.details.facts?.index === '_id_';
}

function overtakenBy(policy: MeltPolicy | null): CashuOpsError {
  const who = policy?.set_by ? ` by ${policy.set_by}` : '';
  const when = policy?.set_at ? ` at ${policy.set_at.toISOString()}` : '';
  const why = policy?.reason ? ` (${printable(policy.reason, REASON_SHOWN_MAX)})` : '';
  return new CashuOpsError(
    'POLICY_CHANGED',
    `Nothing was changed: the policy was changed meanwhile${who}${when}${why}. Look at it, then run the same command again if it is still right.`,
    { next_command: 'cashu-ops policy show' },
  );
}
