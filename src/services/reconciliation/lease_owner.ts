import { createHash, randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/*
 * A lease names its process, so that one that was killed need not be waited for. A wrong guess costs
 * the other process its run and nothing else: the fence keeps it from writing.
 */

/** Tells this process from an earlier one with its number: in a container both may be 1. */
const PROCESS_ID = randomUUID();
const PLACE = placeOf();

/**
 * Where process numbers mean the same: this start of this machine, and this space of process
 * numbers. Containers with one host name have spaces of their own.
 */
function placeOf(): string {
  const parts = [
    hostname(),
    quietly(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')),
    quietly(() => readlinkSync('/proc/self/ns/pid')),
  ];
  return `${hostname()}~${createHash('sha256').update(parts.join()).digest('hex').slice(0, 12)}`;
}

/** Systems without these files are told apart by their names alone. */
function quietly(read: () => string): string {
  try {
    return read().trim();
  } catch {
    return '';
  }
}

/** A name for one hold of this process; no other ever has it. */
export function newLeaseOwner(): string {
  return [PLACE, process.pid, PROCESS_ID, randomUUID()].join('#');
}

/** Is the process that this name was made in gone for certain? Of other places nobody can know. */
export function isGone(owner: string): boolean {
  const [place, pid, processId] = owner.split('#');
  if (place !== PLACE || !/^\d+$/.test(pid ?? '')) return false;
  if (Number(pid) === process.pid) return processId !== PROCESS_ID;
  return !isAlive(Number(pid));
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
