import { describe, expect, test } from 'vitest';
import { testIo } from './test_io.ts';

const SECRET = 'ab'.repeat(32);

function jsonIo(facts = {}) {
  const io = testIo({ logFormat: 'json', ...facts });
  return {
    io,
    lines: () =>
      io
        .errText()
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line)),
  };
}

describe('JSON lines', () => {
  test('have level, time, what every line has, and their own facts', () => {
    const { io, lines } = jsonIo({ logFacts: { command: 'melt', run: 'r1' } });
    io.say({
      level: 'warn',
      msg: 'Careful',
      facts: { amount: 3, counts: { HIGH: 1 }, none: null },
    });
    io.err('plain\n');
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const every = { time, command: 'melt', run: 'r1' };
    expect(lines()).toEqual([
      { ...every, level: 'warn', msg: 'Careful', amount: 3, counts: { HIGH: 1 } },
      { ...every, level: 'info', msg: 'plain' },
    ]);
  });

  test('are one line each, whatever the text holds, and nothing a terminal obeys', () => {
    const { io, lines } = jsonIo();
    const text = 'two\nlines \u001b[2J \u2028 \u202e "quoted" %s %d';
    io.say({ level: 'info', msg: text, facts: { text, list: [text], when: new Date(0) } });
    expect(lines()).toMatchObject([
      { msg: text, text, list: [text], when: '1970-01-01T00:00:00.000Z' },
    ]);
    expect(io.errText()).not.toMatch(/[\p{Cf}\p{Zl}]/u);
    expect(io.errText()).not.toContain('\u001b');
  });

  test.each([
    [{ preimage: SECRET }],
    [{ secret: 'short' }],
    [{ deep: { p2pk_privkey: SECRET } }],
    [{ proofs: [{ C: `02${SECRET}` }] }],
    [{ note: `the secret is ${SECRET}` }],
    [{ note: `{"secret":"${SECRET}` }],
    [{ note: `C: 02${SECRET}` }],
    [{ uri: `mongodb://user:${SECRET}@db/x` }],
    [{ note: `cashuB${SECRET}` }],
    [{ error: new Error(`preimage=${SECRET}`) }],
  ])('hide secrets in %j and stay JSON', (facts) => {
    const { io, lines } = jsonIo();
    io.say({ level: 'error', msg: `msg ${JSON.stringify(facts)}`, facts });
    io.say({ level: 'error', msg: 'behind' });
    expect(lines()).toHaveLength(2);
    expect(io.errText()).toContain('[hidden]');
    expect(io.errText()).not.toContain(SECRET);
    expect(io.errText()).not.toContain('short');
  });

  test('cannot be made to say another level, time or message', () => {
    const { io, lines } = jsonIo();
    io.say({ level: 'error', msg: 'real', facts: { level: 'info', time: 'never', msg: 'forged' } });
    expect(io.errText().match(/"(level|time|msg)":/g)).toHaveLength(3);
    expect(lines()).toMatchObject([{ level: 'error', msg: 'real' }]);
  });

  test('have no colour and no spinner, and nobody is asked, even on a terminal', async () => {
    const terminal = { errIsTty: true, stdinIsTty: true, color: 'always' as const };
    const { io, lines } = jsonIo(terminal);
    expect(io.color.err.red('x')).toBe('x');
    expect(io.color.out.red('x')).not.toBe('x');
    expect(io.canPrompt).toBe(false);
    await expect(io.confirm('Pay?')).rejects.toMatchObject({
      code: 'CONFIRMATION_REQUIRED',
      message: expect.stringMatching(/with JSON lines .* nobody is asked/),
    });
    expect(await io.progress('Asking', async () => 7)).toBe(7);
    expect(lines()).toMatchObject([
      { level: 'info', msg: 'Asking' },
      { level: 'info', msg: 'Asking: done', duration_ms: expect.any(Number) },
    ]);
  });

  test('are cut where a text has no end, and left out where there is none', () => {
    const { io, lines } = jsonIo();
    io.say({ level: 'info', msg: ' \n' });
    io.say({ level: 'info', msg: 'x'.repeat(1_000_000) });
    expect(lines()).toHaveLength(1);
    expect(io.errText().length).toBeLessThan(11_000);
  });
});

describe('text lines', () => {
  test('are what they are given as, or nothing', () => {
    const io = testIo();
    io.say({ level: 'error', msg: 'a', facts: { b: 1 }, text: ['log error: a b=1', 'next: c'] });
    io.say({ level: 'info', msg: 'only in JSON', text: [] });
    io.say({ level: 'info', msg: 'as it is' });
    expect(io.errText()).toBe('log error: a b=1\nnext: c\nas it is\n');
  });

  test('hide a secret in one line without hiding the next', () => {
    const io = testIo();
    io.say({ level: 'info', msg: 'x', text: [`secret: "${SECRET}`, 'next: cashu-ops doctor'] });
    expect(io.errText()).toBe('secret: "[hidden]"\nnext: cashu-ops doctor\n');
  });
});
