import { actorOf } from '../../cli/actor.ts';
import type { Context, GlobalFlags } from '../../cli/context.ts';
import { PolicyService } from '../../services/policy/policy_service.ts';
import { auditLog } from '../../store/audit_log.ts';
import { databaseClock } from '../../store/connection.ts';

/**
 * The policy and nothing else: an emergency stop needs neither a mint nor the rescue journal.
 *
 * @param command the words that were typed, for the audit log
 */
export async function openPolicy(
  context: Context,
  command: string,
  flags: GlobalFlags,
): Promise<PolicyService> {
  const actor = actorOf(await context.config(flags), command);
  const store = await context.openStore(command, flags);
  const clock = await databaseClock(store);
  const audit = auditLog(store, { actor, now: clock });
  return new PolicyService({ store, audit, actor: `${actor.user}@${actor.host}`, clock });
}
