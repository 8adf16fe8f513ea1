import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { mergedSamples, samplesOfCommands } from '../../src/metrics/earlier.ts';
import { assertMetricsWritable, replaceMetricsFile } from '../../src/metrics/metrics_file.ts';
import { METRICS, type MetricName } from '../../src/metrics/names.ts';
import { samplesOfRun } from '../../src/metrics/of_command.ts';
import { renderMetrics } from '../../src/metrics/render.ts';
import { writeMetrics } from '../../src/metrics/write_metrics.ts';
import { codeOf } from '../support/melt_ground.ts';

const RUN = {
  command: 'reconcile',
  exitCode: 0,
  started_at: new Date(1_000_000),
  duration_ms: 1_500,
};

describe('the metrics file', () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cashu-ops-metrics-'));
    path = join(folder, 'cashu-ops.prom');
    return () => rm(folder, { recursive: true, force: true });
  });

  const numberOf = async (series: string) => {
    const line = (await readFile(path, 'utf8')).split('\n').find((l) => l.startsWith(`${series} `));
    return line === undefined ? null : Number(line.slice(series.length + 1));
  };
  const series = (name: MetricName, command: string) =>
    `${name}{command="${command}",source="cashu-ops.prom"}`;

  it('is whole OpenMetrics text that everybody may read', async () => {
    const umask = process.umask(0o077);
    await writeMetrics(RUN, undefined, path).finally(() => process.umask(umask));
    expect((await stat(path)).mode & 0o777).toBe(0o644);
    const text = await readFile(path, 'utf8');
    expect(text.endsWith('\n# EOF\n')).toBe(true);
    for (const line of text.trimEnd().split('\n')) {
      expect(line).toMatch(
        /^(# (HELP|TYPE) cashu_ops_\w+ .+|# EOF|cashu_ops_\w+\{[^}]*\} [\d.]+)$/,
      );
    }
    expect(await readdir(folder)).toEqual(['cashu-ops.prom']);
    expect(await numberOf(series('cashu_ops_last_duration_seconds', 'reconcile'))).toBe(1.5);
  });

  it('keeps what stands of other commands, and the last success of one that fails', async () => {
    await writeMetrics(RUN, undefined, path);
    const started_at = new Date(2_000_000);
    await writeMetrics({ ...RUN, command: 'audit list', started_at }, undefined, path);
    await writeMetrics({ ...RUN, started_at, exitCode: 20 }, undefined, path);
    const of = async (command: string) => [
      await numberOf(series('cashu_ops_last_run_timestamp_seconds', command)),
      await numberOf(series('cashu_ops_last_success_timestamp_seconds', command)),
      await numberOf(series('cashu_ops_last_exit_code', command)),
    ];
    expect(await of('reconcile')).toEqual([2_002, 1_002, 20]);
    expect(await of('audit list')).toEqual([2_002, 2_002, 0]);
  });

  it('loses nothing when many processes write at once', async () => {
    const commands = ['melt', 'balance', 'doctor', 'reconcile', 'reconcile runs', 'audit list'];
    await Promise.all(
      commands.map((command) => writeMetrics({ ...RUN, command }, undefined, path)),
    );
    const kept = samplesOfCommands(await readFile(path, 'utf8'));
    expect(new Set(kept.map(({ labels }) => labels.command))).toEqual(new Set(commands));
    expect(kept).toHaveLength(4 * commands.length);
    expect(await readdir(folder)).toEqual(['cashu-ops.prom']);
  });

  it('takes nothing from a file that is not its own, and does not grow with it', async () => {
    const foreign = Array.from(
      { length: 1_000 },
      (_, at) => `cashu_ops_last_exit_code{command="a${'b'.repeat(at)}"} 0`,
    );
    const bad = [
      'cashu_ops_last_exit_code{command="npub1 2"} 0',
      'other{command="melt"} 1',
      'torn{',
    ];
    await writeFile(path, [...foreign, ...bad].join('\n'));
    expect(samplesOfCommands(bad.join('\n'))).toEqual([]);
    await writeMetrics(RUN, undefined, path);
    expect((await readFile(path, 'utf8')).split('\n').length).toBeLessThan(250);
  });

  it('does not wait for a process that died while it held the lock', async () => {
    const lock = join(folder, '.cashu-ops.prom.lock');
    await writeFile(lock, '');
    const longAgo = new Date(Date.now() - 60_000);
    await utimes(lock, longAgo, longAgo);
    const begun = performance.now();
    await writeMetrics(RUN, undefined, path);
    expect(performance.now() - begun).toBeLessThan(1_000);
    expect(await readdir(folder)).toEqual(['cashu-ops.prom']);
  });

  it('leaves the old file as it is where the new one cannot be made', async () => {
    await writeMetrics(RUN, undefined, path);
    const before = await readFile(path, 'utf8');
    const failing = replaceMetricsFile(path, () => Promise.reject(new Error('no')));
    expect(await codeOf(failing)).toBe('OUTPUT_UNWRITABLE');
    expect(await readFile(path, 'utf8')).toBe(before);
    expect(await readdir(folder)).toEqual(['cashu-ops.prom']);
  });

  it('is refused where there is no folder, or a folder stands in its place', async () => {
    expect(await codeOf(assertMetricsWritable(join(folder, 'no', 'x.prom')))).toBe(
      'OUTPUT_UNWRITABLE',
    );
    await mkdir(path);
    expect(await codeOf(assertMetricsWritable(path))).toBe('OUTPUT_UNWRITABLE');
    await rm(path, { recursive: true });
    expect(await codeOf(assertMetricsWritable(path))).toBe('nothing was thrown');
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('what is written is read back', () => {
  it('of commands, whatever the file is called', async () => {
    const samples = samplesOfRun(RUN);
    const text = await renderMetrics(samples, 'a "quoted\\ name".prom');
    expect(samplesOfCommands(text)).toEqual(samples);
    expect(mergedSamples(samples, samples)).toEqual(samples);
  });

  it('has one help for each name, in no two forms', async () => {
    const names = Object.keys(METRICS) as MetricName[];
    const text = await renderMetrics(
      names.map((name) => ({ name, labels: {}, value: 1 })),
      'x.prom',
    );
    expect([...text.matchAll(/^# TYPE (\w+) gauge$/gm)].map(([, name]) => name)).toEqual(names);
  });
});
