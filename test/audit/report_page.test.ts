import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import chromium from '@sparticuz/chromium';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type AuditReport, trendBreaks } from '../../src/domain/audit_report.ts';
import { reportPage } from '../../src/report/audit_report_page.ts';
import { type Day, quietDays, REPORT_NOW, reportOfDays } from '../support/report_readings.ts';

const HOSTILE = `<script>document.title='x'</script>"'><img src=x onerror="document.title='x'">`;
const UNUSUAL: Day[] = [
  ...quietDays(10),
  { paid: 90, failed: 31, open: 3, p50: 4000, blocked: 7, high: 20, at_risk: 5000 },
  { paid: 0, failed: 0, at_risk: null },
  { paid: 12, failed: 1 },
];

/** The page as a browser shows it, which must do nothing else with it. */
describe('the page of audit report', () => {
  let browser: Browser;
  let folder: string;
  let page: Page;
  const trouble: string[] = [];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cashu-ops-test-page-'));
    browser = await puppeteer.launch({
      args: chromium.args,
      executablePath: await chromium.executablePath(),
      headless: 'shell',
    });
  });
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });
  afterEach(async () => {
    await page.close();
    expect(trouble.splice(0)).toEqual([]);
  });

  async function open(report: AuditReport, width = 1280, database = 'wallets'): Promise<void> {
    const file = join(folder, 'report.html');
    await writeFile(file, reportPage(report, { database, generated_at: REPORT_NOW }));
    const address = pathToFileURL(file).href;
    page = await browser.newPage();
    page.on('console', (message) => trouble.push(`console: ${message.text()}`));
    page.on('pageerror', (error) => trouble.push(`error: ${error}`));
    page.on('dialog', (dialog) => trouble.push(`dialog: ${dialog.message()}`));
    page.on('request', (request) => {
      if (request.url() !== address) trouble.push(`request: ${request.url()}`);
    });
    await page.setViewport({ width, height: 900 });
    await page.goto(address, { waitUntil: 'networkidle0' });
  }

  /** What the marks of a chart say when somebody points at them; of the drawing that is shown. */
  const titles = (chart: string, marks: string) =>
    page.$$eval(
      `svg[aria-label="${chart}"]`,
      (drawings, name) => {
        const shown = drawings.find((drawing) => drawing.getBoundingClientRect().width > 0);
        return [...(shown?.querySelectorAll(`.${name} title`) ?? [])].map((one) => one.textContent);
      },
      marks,
    );

  /** In words, because the types of a browser are not those of this program. */
  const style = async (selector: string, property: string) => {
    const element = `document.querySelector(${JSON.stringify(selector)})`;
    return String(await page.evaluate(`getComputedStyle(${element})['${property}']`));
  };

  it('has a mark for each number that was measured', async () => {
    const report = reportOfDays(UNUSUAL);
    await open(report);
    expect(await titles('Payments', 'bars')).toEqual(
      report.rows.flatMap(({ start, complete, operations: { paid, failed, open: opened } }) => {
        const when = `${start.toISOString().slice(0, 10)}${complete ? '' : ' (not over)'}`;
        return [`${when}: ${paid} paid`, `${when}: ${failed} failed`, `${when}: ${opened} open`];
      }),
    );
    const blocked = await titles('Blocked payments', 'bars');
    expect([blocked.length, blocked[10]]).toEqual([13, '2026-11-19: 7 blocked']);
    expect(await titles('Sat at risk', 'bars')).toContain('2026-11-19: 5,000 HIGH');
    expect(await titles('Findings per 10,000 coins', 'points')).toContain('2026-11-19: HIGH 20.0');
  });

  it('draws bars as high as their numbers', async () => {
    await open(reportOfDays([{ blocked: 2 }, { blocked: 8 }, { blocked: 4 }]));
    const heights = await page.$$eval(
      '.wide svg[aria-label="Blocked payments"] .bars rect',
      (all) => all.map((bar) => Number(bar.getAttribute('height'))),
    );
    const [two = 0, eight = 0, four = 0] = heights;
    expect(two).toBeGreaterThan(5);
    expect(eight / two).toBeCloseTo(4, 5);
    expect(four / two).toBeCloseTo(2, 5);
  });

  it('leaves out what is not known, and shows what is not over as such', async () => {
    await open(reportOfDays(UNUSUAL));
    const rates = await titles('Success rate', 'points');
    expect(rates.length).toBe(12);
    expect(rates.some((text) => text?.startsWith('2026-11-20'))).toBe(false);
    expect(rates.at(-1)).toBe('2026-11-21 (not over): success rate 92.3 %');
    const risk = await titles('Sat at risk', 'bars');
    expect(risk.some((text) => text?.startsWith('2026-11-20'))).toBe(false);
    const pale = await page.$$eval('.wide svg[aria-label="Blocked payments"] .bars rect', (all) =>
      all.map((bar) => bar.getAttribute('fill-opacity')),
    );
    expect(pale).toEqual([...Array(12).fill('1'), '0.45']);
  });

  it('marks what is unusual, and says by which method', async () => {
    const report = reportOfDays(UNUSUAL);
    await open(report);
    const expected = trendBreaks(report).map(({ trend, bucket }) => [
      trend.label,
      bucket.start.toISOString().slice(0, 10),
    ]);
    expect(expected.length).toBeGreaterThan(5);
    const marked = await page.$$eval('.wide .breaks title', (all) =>
      all.map((one) => one.textContent),
    );
    for (const [label, day] of expected) {
      expect(marked.filter((text) => text?.startsWith(`${day}: ${label} `))).toHaveLength(1);
    }
    expect(marked.length).toBe(expected.length);
    const listed = await page.$$eval('.breaks-list li', (all) => all.length);
    expect(listed).toBe(expected.length);
    const text = await page.$eval('body', (body) => body.textContent);
    expect(text).toContain('median ± 3 × 1.4826 × MAD');
  });

  it.each([1280, 400])('needs no scrolling to the side at %i px', async (width) => {
    const many = Array.from({ length: 60 }, (_, at) => ({ at_risk: 10 ** (at % 15), paid: 1e6 }));
    await open(reportOfDays(many), width, 'a'.repeat(63));
    const [scroll, client] = await page.$eval('html', (html) => [
      html.scrollWidth,
      html.clientWidth,
    ]);
    expect([scroll, client]).toEqual([width, width]);
    const drawn = await page.$$eval('figure svg', (all) =>
      all
        .map((one) => one.getBoundingClientRect())
        .filter((box) => box.width > 0)
        .map(({ left, right }) => [left, right]),
    );
    expect(drawn.length).toBe(8);
    for (const [start = -1, end = Number.POSITIVE_INFINITY] of drawn) {
      expect(start).toBeGreaterThanOrEqual(0);
      expect(end).toBeLessThanOrEqual(width);
    }
  });

  it('draws 400 buckets', async () => {
    await open(reportOfDays(quietDays(400)), 400);
    expect((await titles('Payments', 'bars')).length).toBe(1200);
    const thin = await page.$$eval(
      '.narrow svg[aria-label="Payments"] .bars rect',
      (all) => all.filter((bar) => Number(bar.getAttribute('width')) <= 0).length,
    );
    expect(thin).toBe(0);
  });

  it('shows a hostile name as what it is', async () => {
    const report = { ...reportOfDays(UNUSUAL), npub: HOSTILE, mint_url: `https://m/${HOSTILE}` };
    await open(report, 1280, HOSTILE);
    const scripts = await page.$$eval('script', (all) => all.length);
    const images = await page.$$eval('img', (all) => all.length);
    const title = await page.title();
    const header = await page.$eval('header', (one) => one.textContent);
    expect([scripts, images, title]).toEqual([0, 0, expect.stringContaining('<script>')]);
    expect(header).toContain(`owner ${HOSTILE}`);
    expect(header).toContain(`https://m/${HOSTILE}`);
  });

  it('lets the browser load and run nothing', async () => {
    await open(reportOfDays(UNUSUAL));
    const html = await page.content();
    expect(html).toContain(`default-src 'none'; style-src 'unsafe-inline'`);
    expect(html).not.toMatch(
      /<script|<link|<iframe|<object|\son[a-z]+=|javascript:|@import|url\(/i,
    );
    const loaded = await page.$$eval('[src], [href]', (all) => all.length);
    expect(loaded).toBe(0);
  });

  it.each(['light', 'dark'])('can be read when it is %s', async (scheme) => {
    await open(reportOfDays(UNUSUAL));
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
    const paper = await style('body', 'background-color');
    expect(contrast(await style('body', 'color'), paper)).toBeGreaterThan(7);
    expect(contrast(await style('.wide svg text', 'fill'), paper)).toBeGreaterThan(7);
  });

  it('prints on white, whatever the screen, with the wide drawings', async () => {
    await open(reportOfDays(UNUSUAL));
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
    await page.emulateMediaType('print');
    expect(await style('body', 'background-color')).toBe('rgb(255, 255, 255)');
    expect(await style('.wide', 'display')).toBe('block');
    expect((await page.pdf({ format: 'a4' })).length).toBeGreaterThan(10_000);
  });
});

/** By WCAG 2: 1 to 21. */
function contrast(a: string, b: string): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = (color.match(/\d+/g) ?? []).map((part) => {
    const value = Number(part) / 255;
    return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
