import { execFile } from 'node:child_process';

/** How a command ended; `code` is `undefined` when it could not be started or was ended by a signal. */
export interface CommandResult {
  /** The file was not there at all. */
  missing: boolean;
  code: number | undefined;
  stdout: string;
  stderr: string;
  /** Last line that it wrote, or why it could not be started: enough for one sentence. */
  lastLine: string;
}

/**
 * Runs a command to its end without a shell. A failure is a result, not an exception, because every
 * caller has a sentence of its own for it.
 *
 * @param options.timeoutMs after which the command is killed
 */
export function runCommand(
  file: string,
  args: readonly string[],
  options: { env: NodeJS.ProcessEnv; timeoutMs: number; cwd?: string },
): Promise<CommandResult> {
  return new Promise((resolve) => {
    execFile(
      file,
      args,
      {
        env: options.env,
        cwd: options.cwd,
        timeout: options.timeoutMs,
        killSignal: 'SIGKILL',
        maxBuffer: 64 * 1024 * 1024,
      },
      (error, stdout, stderr) => {
        resolve({
          missing: error?.code === 'ENOENT',
          code: exitCodeOf(error),
          stdout,
          stderr,
          lastLine: lastLineOf(error, stdout, stderr),
        });
      },
    );
  });
}

function exitCodeOf(error: { code?: unknown } | null): number | undefined {
  if (error === null) return 0;
  return typeof error.code === 'number' ? error.code : undefined;
}

function lastLineOf(error: Error | null, stdout: string, stderr: string): string {
  const lines = `${stdout}\n${stderr}`.split('\n').map((line) => line.trim());
  return lines.findLast((line) => line !== '') ?? error?.message ?? '';
}
