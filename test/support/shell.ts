import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The checkout. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** How the README puts the command on the PATH in a checkout. */
export const ON_THE_PATH = 'export PATH="$PWD/bin:$PATH"';
/** A PATH as anybody has it: what the tests run with holds the checkout's own programs. */
export const PLAIN_PATH = '/usr/local/bin:/usr/bin:/bin';

/** A command that a document shows. */
export interface Example {
  line: string;
  exit: number;
}

/** The commands of a document's `sh` blocks; `# exit N` says how one ends when it is not 0. */
export function examplesIn(markdown: string): Example[] {
  const blocks = [...markdown.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
  return blocks
    .flatMap((block) => block.split('\n'))
    .filter((line) => line !== '')
    .map((line) => ({ line, exit: Number(/# exit (\d+)/.exec(line)?.[1] ?? 0) }));
}

export interface ShellRun {
  child: ChildProcess;
  /** All that it has printed so far. */
  said(): string;
  /** Its exit code. */
  ended: Promise<number | null>;
}

/** Lines as a person types them into a shell of their own, in the checkout. */
export function inShell(lines: readonly string[], env: Readonly<Record<string, string>>): ShellRun {
  const child = spawn('sh', ['-c', lines.join('\n')], {
    cwd: ROOT,
    env: { PATH: PLAIN_PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const output: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
  const said = () => Buffer.concat(output).toString('utf8');
  return { child, said, ended: once(child, 'close').then(([code]) => code as number | null) };
}
