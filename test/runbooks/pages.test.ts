import { describe, expect, it } from 'vitest';
import { EXIT } from '../../src/cli/exit_codes.ts';
import { CashuOpsError, ERROR_CODES, type PlainCode } from '../../src/domain/errors.ts';
import { FINDING_TYPES, SEVERITY_OF } from '../../src/domain/finding.ts';
import { strategyOf } from '../../src/domain/severity_strategy.ts';
import { SITUATIONS } from '../../src/practice/situations/index.ts';
import { ENDINGS } from './support/endings.ts';
import { INDEX, pageNames, pageText } from './support/page.ts';

const NAMES = SITUATIONS.map(({ name }) => name);
const GRAVE = ['CRITICAL', 'HIGH'];
const HEADINGS = [
  'How it shows',
  'What it means',
  'Do this',
  'How to know that it is over',
  'If it is not over',
  'What not to do',
];

describe('the runbooks', () => {
  it('have a page for each situation, and each page a situation that a test ends', () => {
    expect(pageNames().sort()).toEqual([...NAMES].sort());
    expect(Object.keys(ENDINGS).sort()).toEqual([...NAMES].sort());
  });

  it.each(NAMES)('%s has the form of all pages', (name) => {
    const text = pageText(name);
    const headings = [...text.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual(HEADINGS);
    const { title } = SITUATIONS.find((one) => one.name === name) ?? {};
    expect(text.startsWith(`# ${title}\n`)).toBe(true);
  });

  it.each([INDEX, ...NAMES])('%s has lines that fit', (name) => {
    const long = pageText(name)
      .split('\n')
      .filter((line) => line.length > 110);
    expect(long).toEqual([]);
  });

  it.each([INDEX, ...NAMES])('%s links only to pages that are there', (name) => {
    const links = [...pageText(name).matchAll(/\](?:\(|: )([\w-]+)\.md/g)].map(([, link]) => link);
    for (const link of links) expect([INDEX, ...NAMES]).toContain(link);
  });

  it('are all found in the index, by name and by exit code', () => {
    const index = pageText(INDEX);
    for (const name of NAMES) {
      expect(index).toMatch(new RegExp(`^\\| .* \\[${name}\\] \\|$`, 'm'));
      expect(index).toContain(`\n[${name}]: ${name}.md\n`);
    }
    const asking = Object.values(EXIT).filter((code) => code > 0 && code < 100);
    for (const code of asking) expect(index).toMatch(new RegExp(`^\\| ${code} \\|`, 'm'));
  });

  it('name every error and every finding that is CRITICAL or HIGH', () => {
    const text = [INDEX, ...NAMES].map(pageText).join('\n');
    const codes = ERROR_CODES.filter((code) =>
      // What a critical error needs besides does not change how grave it is.
      GRAVE.includes(new CashuOpsError(code as PlainCode, '').severity),
    );
    const types = FINDING_TYPES.filter((type) => GRAVE.includes(SEVERITY_OF[type]));
    const classes = [strategyOf('CRITICAL').code, strategyOf('HIGH').code];
    expect(codes.length).toBeGreaterThan(5);
    expect(types.length).toBeGreaterThan(4);
    const missing = [...codes, ...types, ...classes].filter(
      (code) => !text.includes(`\`${code}\``),
    );
    expect(missing).toEqual([]);
  });
});
