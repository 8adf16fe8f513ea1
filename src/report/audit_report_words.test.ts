import { describe, expect, it } from 'vitest';
import { quietDays, reportOfDays } from '../../test/support/report_readings.ts';
import { trendBreaks } from '../domain/audit_report.ts';
import { type Figures, noRuns } from '../domain/report_figures.ts';
import { reportDocument } from './audit_report_document.ts';
import {
  breakText,
  bucketText,
  figureText,
  findingsText,
  nextOfReport,
  nothingUnusual,
  scopeLine,
  seenLine,
  totalLines,
} from './audit_report_words.ts';
import { escapeHtml } from './escape_html.ts';

const DAY = 86_400_000;

describe('figureText', () => {
  it.each([
    [null, 'share', null],
    [1234.4, 'count', '1,234'],
    [1234567, 'sat', '1,234,567 sat'],
    [1, 'share', '100.0 %'],
    [0.99999, 'share', '99.9 %'],
    [0.7, 'share', '70.0 %'],
    [0, 'share', '0.0 %'],
    [0, 'ms', '0 ms'],
    [999, 'ms', '999 ms'],
    [1000, 'ms', '1.0 s'],
    [59_999, 'ms', '59.9 s'],
    [150_000, 'ms', '2.5 min'],
    [7_200_000, 'ms', '2.0 h'],
    [0, 'per_10k', '0'],
    [0.256, 'per_10k', '0.25'],
    [1234.56, 'per_10k', '1,234.5'],
  ] as const)('%s of %s is %s', (value, unit, text) => {
    expect(figureText(value, unit)).toBe(text);
  });
});

describe('the words of a report', () => {
  it('name buckets by day, or by day and minute', () => {
    const start = new Date('2026-11-21T18:05:00Z');
    expect(bucketText({ start }, DAY)).toBe('2026-11-21');
    expect(bucketText({ start }, DAY / 24)).toBe('11-21 18:05');
  });

  it('name owner and mint, made safe for a terminal', () => {
    const report = { ...reportOfDays([{}]), npub: 'npub1\u001b[2J', mint_url: null };
    expect(scopeLine(report)).toBe(
      '2026-11-21 00:00 UTC to 2026-11-21 22:00 UTC, in buckets of 1d; owner npub1\\x1b[2J, all mints',
    );
  });

  it('say "not known", never 0, of what is not known', () => {
    const report = reportOfDays([{ at_risk: null, paid: 0 }], { durations_total: null });
    const lines = Object.fromEntries(
      totalLines({ ...report, total: { ...report.total, runs: null } }),
    );
    expect(lines.took).toBe('nothing was paid');
    for (const label of ['looked', 'repaired', 'at risk'])
      expect(lines[label]).toMatch(/^not known/);
  });

  it('say that nothing was compared where nothing can be', () => {
    expect(nothingUnusual(reportOfDays(quietDays(2)))).toBe(
      'Nothing was compared: 8 whole buckets are needed, there is 1.',
    );
    expect(nothingUnusual(reportOfDays(quietDays(9)))).toBe('Nothing is unusual.');
  });

  it('say what was found and is open, and what to type next', () => {
    const report = reportOfDays([{ open: 1 }]);
    expect(seenLine(report)).toBe(
      'Seen in this time: 1 HIGH, 2 MEDIUM, 4 LOW findings; 1 payment open.',
    );
    expect(nextOfReport(report)).toBe('cashu-ops reconcile --all');
    expect(nextOfReport({ ...report, npub: 'npub1x', mint_url: 'https://m.test' })).toBe(
      'cashu-ops reconcile --npub npub1x --mint https://m.test',
    );
    const with_ = (runs: Figures['runs']) => ({ ...report, total: { ...report.total, runs } });
    expect(seenLine(with_(noRuns()))).toBe('Seen in this time: no reconciliation; 1 payment open.');
    expect(seenLine(with_({ ...noRuns(), ended: 1 }))).toMatch(/: no finding; /);
    expect(seenLine(with_(null))).toMatch(/: findings are not known; /);
    expect([nextOfReport(with_(noRuns())), nextOfReport(with_(null))]).toEqual([null, null]);
  });

  it('count findings of few coins, and give a rate of many', () => {
    const findings = { CRITICAL: 1, HIGH: 0, MEDIUM: 3, LOW: 0 };
    const runs = { ...noRuns(), ended: 1, findings, coins_checked: 999 };
    expect(findingsText(runs, 'CRITICAL')).toBe('1 of 999');
    expect(findingsText(runs, 'HIGH')).toBe('0');
    expect(findingsText({ ...runs, coins_checked: 1_000 }, 'MEDIUM')).toBe('30.0');
    expect(findingsText({ ...runs, coins_checked: null }, 'MEDIUM')).toBeNull();
  });

  it('say what is unusual with its usual range', () => {
    const report = reportOfDays([...quietDays(10), { blocked: 7 }, {}]);
    const [first] = trendBreaks(report);
    expect(first && breakText(first, DAY)).toBe('2026-11-20 ▲ blocked payments: 7, usually 0 to 2');
  });
});

describe('reportDocument', () => {
  const report = reportOfDays([...quietDays(10), { blocked: 7, at_risk: null }, {}]);
  const document = reportDocument(report, new Date(0), null);

  it('has keys in snake_case, severities but for', () => {
    const keys: string[] = [];
    JSON.stringify(document, (key, value) => {
      keys.push(key);
      return value;
    });
    for (const key of keys) expect(key).toMatch(/^([a-z0-9_]*|CRITICAL|HIGH|MEDIUM|LOW)$/);
  });

  it('has null for what is not known', () => {
    expect(document.buckets[10]?.sats_at_risk).toBeNull();
    expect(document.buckets[9]?.sats_at_risk).toMatchObject({ total: 300, at_least: false });
  });

  it('has each break with its range', () => {
    expect(document.breaks).toEqual([
      {
        ...{ figure: 'blocked', start: new Date('2026-11-20T00:00:00Z'), value: 7 },
        ...{ low: 0, high: 2, breaks: 'above' },
      },
    ]);
  });
});

describe('escapeHtml', () => {
  it('leaves nothing that begins or ends a tag or an attribute', () => {
    expect(escapeHtml(`<a href="x" title='y'>&amp;`)).toBe(
      '&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;amp;',
    );
  });
});
