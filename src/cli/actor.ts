import type { Config } from '../config/config.ts';
import { readMachine } from '../config/machine.ts';
import type { AuditActor } from '../domain/audit_event.ts';
import { VERSION } from '../version.ts';

/** Who acts, for the audit log. @param command the words that were typed */
export function actorOf({ actor }: Pick<Config, 'actor'>, command: string): AuditActor {
  const [user, host] = actor.split('@');
  const machine = readMachine({});
  return {
    user: user || machine.user,
    host: host || machine.hostname,
    command,
    version: VERSION,
  };
}
