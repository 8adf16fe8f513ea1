import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from 'vitest';
import type { CaseResult } from './fault_case.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where the files of one run hand over what the last one judges. */
    faultRunDir: string;
  }
}

/** What one process got as arguments and wrote. */
export interface Heard {
  args: readonly string[];
  stdout: string;
  stderr: string;
}

/** What a ground hands over for the secret scan at the end of the run. */
export interface HandedOver {
  /** Everything that was written where others may read it. */
  shown: string[];
  runs: number;
  secrets: string[];
}

const TRANSCRIPTS = 'transcripts.jsonl';
const RESULTS = 'results.jsonl';

/** Everything that the processes of one ground wrote. */
export class Transcript {
  readonly #heard: string[] = [];
  readonly #secrets: string[];
  #runs = 0;

  constructor(secrets: readonly string[]) {
    this.#secrets = [...secrets];
  }

  heard({ args, stdout, stderr }: Heard): void {
    this.#runs += 1;
    this.#heard.push(args.join('\n'), stdout, stderr);
  }

  keepSecret(...secrets: string[]): void {
    this.#secrets.push(...secrets);
  }

  async handOver(secrets: Iterable<string>, leftBehind: string): Promise<void> {
    const all: HandedOver = {
      shown: [...this.#heard, leftBehind],
      runs: this.#runs,
      secrets: [...this.#secrets, ...secrets],
    };
    await append(TRANSCRIPTS, all);
  }
}

export function noteResult(result: CaseResult): Promise<void> {
  return append(RESULTS, result);
}

export const transcriptsPath = (dir: string): string => join(dir, TRANSCRIPTS);
export const resultsPath = (dir: string): string => join(dir, RESULTS);

async function append(name: string, value: unknown): Promise<void> {
  const path = join(inject('faultRunDir'), name);
  await appendFile(path, `${JSON.stringify(value)}\n`, { mode: 0o600 });
}
