import { readFileSync } from 'node:fs';

/*
 * Loaded before the command, it tells the most memory that the process ever held. The kernel's own
 * figure for a child (ru_maxrss) will not do: it begins with what the parent held at the fork.
 */
process.on('exit', () => {
  const [, kib] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  process.stderr.write(`\npeak ${kib} KiB\n`);
});
