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
 * @throws CashuOpsError INTERRUPTED when the person leaves with Ctrl-C or Escape
 */
export async function askConfirmation(question: string, surface: PromptSurface): Promise<boolean> {
  const { confirm } = await import('@clack/prompts');
  const answer = await confirm({
    message: safeQuestion(question),
    initialValue: false,
    input: surface.input,
    output: promptOutput(surface),
  });
  if (typeof answer !== 'boolean') throw leftAtQuestion();
  return answer;
}

/**
 * Asks the person to type a text, for what a single key should not start.
 *
 * @param expected what must be typed, such as the amount
 * @returns whether exactly that was typed
 * @throws CashuOpsError INTERRUPTED when the person leaves with Ctrl-C or Escape
 */
export async function askTyped(
  question: string,
  expected: string,
  surface: PromptSurface,
): Promise<boolean> {
  const { text } = await import('@clack/prompts');
  const answer = await text({
    message: safeQuestion(question),
    input: surface.input,
    output: promptOutput(surface),
  });
  if (typeof answer !== 'string') throw leftAtQuestion();
  return answer.trim() === expected;
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

/** The prompts decide about colour for stdout, so without colour on stderr it is taken out. */
function promptOutput({ output, colored }: PromptSurface): Writable {
  if (colored) return output;
  const plain = new Writable({
    decodeStrings: false,
    write(chunk: string | Buffer, _encoding, done) {
      output.write(String(chunk).replace(COLOR_SEQUENCE, ''), (error) => done(error));
    },
  });
  return Object.assign(plain, { isTTY: true, columns: output.columns, rows: output.rows });
}
