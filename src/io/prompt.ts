/** Questions to a person, asked on stderr so that stdout stays data. */

import type { Readable } from 'node:stream';
import { Writable } from 'node:stream';
import { CashuOpsError } from '../domain/errors.ts';
import { printable } from '../domain/printable.ts';

export interface PromptSurface {
  readonly input: Readable;
  readonly output: Writable & { readonly columns?: number; readonly rows?: number };
  readonly colored: boolean;
}

const LINE_MAX = 500;

/**
 * Asks a yes or no question; No is preselected.
 *
 * @throws CashuOpsError INTERRUPTED when the person leaves with Ctrl-C, Ctrl-D or Escape
 */
export async function askConfirmation(question: string, surface: PromptSurface): Promise<boolean> {
  const { confirm } = await import('@clack/prompts');
  const answer = await unlessLeft(surface, (streams) =>
    confirm({ ...streams, message: safeQuestion(question), initialValue: false }),
  );
  return answer === true;
}

/**
 * Asks the person to type a text, for what a single key should not start.
 *
 * @param expected what must be typed, such as the amount
 * @returns whether exactly that was typed
 * @throws CashuOpsError INTERRUPTED when the person leaves with Ctrl-C, Ctrl-D or Escape
 */
export async function askTyped(
  question: string,
  expected: string,
  surface: PromptSurface,
): Promise<boolean> {
  const { text } = await import('@clack/prompts');
  const answer = await unlessLeft(surface, (streams) =>
    text({ ...streams, message: safeQuestion(question) }),
  );
  return typeof answer === 'string' && answer.trim() === expected;
}

interface PromptStreams {
  input: Readable;
  output: Writable;
  signal: AbortSignal;
}

interface Key {
  name?: string;
  ctrl?: boolean;
}

/**
 * Waits for the answer, unless the person leaves.
 *
 * The prompts know nothing of Ctrl-D, which would leave them waiting for ever, and Escape moves
 * their choice to Yes before it ends them. So these keys are caught here, before the prompt sees
 * them, and what it would still draw about its choice is not shown.
 */
async function unlessLeft(
  surface: PromptSurface,
  ask: (streams: PromptStreams) => Promise<unknown>,
): Promise<unknown> {
  const { input } = surface;
  const left = new AbortController();
  const output = promptOutput(surface, left.signal);
  const leave = () => left.abort();
  const onKey = (_text: unknown, key: Key | undefined) => {
    if (isLeaving(key)) leave();
  };
  // Before the listeners of the prompt, which it has added by the time that `ask` comes back.
  const answered = ask({ input, output, signal: left.signal });
  input.prependListener('keypress', onKey).once('end', leave);
  try {
    const answer = await answered;
    if (!left.signal.aborted) return answer;
  } finally {
    input.off('keypress', onKey).off('end', leave);
  }
  // The cursor stands on the empty line below the question, but maybe not at its beginning.
  surface.output.write('\rNot confirmed.\n');
  throw leftAtQuestion();
}

function isLeaving(key: Key | undefined): boolean {
  if (key?.ctrl) return key.name === 'c' || key.name === 'd';
  return key?.name === 'escape';
}

/** A question may quote an invoice or a mint, and may have several lines. */
function safeQuestion(question: string): string {
  return question
    .split('\n')
    .map((line) => printable(line, LINE_MAX))
    .join('\n');
}

function leftAtQuestion(): CashuOpsError {
  return new CashuOpsError(
    'INTERRUPTED',
    'You left at the question, so nothing was done: run the command again to be asked again.',
  );
}

/** Colours of a terminal ("select graphic rendition"); cursor movements are other sequences. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for.
const COLOR_SEQUENCE = /\u001b\[[0-9;]*m/g;

/**
 * What a prompt draws on. The prompts decide about colour for stdout, so without colour on stderr
 * it is taken out; and nothing but the cursor is given back once the person has left.
 */
function promptOutput({ output, colored }: PromptSurface, left: AbortSignal): Writable {
  const shown = new Writable({
    decodeStrings: false,
    write(chunk: string | Buffer, _encoding, done) {
      const text = left.aborted ? afterLeaving(String(chunk)) : String(chunk);
      output.write(colored ? text : text.replace(COLOR_SEQUENCE, ''));
      // At once, so that nothing of it comes after what is written to the terminal itself.
      done();
    },
  });
  return Object.assign(shown, { isTTY: true, columns: output.columns, rows: output.rows });
}

const SHOW_CURSOR = '\u001b[?25h';

function afterLeaving(text: string): string {
  return text.includes(SHOW_CURSOR) ? SHOW_CURSOR : '';
}
