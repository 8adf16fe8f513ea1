/** What a worker is told to run. */
export interface Order {
  args: string[];
  env: Record<string, string>;
}

/** Written to both streams behind what a command has said, followed by its exit code. */
export const END_MARK = '\u0000end\u0000';

/** The tool's own answers; after any other end a process is not used again. */
export const ORDERLY_EXITS: readonly number[] = [0, 20, 21, 22, 23, 24, 25];
