import { InvalidArgumentError } from 'commander';
import { CashuOpsError } from '../domain/errors.ts';
import { parseNpub } from '../domain/npub.ts';

/** Collects a repeatable `--npub`. */
export function npubList(text: string, earlier: string[] = []): string[] {
  return [...earlier, parseNpub(text)];
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

/** A flag that must be there, unless another one makes it needless. */
export function required<T>(value: T | undefined | null, sentence: string): T {
  if (value !== undefined && value !== null) return value;
  throw new CashuOpsError('INVALID_ARGUMENT', sentence);
}
