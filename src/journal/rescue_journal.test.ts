import { spawnSync } from 'node:child_process';
import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type JournalEntry, RescueJournal } from './rescue_journal.ts';

let root: string;
let journal: RescueJournal;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'cashu-ops-test-rescue-'));
  journal = new RescueJournal(join(root, 'deep', 'journal'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const INTENT: JournalEntry = { kind: 'intent', operation: { _id: 'op', secret: 'ä 🥜 \n "x"' } };
const REPLY: JournalEntry = { kind: 'reply', reading: { state: 'PAID', change: [1, 2, 3] } };

async function written(...entries: JournalEntry[]): Promise<string> {
  for (const entry of entries) await journal.append('op', entry);
  return journal.pathOf('op');
}

describe('append and read', () => {
  it('gives back what was written, in its order, also to another process', async () => {
    await written(INTENT, REPLY, REPLY);
    expect((await new RescueJournal(journal.dir).read('op')).entries).toEqual([
      INTENT,
      REPLY,
      REPLY,
    ]);
  });

  it('keeps operations apart', async () => {
    await journal.append('one', INTENT);
    await journal.append('two', REPLY);
    expect((await journal.read('one')).entries).toEqual([INTENT]);
    expect((await journal.read('two')).entries).toEqual([REPLY]);
    expect((await journal.read('three')).entries).toEqual([]);
  });

  it('holds an operation of a thousand coins', async () => {
    const inputs = Array.from({ length: 1000 }, (_, n) => ({ n, secret: '9f'.repeat(32) }));
    const entry: JournalEntry = { kind: 'intent', operation: { inputs } };
    await written(entry);
    expect((await journal.read('op')).entries).toEqual([entry]);
  });

  it('can be read by nobody else', async () => {
    const path = await written(INTENT);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(journal.dir)).mode & 0o777).toBe(0o700);
  });
});

describe('a file that is not as it was written', () => {
  it('loses a torn last line, and nothing else', async () => {
    const path = await written(INTENT, REPLY);
    const { size } = await stat(path);
    for (const cut of [2, 20, 60]) {
      await truncate(path, size - cut);
      expect((await journal.read('op')).entries).toEqual([INTENT]);
    }
  });

  it('takes a further entry after a torn line', async () => {
    const path = await written(INTENT, REPLY);
    await truncate(path, (await stat(path)).size - 20);
    await journal.append('op', REPLY);
    expect((await journal.read('op')).entries).toEqual([INTENT, REPLY]);
  });

  it('counts what is damaged, but not a torn last line', async () => {
    const path = await written(INTENT, REPLY);
    const good = await readFile(path, 'utf8');
    expect((await journal.read('op')).damaged).toBe(0);
    await truncate(path, (await stat(path)).size - 20);
    expect((await journal.read('op')).damaged).toBe(0);
    await writeFile(path, good.replace('"intent"', '"inTent"'));
    expect(await journal.read('op')).toEqual({ entries: [REPLY], damaged: 1 });
  });

  it('loses an altered line, and nothing else', async () => {
    const path = await written(INTENT, REPLY);
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('"PAID"', '"paid"'));
    expect((await journal.read('op')).entries).toEqual([INTENT]);
  });

  it('never gives back what was not written, whatever byte was altered', async () => {
    const path = await written(INTENT, REPLY);
    const good = await readFile(path);
    const byte = fc.nat(good.length - 1);
    await fc.assert(
      fc.asyncProperty(byte, fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const bytes = Buffer.from(good);
        bytes.writeUInt8(bytes.readUInt8(at) ^ change, at);
        await writeFile(path, bytes);
        const { entries } = await journal.read('op');
        expect(entries.length).toBeGreaterThanOrEqual(1);
        for (const entry of entries) expect([INTENT, REPLY]).toContainEqual(entry);
      }),
      { numRuns: 200 },
    );
  });

  it('with lines of somebody else between: they are passed over', async () => {
    const path = await written(INTENT);
    await appendFile(path, `\n\n{"kind":"reply"}\n${'0'.repeat(32)} {"kind":"reply"}\n`);
    await journal.append('op', REPLY);
    expect((await journal.read('op')).entries).toEqual([INTENT, REPLY]);
  });

  it('without anything in it is empty', async () => {
    const path = await written(INTENT);
    await writeFile(path, '');
    expect((await journal.read('op')).entries).toEqual([]);
  });
});

describe('a folder that cannot be used', () => {
  it.each([
    ['lies below a file', async () => writeFile(join(root, 'deep'), '')],
    [
      'has a folder where the file should be',
      async () => {
        await mkdir(journal.pathOf('op'), { recursive: true });
      },
    ],
  ])('is told with its name when it %s', async (_, spoil) => {
    await spoil();
    const failed = journal.append('op', INTENT);
    await expect(failed).rejects.toMatchObject({
      code: 'JOURNAL_UNWRITABLE',
      message: expect.stringMatching(
        new RegExp(`${journal.dir} .* Set CASHU_OPS_JOURNAL_DIR to a folder`),
      ),
      cause: expect.any(Error),
    });
    await expect(failed).rejects.not.toMatchObject({ message: expect.stringContaining('🥜') });
  });

  it('is not taken for an empty one where it is there and cannot be read', async () => {
    await mkdir(journal.pathOf('op'), { recursive: true });
    await expect(journal.read('op')).rejects.toMatchObject({ code: 'JOURNAL_UNREADABLE' });
    await mkdir(join(journal.dir, 'newest.some-database'));
    await expect(journal.newest()).rejects.toMatchObject({ code: 'JOURNAL_UNREADABLE' });
  });

  it.skipIf(process.platform !== 'linux')('is told, and soon, where none can be made', async () => {
    // Node's recursive mkdir never comes back from there, so it is tried in a process of its own.
    const url = new URL('./rescue_journal.ts', import.meta.url);
    const script = `
      const { RescueJournal } = await import(${JSON.stringify(url.href)});
      const entry = { kind: 'intent', operation: null };
      await new RescueJournal('/proc/nope/journal').append('op', entry).catch((error) => {
        process.stdout.write(error.code + ': ' + error.message);
      });`;
    const { stdout, signal } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      timeout: 10_000,
      killSignal: 'SIGKILL',
    });
    expect(signal).toBeNull();
    expect(stdout).toMatch(
      /^JOURNAL_UNWRITABLE: .*\/proc\/nope.*ENOENT.*Set CASHU_OPS_JOURNAL_DIR to a folder/,
    );
  });

  it('keeps its parents to the owner too', async () => {
    await written(INTENT);
    expect((await stat(join(root, 'deep'))).mode & 0o777).toBe(0o700);
  });

  it.skipIf(process.getuid?.() === 0)('is told when it must not be written', async () => {
    await mkdir(journal.dir, { recursive: true });
    await chmod(journal.dir, 0o500);
    await expect(journal.append('op', INTENT)).rejects.toMatchObject({
      code: 'JOURNAL_UNWRITABLE',
    });
    await chmod(journal.dir, 0o700);
  });

  it.skipIf(process.platform !== 'linux')('is told when the disk is full', async () => {
    await mkdir(journal.dir, { recursive: true });
    await symlink('/dev/full', journal.pathOf('op'));
    await expect(journal.append('op', INTENT)).rejects.toMatchObject({
      code: 'JOURNAL_UNWRITABLE',
      message: expect.stringMatching(/ENOSPC.*\. Free some space there\.$/),
    });
  });
});

const DAY = new Date('2026-11-21T23:30:00Z');

async function filesOf(dir: string): Promise<[string, string | null][]> {
  const found: [string, string | null][] = [];
  for await (const file of new RescueJournal(dir).files()) {
    found.push([file.operation_id, file.ended_on]);
  }
  return found;
}

describe('close', () => {
  it('puts the file aside by day, where it is still read, and is still nobody else’s', async () => {
    const path = await written(INTENT, REPLY);
    expect(await journal.close('op', DAY)).toBe(true);
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
    expect((await journal.read('op')).entries).toEqual([INTENT, REPLY]);
    const put = join(journal.dir, 'ended', '2026-11-21', 'op.jsonl');
    expect((await stat(put)).mode & 0o777).toBe(0o600);
    expect((await stat(join(journal.dir, 'ended'))).mode & 0o777).toBe(0o700);
  });

  it('has nothing against a file that was put aside already, or never written', async () => {
    await written(INTENT);
    expect(await journal.close('op', DAY)).toBe(true);
    expect(await journal.close('op', new Date('2027-01-01'))).toBe(true);
    expect(await journal.close('never-written', DAY)).toBe(true);
    expect(await filesOf(journal.dir)).toEqual([['op', '2026-11-21']]);
  });

  it('never replaces what was put aside before: both parts are read, in their order', async () => {
    await written(INTENT);
    await journal.close('op', DAY);
    await written(REPLY);
    expect((await journal.read('op')).entries).toEqual([INTENT, REPLY]);
    expect(await journal.close('op', DAY)).toBe(true);
    expect((await journal.read('op')).entries).toEqual([INTENT, REPLY]);
    expect(await filesOf(journal.dir)).toEqual([
      ['op', '2026-11-21'],
      ['op', '2026-11-21'],
    ]);
  });

  it('is done for each of many that begin and end at once, while there are no folders yet', async () => {
    const ids = Array.from({ length: 12 }, (_, index) => `op-${index}`);
    for (let round = 0; round < 40; round += 1) {
      const fresh = new RescueJournal(join(root, `round-${round}`, 'journal'));
      await Promise.all(ids.map((id) => fresh.append(id, INTENT)));
      const closed = await Promise.all(ids.map((id) => fresh.close(id, DAY)));
      expect(closed).toEqual(ids.map(() => true));
      const left = (await filesOf(fresh.dir)).filter(([, ended_on]) => ended_on === null);
      expect(left).toEqual([]);
    }
  });

  it('says that it could not, and does not fail: the operation has ended all the same', async () => {
    await written(INTENT);
    await writeFile(join(journal.dir, 'ended'), '');
    expect(await journal.close('op', DAY)).toBe(false);
    expect((await journal.read('op')).entries).toEqual([INTENT]);
  });
});

describe('newest', () => {
  it('is one for each database, and replaced as a whole', async () => {
    expect(await journal.newest()).toEqual([]);
    await written(INTENT);
    await journal.noteNewest('one', 'op-1');
    await journal.noteNewest('two', 'op-2');
    await journal.noteNewest('one', 'op-3');
    expect((await journal.newest()).sort()).toEqual(['op-2', 'op-3']);
    expect(await filesOf(journal.dir)).toEqual([['op', null]]);
    const path = join(journal.dir, 'newest.one');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });
});

describe('discard', () => {
  it('takes the coins off the disk', async () => {
    const path = await written(INTENT);
    expect(await journal.discard({ path })).toBe(true);
    expect((await journal.read('op')).entries).toEqual([]);
    expect(await journal.discard({ path })).toBe(true);
  });

  it('says that it could not', async () => {
    const path = journal.pathOf('op');
    await mkdir(path, { recursive: true });
    expect(await journal.discard({ path })).toBe(false);
  });
});

describe('files', () => {
  it('names each operation, those that have ended last and by their day', async () => {
    for (const id of ['late', 'early', 'open']) await journal.append(id, INTENT);
    await journal.close('late', new Date('2026-11-20'));
    await journal.close('early', new Date('2026-10-02'));
    expect(await filesOf(journal.dir)).toEqual([
      ['open', null],
      ['early', '2026-10-02'],
      ['late', '2026-11-20'],
    ]);
  });

  it('passes over what is not its own, and has none where there is no folder', async () => {
    expect(await filesOf(journal.dir)).toEqual([]);
    await written(INTENT);
    await writeFile(join(journal.dir, 'notes.txt'), '');
    await mkdir(join(journal.dir, 'ended', 'some day'), { recursive: true });
    expect(await filesOf(journal.dir)).toEqual([['op', null]]);
  });

  it('reads nothing outside of its folder, whatever id is asked for', async () => {
    await writeFile(join(root, 'outside.jsonl'), 'x');
    expect((await journal.read('../../outside')).entries).toEqual([]);
  });
});
