import { InvalidArgumentError } from 'commander';
import { durationMs } from '../config/duration.ts';
import { CashuOpsError, SEVERITIES, type Severity } from '../domain/errors.ts';
import { FINDING_TYPES, type FindingType } from '../domain/finding.ts';
import { REPAIRABLE_TYPES } from '../domain/finding_action.ts';
import { parseMintUrl } from '../domain/mint_url.ts';
import { parseNpub } from '../domain/npub.ts';
import { parseShard, type Shard } from '../domain/shard.ts';
import { nearest } from './nearest.ts';

/** Collects a repeatable `--npub`. */
export function npubList(text: string, earlier: string[] = []): string[] {
  return [...earlier, parseNpub(text)];
}

/** Collects a repeatable address of a mint. */
export function mintList(text: string, earlier: string[] = []): string[] {
  return [...earlier, parseMintUrl(text)];
}

/**
 * An option that is given once: of two values nobody knows which one was meant.
 *
 * @param parse reads the value
 */
export function once<T>(parse: (text: string) => T): (text: string, earlier?: T) => T {
  return (text, earlier) => {
    if (earlier !== undefined) throw new InvalidArgumentError('It was given before; name it once.');
    return parse(text);
  };
}

/** Melts on or off. */
export function meltsState(text: string): 'on' | 'off' {
  if (text === 'on' || text === 'off') return text;
  throw new InvalidArgumentError('It must be on or off.');
}

/** A share of 0 to 100, to a hundredth: wallets have no finer places. */
export function percentage(text: string): number {
  const value = Number(text);
  if (/^\d{1,3}(\.\d{1,2})?$/.test(text) && value <= 100) return value;
  throw new InvalidArgumentError('It must be a number from 0 to 100, such as 5 or 12.5.');
}

/** A whole number of sat; separators of people are allowed. */
export function satAmount(text: string): number {
  const digits = text.replaceAll(/[_,]/g, '');
  const value = Number(digits);
  if (!/^\d+$/.test(digits) || !Number.isSafeInteger(value)) {
    throw new InvalidArgumentError('It must be a whole number of sat, at most 2^53-1.');
  }
  return value;
}

/** A duration in ms. */
export function duration(text: string): number {
  const parsed = durationMs(text);
  if (parsed !== null) return parsed;
  throw new InvalidArgumentError('It must be a duration such as 30s, 10m or 24h.');
}

/** A severity, in any case. */
export function severityName(text: string): Severity {
  const known = SEVERITIES.find((severity) => severity === text.trim().toUpperCase());
  if (known !== undefined) return known;
  throw new InvalidArgumentError(`It must be one of ${SEVERITIES.join(', ')}.`);
}

/** One part of all wallets, such as 3/16. */
export function shardPart(text: string): Shard {
  const shard = parseShard(text);
  if (shard !== null) return shard;
  throw new InvalidArgumentError(
    'It must be i/n with i from 0 to n-1, as in 0/16 to 15/16, and n at most 10,000.',
  );
}

/** Collects types of findings that can be repaired; each is named once. */
export function repairTypes(text: string, earlier: FindingType[] = []): FindingType[] {
  const name = text.trim().toUpperCase();
  const type = FINDING_TYPES.find((known) => known === name);
  if (type === undefined) {
    const meant = nearest(name, REPAIRABLE_TYPES);
    const hint = meant === null ? '' : ` Did you mean ${meant}?`;
    const names = REPAIRABLE_TYPES.join(', ');
    throw new InvalidArgumentError(`There is no such finding.${hint} There are ${names}.`);
  }
  if (!REPAIRABLE_TYPES.includes(type)) {
    throw new InvalidArgumentError(
      `No repair of ${type} is safe; there are repairs of ${REPAIRABLE_TYPES.join(', ')}.`,
    );
  }
  return [...new Set([...earlier, type])];
}

/** How many rows of a list. */
export function rowLimit(text: string): number {
  const value = Number(text);
  if (/^\d{1,4}$/.test(text) && value >= 1 && value <= 1000) return value;
  throw new InvalidArgumentError('It must be a whole number from 1 to 1000.');
}

/** A flag that must be there, unless another one makes it needless. */
export function required<T>(value: T | undefined | null, sentence: string): T {
  if (value !== undefined && value !== null) return value;
  throw new CashuOpsError('INVALID_ARGUMENT', sentence);
}
