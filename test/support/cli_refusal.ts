import { expect } from 'vitest';
import type { CliGround, RunOptions } from './cli_ground.ts';
import type { CliResult } from './run_cli.ts';

/** The keys of `cashu-ops/error@1`; `facts` may follow. */
export const ERROR_KEYS = [
  'code',
  'severity',
  'message',
  'operation_id',
  'quote_id',
  'transaction_id',
  'requires_manual_intervention',
  'operation_blocked',
  'support_contact',
  'recommendation',
  'next_command',
];

/** The escape character, and C1's own introducer of control sequences. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
export const ESCAPES = /[\u001b\u009b]/;

export interface Refusal extends RunOptions {
  args: readonly string[];
  code: string;
  exit: number;
  /** What the sentence must say. */
  says: RegExp | readonly RegExp[];
  /** The one command to type next; null where there is none. */
  next?: RegExp | null;
  /** The code on stderr, where it is not the contract's code. */
  shownCode?: string;
  /** With `--debug` a stack follows the sentence. */
  stack?: boolean;
}

export interface Refused {
  machine: CliResult;
  human: CliResult;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into the document.
  error: any;
}

/**
 * Runs a command that must be refused, with `--json` and without, and makes sure that it says so in
 * both forms and that nothing has changed: not one collection, not the mint's books, no payment.
 */
export async function expectRefusal(ground: CliGround, refusal: Refusal): Promise<Refused> {
  const before = await ground.standing();
  const refused = await refusedBoth(ground, refusal);
  expect(await ground.standing()).toEqual(before);
  return refused;
}

/** The same without looking at what stands: for what must change something. */
export async function refusedBoth(ground: CliGround, refusal: Refusal): Promise<Refused> {
  const { args, env, stdin } = refusal;
  const [machine, human] = await Promise.all([
    ground.run([...args, '--json'], { env, stdin }),
    ground.run(args, { env, stdin }),
  ]);
  const error = expectErrorDocument(machine, refusal);
  expectSentence(human, refusal, error.message);
  return { machine, human, error };
}

/** Exactly one document on stdout, in the contract's form. */
export function expectErrorDocument(machine: CliResult, { code, exit, next }: Refusal) {
  const { schema, ok, error, ...rest } = onlyDocument(machine.stdout);
  const { facts: _, ...own } = error ?? {};
  expect({ exit: machine.code, code: own.code }).toEqual({ exit, code });
  expect({ schema, ok, rest }).toEqual({ schema: 'cashu-ops/error@1', ok: false, rest: {} });
  expect(Object.keys(own)).toEqual(ERROR_KEYS);
  if (next === null) expect(own.next_command).toBeNull();
  else if (next !== undefined) expect(own.next_command).toMatch(next);
  expect(machine.stderr).not.toMatch(ESCAPES);
  return error;
}

/** The whole of stdout is one JSON document. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into the document.
export function onlyDocument(stdout: string): any {
  expect(stdout).toMatch(/^\{\n[\s\S]*\n\}\n$/);
  expect(stdout).not.toMatch(ESCAPES);
  return JSON.parse(stdout);
}

/** One clear sentence on stderr, the same as in the document, without a stack and without colour. */
function expectSentence(human: CliResult, refusal: Refusal, message: string): void {
  const { code, exit, says, shownCode = code } = refusal;
  expect({ exit: human.code, stdout: human.stdout }).toEqual({ exit, stdout: '' });
  const errors = human.stderr.split('\n').filter((line) => line.startsWith('error'));
  expect(errors).toEqual([`error [${shownCode}] ${withoutIds(message, errors[0] ?? '')}`]);
  for (const pattern of [says].flat()) expect(errors[0]).toMatch(pattern);
  expect(errors[0]).toMatch(/[.?!]$/);
  expect(/^\s+at .*:\d+:\d+\)?$/m.test(human.stderr)).toBe(refusal.stack ?? false);
  expect(human.stderr).not.toMatch(ESCAPES);
}

/** Both runs have ids of their own, and choose coins by chance, in otherwise equal sentences. */
function withoutIds(message: string, shown: string): string {
  const text = shown.replace(/^error \[\w+\] /, '');
  const own = /[0-9a-f]{8}-[0-9a-f-]{27}|\d+ coins/g;
  return message.replace(own, 'OWN') === text.replace(own, 'OWN') ? text : message;
}
