import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { DraftFile } from './draft_file.ts';

const FRESH = { what: 'The bundle', otherwise: 'nothing was written', fresh: true };

describe('a file that is fresh', () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cashu-ops-draft-'));
    path = join(folder, 'bundle.json');
    return () => rm(folder, { recursive: true, force: true });
  });

  test('gets its name when it is whole, for its owner alone', async () => {
    const file = await DraftFile.create(path, FRESH);
    await file.append('whole');
    expect(await readdir(folder)).not.toContain('bundle.json');
    await file.finish();
    expect(await readFile(path, 'utf8')).toBe('whole');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['bundle.json']);
  });

  test('never takes the place of one that came meanwhile', async () => {
    const file = await DraftFile.create(path, FRESH);
    await writeFile(path, 'evidence');
    await expect(file.finish()).rejects.toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
      message: expect.stringContaining('(it is there already), so nothing was written'),
    });
    await file.discard();
    expect(await readFile(path, 'utf8')).toBe('evidence');
    expect(await readdir(folder)).toEqual(['bundle.json']);
  });

  test('has a name', async () => {
    const refused = { code: 'OUTPUT_UNWRITABLE', message: expect.stringContaining('no name') };
    await expect(DraftFile.create('', FRESH)).rejects.toMatchObject(refused);
  });
});
