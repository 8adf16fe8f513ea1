import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { METRICS } from '../../src/metrics/names.ts';

const FOLDER = fileURLToPath(new URL('../../docs/monitoring', import.meta.url));
const read = (name: string) => readFileSync(`${FOLDER}/${name}`, 'utf8');
const RULES = read('cashu-ops.rules.yml');
const TESTS = read('cashu-ops.rules.test.yml');

const PROMTOOL = process.env.PROMTOOL ?? 'promtool';
const HAS_PROMTOOL = spawnSync(PROMTOOL, ['--version']).status === 0;

const namesIn = (text: string) => new Set(text.match(/\bcashu_ops_\w+/g) ?? []);

describe('the alert rules', () => {
  it('name only series that the tool writes', () => {
    const known = Object.keys(METRICS);
    const used = [...namesIn(RULES)];
    expect(used.length).toBeGreaterThan(8);
    for (const name of [...used, ...namesIn(TESTS)]) expect(known).toContain(name);
  });

  it('are each tried, and name pages that there are', () => {
    const alerts = [...RULES.matchAll(/^ {6}- alert: (\w+)$/gm)].map(([, name = '']) => name);
    expect(alerts.length).toBeGreaterThan(9);
    for (const name of alerts) expect(TESTS).toContain(name);
    for (const [, page = ''] of RULES.matchAll(/runbook: (\S+)/g)) {
      expect(() => readFileSync(`${FOLDER}/../../${page}`)).not.toThrow();
    }
    // Every rule takes the label of the file away, or it would fire once for each file.
    const rules = RULES.split('- alert: ').slice(1);
    for (const rule of rules) expect(rule).toMatch(/max by \(instance|absent\(/);
  });

  it('and the README name every series', () => {
    const page = read('README.md');
    for (const name of Object.keys(METRICS)) expect(page).toContain(`\`${name}`);
  });

  it.skipIf(!HAS_PROMTOOL)('hold before promtool', () => {
    for (const args of [
      ['check', 'rules', 'cashu-ops.rules.yml'],
      ['test', 'rules', 'cashu-ops.rules.test.yml'],
    ]) {
      const { status, stdout, stderr } = spawnSync(PROMTOOL, args, {
        cwd: FOLDER,
        encoding: 'utf8',
      });
      expect(`${status} ${stdout}${stderr}`).toMatch(/^0 /);
    }
  });
});
