/**
 * The practice mint has to behave like a mint, or everything tested on it is worth nothing. Here
 * the same wallet flows run against it and against Nutshell, which was written by others.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FLOWS, type Outcome } from './flows.ts';
import { KNOWN_DIFFERENCES } from './known_differences.ts';
import type { MintUnderTest } from './mint_under_test.ts';
import { startNutshellUnderTest } from './nutshell_mint.ts';
import { startPracticeMintUnderTest } from './practice_mint.ts';

/** With this fee, ten coins cost 1 sat and eleven cost 2. */
const INPUT_FEE_PPK = 100;

const mintLog: string[] = [];
let nutshell: MintUnderTest;
let practice: MintUnderTest;

beforeAll(async () => {
  nutshell = await startNutshellUnderTest({ inputFeePpk: INPUT_FEE_PPK, log: () => {} });
  practice = await startPracticeMintUnderTest({
    inputFeePpk: INPUT_FEE_PPK,
    log: (line) => mintLog.push(line),
  });
});
afterAll(async () => {
  await nutshell?.stop();
  await practice?.stop();
});

describe('a wallet meets the same mint, whichever it is', () => {
  it.each(Object.entries(FLOWS))('%s', async (name, flow) => {
    const theirs = leavesOf(name, await flow(nutshell));
    const ours = leavesOf(name, await flow(practice));
    expect(differencesOf(theirs, ours)).toEqual(knownDifferencesOf(name));
  });

  it('lists differences only of flows that are run', () => {
    const flows = KNOWN_DIFFERENCES.flatMap(({ at }) => Object.keys(at)).map(flowOf);
    expect(Object.keys(FLOWS)).toEqual(expect.arrayContaining(flows));
  });

  it('makes the practice mint report no defect of its own', () => {
    expect(mintLog).toEqual([]);
  });
});

/** An outcome as `path -> value`; lists are values, because their order counts. */
function leavesOf(path: string, value: unknown): Map<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return new Map([[path, value]]);
  }
  return new Map(
    Object.entries(value as Outcome).flatMap(([key, item]) => [
      ...leavesOf(`${path}.${key}`, item),
    ]),
  );
}

function differencesOf(theirs: Map<string, unknown>, ours: Map<string, unknown>) {
  const paths = new Set([...theirs.keys(), ...ours.keys()]);
  const both = [...paths].map(
    (path) => [path, [valueAt(theirs, path), valueAt(ours, path)]] as const,
  );
  return Object.fromEntries(both.filter(([, [a, b]]) => JSON.stringify(a) !== JSON.stringify(b)));
}

function valueAt(leaves: Map<string, unknown>, path: string): unknown {
  return leaves.has(path) ? leaves.get(path) : 'absent';
}

function knownDifferencesOf(flow: string) {
  const all = KNOWN_DIFFERENCES.flatMap(({ at }) => Object.entries(at));
  return Object.fromEntries(all.filter(([path]) => flowOf(path) === flow));
}

function flowOf(path: string): string {
  return path.split('.', 1)[0] ?? '';
}
