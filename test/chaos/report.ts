import type { FailedRun } from './lane.ts';
import type { Tally, TallyGroup } from './tally.ts';

export interface ChaosResult {
  runs: number;
  /** Run n has the seed `base + n`. */
  base: number;
  tally: Tally;
  failures: readonly FailedRun[];
}

const TABLES: readonly (readonly [group: TallyGroup, title: string, column: string])[] = [
  ['commands', 'Commands that ran as processes during the chaos', 'command'],
  ['exits', 'How all processes ended, those of the recovery included', 'exit code or signal'],
  ['blows', 'Signals that struck a running process', 'signals'],
  [
    'left by a killed melt',
    'What a melt left that was killed with SIGKILL',
    'state of its operation',
  ],
  ['circumstances', 'Circumstances', 'circumstance'],
  ['mint faults met', 'Faults of the mint and the network, each time a request met one', 'fault'],
  ['database faults met', 'Faults of the database, each time a command met one', 'fault'],
  ['recovered', 'Operations that recovery brought to their end', 'from → to'],
  [
    'rounds of recovery',
    'Rounds of `melt --resume-all` and `reconcile --apply` until clean',
    'rounds',
  ],
  ['invoices', 'Invoices', 'what became of them'],
  ['sat', 'Sats, by the mint and the raw database', ''],
];

/** The page in docs, from the run itself; nothing in it depends on the day or the machine. */
export function chaosReport({ runs, base, tally, failures }: ChaosResult): string {
  const [, secrets = 0] = tally.of('secrets')[0] ?? [];
  const again = `npm run test:chaos -- --runs ${runs} --seed ${base} --write`;
  const verdict =
    failures.length === 0
      ? `**Nothing was lost in any of the ${runs} runs, and no invoice was paid twice.**`
      : `**${failures.length} of ${runs} runs failed**: seeds ${failures.map(({ seed }) => seed).join(', ')}.`;
  return [
    '# Chaos',
    INTRODUCTION,
    `${verdict} ${runs} runs from the seed ${base}: run *n*, counted from 0, has the seed ${base} + *n* (${base} to ${base + runs - 1}). All of them again:`,
    `\`\`\`sh\n${again}\n\`\`\``,
    `One of them: \`npm run test:chaos -- --seed <its seed> --runs 1\`. A seed fixes what is done; how the processes race each other is new each time.`,
    ...TABLES.map(([group, title, column]) => table(tally, group, title, column)),
    ...(failures.length === 0 ? [secretsSentence(secrets)] : []),
  ]
    .join('\n\n')
    .concat('\n');
}

const INTRODUCTION = `This page is written by \`npm run test:chaos\`. Each run is a random program over a wallet of its own, a real replica set and a practice mint: the built command runs as real processes, several at once, while the mint, the network and the database fail and the processes are killed, interrupted and paused. After each step the judges look from outside, at the mint's own ledger and payment counter and at the raw database: every sat is accounted for, no invoice is paid twice, no transaction is half done. Then everything is healed, payments in flight end one way or the other, and \`melt --resume-all\` and \`reconcile --apply\` run until they have nothing left to say. At the end nothing may be open, no coin locked, no change unclaimed, and what the operations say was paid is what the mint says it got.`;

function secretsSentence(secrets: number): string {
  return `In everything that these processes wrote (stdout, stderr, arguments, audit log, names of journal files) ${secrets} secrets were looked for, private keys and the database's password among them, and none was found.`;
}

function table(tally: Tally, group: TallyGroup, title: string, column: string): string {
  const rows = tally.of(group).map(([name, count]) => `| ${name} | ${count} |`);
  return [`## ${title}\n`, `| ${column} | |`, '|---|---:|', ...rows].join('\n');
}
