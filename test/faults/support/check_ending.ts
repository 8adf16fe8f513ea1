import { expect } from 'vitest';
import type { CliResult } from '../../support/run_cli.ts';
import { type CaseGround, SUPPORT_CONTACT } from './case_ground.ts';
import type { Ending } from './fault_case.ts';

/** What a command said of itself, whatever the shape of its document. */
interface Said {
  message: string;
  next: string | null;
  code: string | null;
}

/** Exits after which something is left to do. */
const NEEDS_NEXT = [20, 22, 23, 25];
const TOLD_LENGTH_MAX = 110;
const ADDRESS = /https?:\/\/[^\s)]+/gi;
const FOLDER = /(?<= )\/[\w./-]+/g;
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

/**
 * Checks how a command ended: exit, one message with a next command, and the raw database.
 *
 * @returns what the operator is told, as far as the case names it
 */
export async function checkEnding(
  where: string,
  expected: Ending,
  result: CliResult,
  ground: CaseGround,
): Promise<string> {
  const operation = await ground.operation();
  const seen = { exit: result.code ?? 'killed', state: operation?.state ?? 'none' };
  const wanted = { exit: expected.exit, state: expected.state };
  expect(seen, `${where}: ${saidBy(result)}`).toEqual(wanted);
  if (result.code === null) return '';
  const { message, next, code } = readSaid(result);
  expect(message, `${where}: one message`).not.toBe('');
  if (NEEDS_NEXT.includes(result.code)) {
    expect(next, `${where}: a next command after "${message}"`).toMatch(/^cashu-ops /);
  }
  if (operation !== null && [22, 23].includes(result.code)) {
    expect(next, `${where}: how to go on`).toContain(`--resume ${operation._id}`);
  }
  if (result.code === 23) expectAllThatHelps(where, result);
  if (expected.says === undefined) return told(code, message);
  expect(`${code ?? ''} ${message}`.trim(), where).toMatch(expected.says);
  return told(code, expected.says.exec(`${code ?? ''} ${message}`)?.[0] ?? '');
}

/** A critical end names the money, where its record lies, and whom to ask. */
function expectAllThatHelps(where: string, { stdout }: CliResult): void {
  const document = JSON.parse(stdout);
  const { error } = document;
  const { at_stake, journal } = document;
  const facts = error?.facts ?? { at_stake_sat: at_stake, journal };
  expect(error ?? document, where).toMatchObject({
    operation_id: expect.any(String),
    quote_id: expect.any(String),
    transaction_id: expect.any(String),
    support_contact: SUPPORT_CONTACT,
  });
  expect(facts.at_stake_sat, `${where}: sats at stake`).toBeGreaterThan(0);
  expect(facts.journal, `${where}: the rescue journal`).toMatch(/\.jsonl$/);
}

/** Short, and without what is another one in each run. */
function told(code: string | null, whole: string): string {
  const words = whole
    .replaceAll(ADDRESS, '<mint>')
    .replaceAll(UUID, '<operation>')
    .replaceAll(FOLDER, '<folder>');
  const short = words.length > TOLD_LENGTH_MAX ? `${words.slice(0, TOLD_LENGTH_MAX - 1)}…` : words;
  return code === null || short.startsWith(code) ? short : `${code}: ${short}`;
}

function readSaid({ stdout, stderr }: CliResult): Said {
  if (!stdout.startsWith('{')) return saidToAPerson(stderr);
  const document = JSON.parse(stdout);
  const { error, message, next_command, status } = document;
  if (error === undefined) return { message, next: next_command, code: status };
  return { message: error.message, next: error.next_command, code: error.code };
}

const PROGRESS = /^- .*$/gm;
const NEXT = /^next: (.*)$/m;

function saidToAPerson(stderr: string): Said {
  const words = stderr.replaceAll(PROGRESS, '').trim();
  return { message: words, next: NEXT.exec(words)?.[1] ?? null, code: null };
}

/** For whoever reads a failure. */
export function saidBy({ code, signal, stdout, stderr }: CliResult): string {
  return `exit ${code ?? signal}\n${stdout.slice(0, 1_500)}\n${stderr.slice(0, 1_500)}`;
}
