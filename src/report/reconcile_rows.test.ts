import { describe, expect, it } from 'vitest';
import { FINDING_TYPES } from '../domain/finding.ts';
import { FINDING_ACTIONS } from '../domain/finding_action.ts';
import { type Finding, findingKey } from '../domain/reconcile_run.ts';
import { chalkOf } from '../io/color.ts';
import { findingRows, GravestFindings } from './reconcile_rows.ts';

const NPUB = 'npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg';
const plain = (width: number) => ({ width, paint: chalkOf(0) });

function finding(fields: Partial<Finding> = {}): Finding {
  const whole = {
    type: 'DB_UNSPENT_MINT_SPENT',
    severity: 'HIGH',
    amount: 64,
    y: `02${'ab'.repeat(32)}`,
    npub: NPUB,
    mint_url: 'https://mint.test',
    token_id: null,
    operation_id: null,
    age_s: 90,
    action: 'mark_spent',
    done: false,
    note: null,
    expected: {
      token_status: 'unspent',
      reserved_by: null,
      coins: null,
      mint_state: 'SPENT',
      operation_state: null,
      operation_rev: null,
    },
    ...fields,
  } satisfies Omit<Finding, 'key'>;
  return { key: findingKey(whole), ...whole };
}

describe('findingRows', () => {
  it('one finding under its wallet', () => {
    expect(findingRows([finding()], false, plain(100))).toEqual([
      '  severity  type                   sat  age  coin         what would be done',
      'npub10elfcs…jptg  mint.test',
      '  HIGH      DB_UNSPENT_MINT_SPENT   64   1m  02abababab…  would mark spent',
    ]);
  });

  it('amounts stand right, and what rows share is said once', () => {
    const held = {
      operation_id: '0eff82aa-6e55',
      note: 'held',
      action: 'resolve_operation',
    } as const;
    const rows = findingRows(
      [finding({ ...held, amount: 1_234_567 }), finding({ ...held, y: `03${'cd'.repeat(32)}` })],
      false,
      plain(100),
    );
    expect(rows.slice(2)).toEqual([
      '  HIGH      DB_UNSPENT_MINT_SPENT  1,234,567   1m  02abababab…  0eff82aa   would ask the mint again',
      '  HIGH      DB_UNSPENT_MINT_SPENT         64   1m  03cdcdcdcd…  0eff82aa   would ask the mint again',
      '      held',
    ]);
  });

  it('done, not done and why', () => {
    const rows = findingRows(
      [finding({ done: true }), finding({ note: 'the token is spent now', amount: 2 })],
      true,
      plain(100),
    );
    expect(rows[2]).toMatch(/ {2}marked spent$/);
    expect(rows[3]).toMatch(/ {2}not done$/);
    expect(rows[4]).toBe('      the token is spent now');
  });

  it.each([60, 80, 100])('whatever is shown, no line is wider than %i', (width) => {
    const fields = width > 60 ? { amount: 21_000_000, operation_id: '0eff82aa-6e55' } : {};
    const note = 'a note of many words that goes on and on, much longer than a line of a terminal';
    const pairs = FINDING_TYPES.flatMap((type) =>
      FINDING_ACTIONS.map((action) => ({ type, action })),
    );
    const all = pairs.map((pair, at) =>
      finding({ ...fields, ...pair, note, severity: 'CRITICAL', npub: `npub1owner${at % 3}` }),
    );
    for (const applied of [false, true]) {
      for (const line of findingRows(all, applied, plain(width))) {
        expect(line.length).toBeLessThanOrEqual(Math.max(width, 71));
      }
    }
  });

  it('what a document or a mint says is no order to the terminal', () => {
    const hostile = '\u001b[2J\u202e';
    const fields = { npub: hostile, mint_url: `https://${hostile}`, y: hostile, note: hostile };
    const text = findingRows([finding({ ...fields, operation_id: hostile })], false, plain(100));
    for (const order of hostile) {
      if (order < ' ' || order > '~') expect(text.join('')).not.toContain(order);
    }
  });

  it('its word says the same as its colour', () => {
    const paint = chalkOf(1);
    const [, , row = ''] = findingRows([finding()], false, { width: 100, paint });
    expect(row).toContain('\u001b[31mHIGH\u001b[39m');
  });

  it('nothing makes no title', () => {
    expect(findingRows([], false, plain(100))).toEqual([]);
  });
});

describe('GravestFindings', () => {
  it('keeps the gravest of many, and knows how many there were', () => {
    const kept = new GravestFindings(3);
    const severities = ['LOW', 'MEDIUM', 'LOW', 'HIGH', 'LOW', 'LOW', 'CRITICAL', 'LOW'] as const;
    for (const [at, severity] of severities.entries()) kept.add(finding({ severity, amount: at }));
    expect(kept.seen).toBe(8);
    expect(kept.kept.map(({ severity }) => severity)).toEqual(['CRITICAL', 'HIGH', 'MEDIUM']);
  });
});
