/** The two files that may hold settings: the JSON file and the `.env` file. */

import { readFileSync, statSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { z } from 'zod';
import { CashuOpsError } from '../domain/errors.ts';
import { SETTING_NAMES } from './rules.ts';

export interface SettingsFile {
  readonly text: string;
  /** Whether other users of the machine may read it. */
  readonly openToOthers: boolean;
}

/** Reads a settings file; throws what the file system throws. */
export type ReadSettingsFile = (path: string) => SettingsFile;

const GROUP_AND_OTHERS = 0o077;

/** Reads a settings file from the disk. */
export function readSettingsFile(path: string): SettingsFile {
  const text = readFileSync(path, 'utf8');
  const { mode } = statSync(path);
  // Windows keeps no such bits; there the mode always looks open.
  const openToOthers = process.platform !== 'win32' && (mode & GROUP_AND_OTHERS) !== 0;
  return { text, openToOthers };
}

export interface FileRequest {
  readonly path: string;
  /** Which flag or variable named the file, for messages. */
  readonly namedBy: string;
  readonly readFile: ReadSettingsFile;
}

export interface FileSettings {
  readonly values: Readonly<Record<string, unknown>>;
  readonly openToOthers: boolean;
}

const FILE_SCHEMA = z.strictObject(
  Object.fromEntries(SETTING_NAMES.map((name) => [name, z.unknown().optional()])),
);

/**
 * Reads the JSON file of settings; a key with the value null counts as not set.
 *
 * @throws CashuOpsError INVALID_CONFIGURATION when it cannot be read, is no JSON object, or has a
 *   key that is no setting; never with a part of its text, because it may hold a password
 */
export function readJsonSettings(request: FileRequest): FileSettings {
  const { text, openToOthers } = readOrExplain(request);
  const result = FILE_SCHEMA.safeParse(parseJson(text, request));
  if (result.success) return { values: result.data, openToOthers };
  const unknownKeys = result.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys' ? issue.keys : [],
  );
  if (unknownKeys.length === 0) throw invalidFile(request, 'is not a JSON object of settings');
  const names = unknownKeys.map((key) => JSON.stringify(key.slice(0, 60))).join(', ');
  throw invalidFile(
    request,
    `has what is no setting: ${names}. The settings are ${SETTING_NAMES.join(', ')}`,
  );
}

/**
 * Reads a `.env` file. Only the variables of this program are of interest to the caller.
 *
 * @throws CashuOpsError INVALID_CONFIGURATION when it cannot be read
 */
export function readEnvFile(request: FileRequest): FileSettings {
  const { text, openToOthers } = readOrExplain(request);
  return { values: parseEnv(text), openToOthers };
}

function readOrExplain(request: FileRequest): SettingsFile {
  try {
    return request.readFile(request.path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    throw invalidFile(request, `cannot be read${code}: check the path and the permissions`, error);
  }
}

/** The message of JSON.parse quotes the text around the mistake, so only the place is told. */
function parseJson(text: string, request: FileRequest): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const position = /position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
    const line = position ? text.slice(0, Number(position)).split('\n').length : null;
    throw invalidFile(request, `is not valid JSON${line ? ` (line ${line})` : ''}`);
  }
}

function invalidFile(request: FileRequest, rest: string, cause?: unknown): CashuOpsError {
  return new CashuOpsError(
    'INVALID_CONFIGURATION',
    `The settings file ${request.path} (named by ${request.namedBy}) ${rest}.`,
    {},
    cause,
  );
}
