import { describe, expect, test } from 'vitest';
import { AUDIT_EVENT_TYPES } from '../domain/audit_event.ts';
import type { AuditRecord } from '../domain/audit_record.ts';
import { chalkOf } from '../io/color.ts';
import { renderTable } from '../io/table.ts';
import { auditTable } from './audit_rows.ts';

const [LONGEST = ''] = AUDIT_EVENT_TYPES.toSorted((one, other) => other.length - one.length);

function event(type: string, more: object = {}): AuditRecord {
  return {
    ...{ id: 'a'.repeat(24), time: new Date(0), type, severity: 'CRITICAL', changed: false },
    ...{ operation_id: '8a6e41f0-0000', npub: `npub1${'q'.repeat(58)}`, damaged: null },
    ...{ before: null, after: 'needs_attention', amounts: { amount: 2_100_000 } },
    ...more,
  } as unknown as AuditRecord;
}

const attention = event('melt_needs_attention');
const damaged: AuditRecord = { id: 'b'.repeat(24), damaged: ['severity'], time: new Date(0) };
const short = event('melt_paid', { severity: 'INFO', after: 'paid' });

const drawn = async (records: AuditRecord[], width: number, ids: boolean) => {
  const { columns, rows } = auditTable(records, { width, ids });
  const text = await renderTable(columns, rows, { width, paint: chalkOf(0) });
  return { text, titles: columns.map(({ title }) => title) };
};

describe('the table of events', () => {
  test.each([80, 100])('fits a terminal of %i columns, whatever has happened', async (width) => {
    for (const one of [event(LONGEST), attention, damaged, event(LONGEST, { changed: true })]) {
      for (const ids of [true, false]) {
        const { text } = await drawn([one, short], width, ids);
        const lines = text.split('\n').map((line) => [...line].length);
        expect({ ids, widest: Math.max(...lines) <= width }).toEqual({ ids, widest: true });
        if (ids) expect(text).toContain(one.id);
      }
    }
  });

  test('leaves out owners, then states, before anything else', async () => {
    expect((await drawn([short], 100, false)).titles).toContain('owner');
    const { text, titles } = await drawn([attention], 80, false);
    expect(titles).toEqual(['time (UTC)', 'event', 'payment', 'sat']);
    expect(text).toContain('CRITICAL melt_needs_attention');
    const withIds = await drawn([attention], 100, true);
    expect(withIds.titles).toEqual(['time (UTC)', 'event', 'payment', 'id']);
  });
});
