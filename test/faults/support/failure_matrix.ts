import type { CATALOGUE } from '../cases/catalogue.ts';
import type { CaseResult, FaultCase } from './fault_case.ts';

/** Groups that are no number of the catalogue, with what they are. */
const OTHER_GROUPS: readonly (readonly [group: string, heading: string])[] = [
  ['2.4', 'The decision matrix: what the quote says, what the inputs are'],
  ['grid', 'Every endpoint, broken in every way, for as long as it takes'],
  ['database', 'MongoDB fails'],
  ['process', 'The process is killed, stopped or interrupted'],
  ['machine', 'The machine: disk, clock, journal, the mint gone'],
];

const INTRODUCTION = `# What was broken, and what came of it

Written by \`npm run docs:faults\`, and compared by \`npm run test:faults\`: one row for each case, as it
came out. Each case runs the built command as a process against a replica set, the practice mint and a fault proxy
between them. Right after the failure, at every look, and at the end, judges outside the tool ask the
mint's own ledger and payment counter and the raw database:

- all coins ever issued to the wallet = live + paid + fees + change still to claim;
- the invoice was paid at most once;
- no coin is live twice, and none that the mint calls spent, unless an open operation owns it;
- operations, tokens, change and audit events belong together: nothing is half done;
- at the end nothing is open, nothing is locked and no change is to be claimed, or it says which person is
  needed, and why.

\`held\`: all of that held, and exit, message and stored state were as expected.
`;

/** The page, from the results of a whole run. */
export function renderMatrix(
  catalogue: typeof CATALOGUE,
  cases: readonly FaultCase[],
  results: ReadonlyMap<string, CaseResult>,
): string {
  const rowsOf = (group: string) =>
    cases.filter((one) => one.group === group).flatMap(({ id }) => results.get(id) ?? []);
  const all = cases.flatMap(({ id }) => results.get(id) ?? []);
  const held = all.filter(({ verdict }) => verdict === 'held').length;
  const numbers = catalogue.map(([number]) => number);
  const parts = [
    INTRODUCTION,
    `${all.length} cases, ${held} held.\n`,
    '## What happened to others (section 3 of the reference)\n',
    table(
      ['', 'what', 'cases'],
      catalogue.map(([number, what, reason]) => [
        number,
        what,
        reason === undefined
          ? rowsOf(number)
              .map(({ id }) => id)
              .join(', ')
          : `does not apply: ${reason}`,
      ]),
    ),
    cells(numbers.flatMap(rowsOf)),
    ...OTHER_GROUPS.flatMap(([group, heading]) => [`## ${heading}\n`, cells(rowsOf(group))]),
  ];
  return `${parts.join('\n').trimEnd()}\n`;
}

function cells(rows: readonly CaseResult[]): string {
  return table(
    ['case', 'what breaks', 'exit', 'what the operator is told', 'stored then', 'end', 'verdict'],
    rows.map(({ id, title, exit, told, state, end, verdict }) => [
      id,
      title,
      exit,
      told,
      state,
      end,
      verdict,
    ]),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (values: readonly string[]) => `| ${values.map(escaped).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line), ''].join('\n');
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
