import { cleanNote } from '../../domain/audit_event.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import type { MeltPolicy, MeltSubject, PolicyRules } from '../../domain/melt_policy.ts';
import {
  applyChange,
  changesBetween,
  onlyStopsMore,
  type PolicyChange,
  parseChange,
  unreadable,
} from '../../domain/policy_change.ts';
import {
  isByHand,
  nextRev,
  type PolicyState,
  policyBefore,
  rulesOf,
} from '../../domain/policy_version.ts';
import { redact } from '../../domain/redact.ts';
import { assertPageSize } from '../../store/paging.ts';
import { countEffect, type PolicyEffect, type PolicyNames } from '../../store/policy_effect.ts';
import { PolicyStore } from '../../store/policy_store.ts';
import { policyEvent } from './policy_event.ts';
import { stopsOf, verdictOf } from './stops.ts';
import type {
  PolicyDeps,
  PolicyHistory,
  PolicyPlan,
  PolicyRequest,
  PolicyResult,
  PolicyVersionView,
  PolicyView,
} from './types.ts';

/** An emergency stop must not fail for a long remark, so it is cut. */
const REASON_MAX = 300;

/** Who may melt: the emergency stop and the rollout. */
export class PolicyService {
  readonly #deps: PolicyDeps;
  readonly #policies: PolicyStore;

  constructor(deps: PolicyDeps) {
    this.#deps = deps;
    this.#policies = new PolicyStore(deps.store, deps.audit);
  }

  /**
   * The policy as it stands, each stop with who, when and why. One that cannot be read is told.
   *
   * @param about whether this wallet may melt now
   */
  async show(about: MeltSubject | null = null): Promise<PolicyView> {
    const state = await this.#policies.read();
    const { policy, problems } = state;
    const versions = () => this.#policies.versions();
    const can_go_back = policyBefore(state) !== null;
    const view = { policy, problems, by_hand: isByHand(state), can_go_back };
    if (policy === null) {
      const why = 'melts are stopped for everyone, because the policy cannot be read';
      return { ...view, stops: [], wallet: about && { ...about, may_melt: false, why } };
    }
    return {
      ...view,
      stops: await stopsOf(policy, versions),
      wallet: about && (await verdictOf(policy, about, versions)),
    };
  }

  /**
   * Counts the wallets that policies let melt.
   *
   * @param names looked for among the wallets, because a mistyped one stops nobody
   */
  effect(policies: readonly PolicyRules[], names?: PolicyNames): Promise<PolicyEffect> {
    return countEffect(this.#deps.store.db, policies, names);
  }

  /**
   * What a change would be; nothing is written.
   *
   * @throws CashuOpsError INVALID_ARGUMENT, INVALID_NPUB, INVALID_MINT_URL, POLICY_UNREADABLE,
   *   NO_EARLIER_POLICY
   */
  async plan({ reason, ...given }: PolicyRequest): Promise<PolicyPlan> {
    const change = parseChange(given);
    const why = cleanReason(reason);
    const from = await this.#policies.read();
    const rules = rulesAfter(from, change);
    const { actor, clock } = this.#deps;
    const to = { ...rules, rev: nextRev(from), reason: why, set_by: actor, set_at: clock() };
    return {
      from,
      to,
      changes: changesBetween(from.policy, rules),
      only_stops_more: onlyStopsMore(from.policy, rules),
      names: {
        npubs: [...(change.stop_npubs ?? []), ...(change.allow_npubs ?? [])],
        mints: change.stop_mints ?? [],
      },
    };
  }

  /**
   * Makes a planned change, as one version with its audit event. Where nothing is to be changed,
   * nothing is written.
   *
   * @throws CashuOpsError POLICY_CHANGED when the policy is no longer what was planned for
   */
  async apply(plan: PolicyPlan): Promise<PolicyResult> {
    const { from, to, changes } = plan;
    if (changes.length === 0 && from.policy !== null) {
      return { policy: from.policy, changed: false, changes };
    }
    // A person may have thought for an hour: the change is made now.
    const now: MeltPolicy = { ...to, set_at: this.#deps.clock() };
    await this.#policies.write(from, now, policyEvent(plan));
    return { policy: now, changed: true, changes };
  }

  /** Plans and makes a change, without a question. See `plan` and `apply` for the errors. */
  async set(request: PolicyRequest): Promise<PolicyResult> {
    return this.apply(await this.plan(request));
  }

  /**
   * The versions, newest first.
   *
   * @param limit 1 to 1000
   * @throws CashuOpsError INVALID_ARGUMENT for a bad limit
   */
  async history({ limit = 20 }: { limit?: number } = {}): Promise<PolicyHistory> {
    assertPageSize(limit);
    const versions: PolicyVersionView[] = [];
    for await (const version of this.#policies.versions({ limit: limit + 1 })) {
      const { policy, before } = version;
      const changes = policy === null ? [] : changesBetween(before, policy);
      versions.push({ ...version, changes });
    }
    const by_hand = isByHand(await this.#policies.read());
    return { versions: versions.slice(0, limit), more: versions.length > limit, by_hand };
  }
}

function rulesAfter(from: PolicyState, change: PolicyChange): PolicyRules {
  if (!change.back) return applyChange(from.policy, change);
  const before = policyBefore(from);
  if (before !== null) return rulesOf(before);
  if (from.policy === null) throw unreadable();
  throw new CashuOpsError(
    'NO_EARLIER_POLICY',
    from.newest === null
      ? 'No version was ever set, so there is none to go back to; nothing was changed.'
      : 'What stood before the present version could not be read, so there is no way back to it; nothing was changed. "cashu-ops policy history" shows the earlier versions.',
    { next_command: 'cashu-ops policy history' },
  );
}

/** @throws CashuOpsError INVALID_ARGUMENT when nothing is left of it */
function cleanReason(reason: unknown): string {
  const clean = typeof reason === 'string' ? cleanNote(redact(reason)) : '';
  if (clean === '') {
    throw new CashuOpsError(
      'INVALID_ARGUMENT',
      'Why? Add --reason TEXT: it is kept with your name, and shown to everybody whose melt is stopped.',
    );
  }
  return clean.length > REASON_MAX ? `${clean.slice(0, REASON_MAX - 1)}…` : clean;
}
