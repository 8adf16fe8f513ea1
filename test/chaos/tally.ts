/** What a run counts: for the report, and so that a run that tries nothing shows. */
export class Tally {
  readonly #counts = new Map<string, Map<string, number>>();

  add(group: TallyGroup, name: string, times = 1): void {
    const counts = this.#counts.get(group) ?? new Map<string, number>();
    counts.set(name, (counts.get(name) ?? 0) + times);
    this.#counts.set(group, counts);
  }

  /** The most frequent first. */
  of(group: TallyGroup): [name: string, count: number][] {
    const counts = [...(this.#counts.get(group) ?? [])];
    return counts.sort(([a, m], [b, n]) => n - m || a.localeCompare(b));
  }

  total(group: TallyGroup): number {
    return this.of(group).reduce((sum, [, count]) => sum + count, 0);
  }
}

export type TallyGroup =
  | 'runs'
  | 'commands'
  | 'circumstances'
  | 'exits'
  | 'blows'
  | 'left by a killed melt'
  | 'mint faults met'
  | 'database faults met'
  | 'recovered'
  | 'rounds of recovery'
  | 'invoices'
  | 'sat'
  | 'secrets';
