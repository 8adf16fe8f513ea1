import { PassThrough, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { askConfirmation, askTyped } from './prompt.ts';

const ENTER = '\r';
const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const ESCAPE = '\u001b';
const LEFT = '\u001b[D';
const SHOW_CURSOR = '\u001b[?25h';
const HIDE_CURSOR = '\u001b[?25l';

function terminal(colored = false) {
  const shown: string[] = [];
  const input = new PassThrough();
  const output = new Writable({
    decodeStrings: false,
    write(chunk: string | Buffer, _encoding, done) {
      shown.push(String(chunk));
      done();
    },
  });
  const surface = { input, output: Object.assign(output, { columns: 80, rows: 24 }), colored };
  const type = async (...keys: string[]) => {
    for (const key of keys) {
      // The prompt listens only after its library is loaded; a person is slower than that.
      await sleep(60);
      input.write(key);
    }
  };
  return { surface, type, shown: () => shown.join('') };
}

describe('askConfirmation', () => {
  test.each([
    ['Enter alone', [ENTER], false],
    ['y', ['y'], true],
    ['n', ['n'], false],
    ['the arrow to Yes and Enter', [LEFT, ENTER], true],
  ])('%s', async (_name, keys, expected) => {
    const { surface, type } = terminal();
    const answer = askConfirmation('Pay 21 sat?', surface);
    await Promise.all([answer, sleep(300).then(() => type(...keys))]);
    expect(await answer).toBe(expected);
  });

  describe.each([
    ['Ctrl-C', CTRL_C],
    ['Ctrl-D', CTRL_D],
    ['Escape', ESCAPE],
  ])('%s', (_name, key) => {
    test.each([
      ['at once', []],
      ['after Yes was chosen', [LEFT]],
    ])(
      'leaves with an error of its own %s, and reads as no consent',
      async (_, before) => {
        const { surface, type, shown } = terminal();
        const answer = askConfirmation('Pay 21 sat?', surface);
        await Promise.all([
          expect(answer).rejects.toMatchObject({ code: 'INTERRUPTED' }),
          sleep(200).then(() => type(...before, key)),
        ]);
        const screen = shown();
        expect(screen).toMatch(/\rNot confirmed\.\n$/);
        // The last picture shows both choices, so it is no answer.
        expect(screen.slice(screen.lastIndexOf('Yes'))).toMatch(/^Yes \/ . No/);
        expect(screen.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(screen.lastIndexOf(HIDE_CURSOR));
      },
      5_000,
    );
  });

  test('the end of the input leaves too', async () => {
    const { surface, shown } = terminal();
    const answer = askConfirmation('Pay 21 sat?', surface);
    await Promise.all([
      expect(answer).rejects.toMatchObject({ code: 'INTERRUPTED' }),
      sleep(200).then(() => surface.input.end()),
    ]);
    expect(shown()).toMatch(/\rNot confirmed\.\n$/);
  }, 5_000);

  test('shows the lines of the question, with foreign text escaped and no colour', async () => {
    const { surface, type, shown } = terminal();
    const answer = askConfirmation('Pay 21 sat\nfor "\u001b]0;evil\u0007"?', surface);
    await Promise.all([answer, sleep(200).then(() => type(ENTER))]);
    expect(shown()).toContain('Pay 21 sat');
    expect(shown()).toContain('for "\\x1b]0;evil\\x07"?');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with it.
    expect(shown()).not.toMatch(/\u001b\[[0-9;]*m/);
  });
});

describe('askTyped', () => {
  test.each([
    ['21000', true],
    [' 21000 ', true],
    ['2100', false],
    ['', false],
  ])('typed %j', async (typed, expected) => {
    const { surface, type } = terminal(true);
    const answer = askTyped('Type the amount to pay it.', '21000', surface);
    await Promise.all([answer, sleep(200).then(() => type(...typed, ENTER))]);
    expect(await answer).toBe(expected);
  });
});
