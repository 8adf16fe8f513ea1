import { OF_COMMANDS, type Sample } from './names.ts';

/** `name{a="1",command="audit list"} 1795` */
const LINE = /^(?<name>[a-z_]+)\{(?<labels>[^\n]*)\} (?<value>-?[\d.]+(?:e[+-]?\d+)?)$/gm;
const COMMAND = /(?:^|,)command="(?<command>[a-z]+(?: [a-z]+){0,3})"(?:,|$)/;
/** The program has fewer commands; whatever else stands in the file must not grow with it. */
const SAMPLES_MAX = 200;

/**
 * What an earlier file says of commands: it stands until they run again.
 *
 * @param text a file that this program wrote, or any other
 */
export function samplesOfCommands(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const { groups } of text.matchAll(LINE)) {
    const name = OF_COMMANDS.find((known) => known === groups?.name);
    const command = COMMAND.exec(groups?.labels ?? '')?.groups?.command;
    const value = Number(groups?.value);
    if (name === undefined || command === undefined || !Number.isFinite(value)) continue;
    samples.push({ name, labels: { command }, value });
  }
  return samples.slice(0, SAMPLES_MAX);
}

/**
 * The series of commands after one of them has run.
 *
 * @param earlier of all commands; those of other commands stay, and the last success of this one
 * @param now of the command that has run
 */
export function mergedSamples(earlier: readonly Sample[], now: readonly Sample[]): Sample[] {
  const keyOf = ({ name, labels }: Sample) => `${name} ${labels.command}`;
  const merged = new Map(earlier.map((sample) => [keyOf(sample), sample]));
  for (const sample of now) merged.set(keyOf(sample), sample);
  return [...merged.values()];
}
