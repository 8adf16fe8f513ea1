/** An Io for tests: real in every part, but its streams are strings. */

import { clearLine, cursorTo, moveCursor } from 'node:readline';
import { PassThrough, Writable } from 'node:stream';
import type { Io, IoOptions } from './io.ts';
import { createIo } from './io.ts';

export interface TestIoFacts extends IoOptions {
  /** What is piped in. */
  readonly stdin?: string;
  readonly stdinIsTty?: boolean;
  readonly outIsTty?: boolean;
  readonly errIsTty?: boolean;
  /** Width of both terminals, when they are terminals. */
  readonly columns?: number;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /**
   * What the person answers, in order: true or false to `confirm`, a text to `confirmTyped`. Giving
   * any makes `canPrompt` true; one question more than answers throws.
   */
  readonly answers?: ReadonlyArray<boolean | string>;
}

export interface TestIo extends Io {
  /** Everything written to stdout so far. */
  outText(): string;
  /** Everything written to stderr so far, questions included. */
  errText(): string;
  with(options: IoOptions): TestIo;
}

/** Makes an Io that records; without facts no stream is a terminal. */
export function testIo(facts: TestIoFacts = {}): TestIo {
  const { stdin = '', env = {}, columns = 80, answers, ...options } = facts;
  const input = new PassThrough();
  input.end(stdin);
  const out = recordingStream(facts.outIsTty === true, columns);
  const err = recordingStream(facts.errIsTty === true, columns);
  const streams = {
    stdin: Object.assign(input, { isTTY: facts.stdinIsTty === true }),
    stdout: out.stream,
    stderr: err.stream,
    env,
  };
  const recording = { outText: out.text, errText: err.text };
  const rest = answers === undefined ? null : [...answers];
  const build = (io: Io): TestIo => ({
    ...io,
    ...recording,
    ...(rest === null ? {} : scriptedAnswers(io, rest)),
    with: (more) => build(io.with(more)),
  });
  return build(createIo(streams, options));
}

function recordingStream(isTTY: boolean, columns: number) {
  const chunks: string[] = [];
  const stream = new Writable({
    decodeStrings: false,
    write(chunk: string | Buffer, _encoding, done) {
      chunks.push(String(chunk));
      done();
    },
  });
  const text = () => chunks.join('');
  if (!isTTY) return { stream, text };
  const terminal = {
    isTTY,
    columns,
    rows: 24,
    cursorTo: (x: number) => cursorTo(stream, x),
    moveCursor: (dx: number, dy: number) => moveCursor(stream, dx, dy),
    clearLine: (direction: -1 | 0 | 1) => clearLine(stream, direction),
  };
  return { stream: Object.assign(stream, terminal), text };
}

function scriptedAnswers(io: Io, rest: Array<boolean | string>) {
  const answerTo = (question: string) => {
    const answer = rest.shift();
    if (answer === undefined) throw new Error(`no answer is left for: ${question}`);
    io.err(`${question} ${answer}`);
    return answer;
  };
  return {
    canPrompt: true,
    confirm: async (question: string) => answerTo(question) === true,
    confirmTyped: async (question: string, expected: string) => answerTo(question) === expected,
  } satisfies Partial<Io>;
}
