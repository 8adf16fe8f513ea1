import { Gauge, type OpenMetricsContentType, Registry } from 'prom-client';
import { METRICS, type MetricName, type Sample } from './names.ts';

/**
 * Samples as OpenMetrics text. The node exporter reads it too: only gauges, no timestamps, and the
 * end mark is a comment to it.
 *
 * @param source stands in every series, so that two files of one folder never hold the same one
 */
export async function renderMetrics(samples: readonly Sample[], source: string): Promise<string> {
  const registry = new Registry<OpenMetricsContentType>();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  const bySeries = Map.groupBy(samples, ({ name }) => name);
  for (const name of Object.keys(METRICS) as MetricName[]) {
    const own = bySeries.get(name);
    if (own === undefined) continue;
    const labelNames = [...new Set(own.flatMap(({ labels }) => Object.keys(labels)))];
    const gauge = new Gauge({
      name,
      help: METRICS[name],
      labelNames: [...labelNames, 'source'],
      registers: [registry],
    });
    for (const { labels, value } of own) gauge.set({ ...labels, source }, value);
  }
  return registry.metrics();
}
