import { describe, expect, it } from 'vitest';
import { type Day, quietDays, reportOfDays } from '../../test/support/report_readings.ts';
import { reportPlots } from './audit_report_plots.ts';

async function plotOf(label: string, days: Day[], width = 100): Promise<string[]> {
  const lines = await reportPlots(reportOfDays(days), width);
  const at = lines.findIndex((line) => line.startsWith(`${label}, `));
  return at < 0 ? [] : lines.slice(at, at + 6);
}

describe('reportPlots', () => {
  it('goes from the lowest to the highest value', async () => {
    const [title, highest, , , , lowest] = await plotOf('payments', [
      ...[
        { paid: 10, failed: 0 },
        { paid: 10, failed: 0 },
        { paid: 90, failed: 0 },
      ],
    ]);
    expect(title).toBe('payments, 2026-11-19 to 2026-11-21');
    expect(highest).toMatch(/^ +90 ┤ {15}╭─{7}$/);
    expect(lowest).toMatch(/^ +10 ┼─{15}╯$/);
  });

  it('has a gap where a figure is not known', async () => {
    const days = [{}, {}, { at_risk: null }, {}, {}];
    const lines = await plotOf('sat at risk', days);
    expect(lines.at(-1)).toMatch(/^ +300 sat ┼─{15} {8}─{16}$/);
  });

  it.each([80, 100])(
    'is never wider than %i, and shows the last where there are too many',
    async (width) => {
      const lines = await reportPlots(reportOfDays(quietDays(400)), width);
      expect(lines.length).toBeGreaterThan(20);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
      expect(lines.join('\n')).toContain(`, the last ${width - 13} buckets`);
    },
  );

  it('draws nothing of a figure that is known once', async () => {
    expect(await plotOf('sat at risk', [{}, { at_risk: null }])).toEqual([]);
  });

  it('draws a line that never moves, also at 0', async () => {
    const lines = await plotOf('sat at risk', [{ at_risk: 0 }, { at_risk: 0 }, { at_risk: 0 }]);
    expect(lines.at(-1)).toMatch(/^ +0 sat ┼─+$/);
  });
});
