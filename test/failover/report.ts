import type { FailoverKind } from './kinds.ts';
import { KINDS } from './kinds.ts';
import type { RoundResult } from './round.ts';

export interface FailoverRun {
  times: number;
  results: readonly RoundResult[];
  failures: readonly { round: number; kind: FailoverKind; error: string }[];
  /** How many secrets were looked for in everything that the processes wrote. */
  secrets: number;
}

/** The page in docs, from the run itself; nothing in it depends on the day or the machine. */
export function failoverReport({ times, results, failures, secrets }: FailoverRun): string {
  const verdict =
    failures.length === 0
      ? `**The primary died ${times} times: no half state, nothing lost, no invoice paid twice, nothing that a resume did not settle.**`
      : `**${failures.length} of ${times} rounds failed.**`;
  const rows = KINDS.map((kind) => rowOf(kind, results)).filter((row) => row !== null);
  return [
    '# Failover',
    `This page is written by \`npm run test:failover -- --times ${times} --write\`.`,
    INTRODUCTION,
    verdict,
    [
      '| where the primary dies | rounds | the payment ended with | its operation then | in the end |',
      '|---|---:|---|---|---|',
      ...rows,
    ].join('\n'),
    'Exit codes: 0 paid, 21 failed for certain and nothing moved, 22 pending, 23 an operator is needed, 25 unreachable.',
    ...(failures.length === 0 ? [secretsSentence(secrets)] : []),
  ]
    .join('\n\n')
    .concat('\n');
}

const INTRODUCTION = `In each round a payment runs as a real process against a replica set of three members and a practice mint that would pay an invoice as often as it is asked to. A fail point holds the named transaction of the payment at the primary, inside (at its last write), at its commit, or behind its commit, when it is carried out and not answered. Then the primary is killed with SIGKILL. The others elect a new one, and the payment goes on or ends: in turn it may wait for the new primary, it is too late (its quiet period is short, and what was held for long is not sent any more), or it is killed together with the primary. Right then the judges look from outside, at the raw database and the mint's own books: operation, tokens and audit events belong together, no sat is lost, nothing is paid twice. Then \`melt --resume-all\`, \`melt --resume\` and \`reconcile --apply\` bring everything to its end, and the killed member comes back.`;

function secretsSentence(secrets: number): string {
  return `In everything that these processes wrote (stdout, stderr, arguments, audit log, names of journal files) ${secrets} secrets were looked for, private keys and the database's password among them, and none was found.`;
}

function rowOf(kind: FailoverKind, results: readonly RoundResult[]): string | null {
  const mine = results.filter((result) => result.kind === kind);
  if (mine.length === 0) return null;
  const { exit, left, end } = countsOf(mine);
  return `| ${kind.name} | ${mine.length} | ${exit} | ${left} | ${end} |`;
}

function countsOf(results: readonly RoundResult[]) {
  return {
    exit: counted(results.map(({ exit }) => exit)),
    left: counted(results.map(({ left }) => left)),
    end: counted(results.map(({ end }) => end)),
  };
}

/** "paid ×2, failed": each once, with how often. */
function counted(names: readonly string[]): string {
  const distinct = [...new Set(names)].sort();
  return distinct
    .map((name) => {
      const times = names.filter((other) => other === name).length;
      return times === 1 ? name : `${name} ×${times}`;
    })
    .join(', ');
}
