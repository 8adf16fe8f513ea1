import { expect } from 'vitest';
import type { CliResult } from '../../support/run_cli.ts';
import type { CaseGround } from './case_ground.ts';
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
  if (expected.says === undefined) return told(code, message);
  expect(`${code ?? ''} ${message}`.trim(), where).toMatch(expected.says);
  return told(code, expected.says.exec(`${code ?? ''} ${message}`)?.[0] ?? '');
}

/** Short, and without what is another one in each run. */
function told(code: string | null, whole: string): string {
  const words = whole.replaceAll(ADDRESS, '<mint>').replaceAll(UUID, '<operation>');
  const short = words.length > TOLD_LENGTH_MAX ? `${words.slice(0, TOLD_LENGTH_MAX - 1)}…` : words;
  return code === null || short.startsWith(code) ? short : `${code}: ${short}`;
}

function readSaid({ stdout }: CliResult): Said {
  const document = JSON.parse(stdout);
  const { error } = document;
  if (error !== undefined) {
    return { message: error.message, next: error.next_command, code: error.code };
  }
  return {
    message: document.message ?? document.status ?? '',
    next: document.next_command ?? null,
    code: document.status ?? null,
  };
}

/** For whoever reads a failure. */
export function saidBy({ code, signal, stdout, stderr }: CliResult): string {
  return `exit ${code ?? signal}\n${stdout.slice(0, 1_500)}\n${stderr.slice(0, 1_500)}`;
}
