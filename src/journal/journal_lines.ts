import { createHash } from 'node:crypto';
import type { JournalEntry } from './rescue_journal.ts';

/** What a file of the journal says. */
export interface JournalText {
  entries: JournalEntry[];
  /** Lines that are not as they were written; a torn last one is none of them. */
  damaged: number;
}

/** A line with its checksum. */
export function lineOf(entry: JournalEntry): string {
  const payload = JSON.stringify(entry);
  return `${checksum(payload)} ${payload}`;
}

/** Reads lines; what is torn or altered is left out and counted. */
export function readLines(text: string): JournalText {
  const lines = text.split('\n').filter((line) => line !== '');
  const read = lines.map(entryOf);
  const entries = read.filter((entry) => entry !== null);
  const isLastTorn = read.at(-1) === null;
  return { entries, damaged: read.length - entries.length - (isLastTorn ? 1 : 0) };
}

function checksum(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

function entryOf(line: string): JournalEntry | null {
  const at = line.indexOf(' ');
  const payload = line.slice(at + 1);
  if (at < 0 || checksum(payload) !== line.slice(0, at)) return null;
  try {
    return JSON.parse(payload) as JournalEntry;
  } catch {
    return null;
  }
}
