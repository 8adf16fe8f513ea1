import type { MongodCommand } from './mongod_source.ts';

/** What the starting process tells the keeper. */
export type KeeperRequest =
  | { kind: 'remove_at_end'; path: string }
  | { kind: 'start'; id: number; command: MongodCommand; logPath: string }
  | { kind: 'signal'; id: number; signal: NodeJS.Signals }
  | { kind: 'end' };

/** What the keeper tells about a process; `id` is the one that the start request carried. */
export type KeeperReport =
  | { kind: 'started'; id: number; pid: number }
  | { kind: 'failed'; id: number; message: string }
  | { kind: 'exited'; id: number; code: number | null; signal: NodeJS.Signals | null };
