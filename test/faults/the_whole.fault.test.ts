import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, inject, it } from 'vitest';
import { leaksIn } from '../support/secret_scan.ts';
import { ALL_CASES } from './cases/all.ts';
import { CATALOGUE } from './cases/catalogue.ts';
import { renderMatrix } from './support/failure_matrix.ts';
import type { CaseResult } from './support/fault_case.ts';
import { type HandedOver, resultsPath, transcriptsPath } from './support/transcript.ts';

const PAGE = fileURLToPath(new URL('../../docs/failure-matrix.md', import.meta.url));

async function linesOf<T>(path: string): Promise<T[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

/** A page without what this machine may not do: those rows, and what counts them. */
function without(skipped: readonly string[], page: string): string {
  if (skipped.length === 0) return page;
  const named = (line: string) => skipped.some((id) => line.startsWith(`| ${id} |`));
  const counts = /^\d+ cases, \d+ held\.$/;
  return page
    .split('\n')
    .filter((line) => !named(line) && !counts.test(line))
    .join('\n');
}

/** The last file: what all the others did, together. */
describe('the whole matrix', () => {
  it('names each case once, every number of the catalogue and every group', () => {
    const ids = ALL_CASES.map(({ id }) => id);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
    const groups = new Set(ALL_CASES.map(({ group }) => group));
    const uncovered = CATALOGUE.filter(
      ([number, , reason]) => groups.has(number) === (reason !== undefined),
    );
    expect(uncovered.map(([number]) => number)).toEqual([]);
  });

  it('is what docs/failure-matrix.md says', async () => {
    const rows = await linesOf<CaseResult>(resultsPath(inject('faultRunDir')));
    const results = new Map(rows.map((row) => [row.id, row]));
    const missing = ALL_CASES.filter(({ id }) => !results.has(id));
    const unforeseen = missing.filter(({ needs }) => needs === undefined);
    expect(
      unforeseen.map(({ id }) => id),
      'cases that did not run',
    ).toEqual([]);
    const page = renderMatrix(CATALOGUE, ALL_CASES, results);
    if (process.env.FAULTS_DOCS === 'write') await writeFile(PAGE, page);
    const written = await readFile(PAGE, 'utf8').catch(() => '');
    const skipped = missing.map(({ id }) => id);
    expect(without(skipped, written)).toBe(without(skipped, page));
  });

  it('showed nobody a secret, whatever broke', async () => {
    const grounds = await linesOf<HandedOver>(transcriptsPath(inject('faultRunDir')));
    const secrets = new Set(grounds.flatMap((ground) => ground.secrets));
    expect(grounds.reduce((sum, { runs }) => sum + runs, 0)).toBeGreaterThan(ALL_CASES.length);
    expect(secrets.size).toBeGreaterThan(ALL_CASES.length);
    // Each ground has its own secrets; those of one cannot be shown by another.
    const leaks = grounds.flatMap(({ shown, secrets }) => leaksIn(shown.join('\n'), secrets));
    expect(leaks).toEqual([]);
  });
});
