import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

/*
 * A lease names its process, so that one that was killed need not be waited for. A wrong guess costs
 * the other process its run and nothing else: the fence keeps it from writing.
 */

/** A name for one hold of this process; no other ever has it. */
export function newLeaseOwner(): string {
  return `${hostname()}#${process.pid}#${randomUUID()}`;
}

/** Was this name made on this machine? Of processes of others nobody can know how they are. */
export function isHere(owner: string): boolean {
  return owner.split('#')[0] === hostname();
}

/** Is the process that this name was made in gone for certain? */
export function isGone(owner: string): boolean {
  const [, pid] = owner.split('#');
  return isHere(owner) && /^\d+$/.test(pid ?? '') && !isAlive(Number(pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It is there, and somebody else's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
