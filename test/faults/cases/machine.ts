import { execFile } from 'node:child_process';
import { appendFile, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { until } from '../../melt/kill_points.ts';
import { withFailPoint } from '../../support/fail_point.ts';
import type { CliResult } from '../../support/run_cli.ts';
import type { CaseGround } from '../support/case_ground.ts';
import type { FaultCase } from '../support/fault_case.ts';
import {
  ANSWER_LOST,
  after,
  before,
  ENDS_PAID,
  faults,
  NOTHING_LEFT,
  PAID_NOW,
  PAYS_AGAIN,
  pending,
  QUOTE_SILENT,
  REQUEST_LOST,
  RESUME_TO_FAILED,
  RESUME_TO_PAID,
} from './common.ts';

const run = promisify(execFile);

/** A file system of a few pages, for the journal alone. */
async function withSmallDisk(
  sizeKb: number,
  work: (dir: string) => Promise<CliResult>,
): Promise<CliResult> {
  const dir = await mkdtemp(join(tmpdir(), 'cashu-ops-small-disk-'));
  await run('mount', ['-t', 'tmpfs', '-o', `size=${sizeKb}k,mode=700`, 'tmpfs', dir]);
  try {
    return await work(dir);
  } finally {
    await run('umount', [dir]);
    await rm(dir, { recursive: true, force: true });
  }
}

/** Fills a file system to its last page; the error that ends it is the aim. */
async function fill(dir: string): Promise<void> {
  await writeFile(join(dir, 'ballast'), Buffer.alloc(4 * 1024 * 1024)).catch(() => {});
}

const PAGE_BYTES = 4096;

/** The last page of a file has room for another entry; empty lines mean nothing there. */
async function fillLastPages(dir: string): Promise<void> {
  for (const name of (await readdir(dir)).filter((each) => each.endsWith('.jsonl'))) {
    const path = join(dir, name);
    const { size } = await stat(path);
    await appendFile(path, '\n'.repeat((PAGE_BYTES - (size % PAGE_BYTES)) % PAGE_BYTES));
  }
}

const hasRequest = ({ mint }: CaseGround) =>
  until(async () => (await mint.control.meltRequests()).length > 0, { what: 'the request' });

const hasPassed = ({ proxy }: CaseGround, endpoint: string) =>
  until(async () => proxy.passed().some((request) => request.endpoint === endpoint), {
    what: endpoint,
  });

/** The disk is full before the journal has one line. */
const fullAtTheStart = (ground: CaseGround) =>
  withSmallDisk(64, async (dir) => {
    await fill(dir);
    return ground.pay({ CASHU_OPS_JOURNAL_DIR: dir });
  });

/** The disk is full when the mint's reply is to be written down. */
const fullAtTheReply = (
  ground: CaseGround,
  more: (pay: Promise<CliResult>) => Promise<CliResult>,
) =>
  withSmallDisk(256, async (dir) => {
    ground.fault(after('melt', { type: 'delay', ms: 1_500 }));
    const melt = ground.startPay({ CASHU_OPS_JOURNAL_DIR: dir });
    await hasRequest(ground);
    await fillLastPages(dir);
    await fill(dir);
    return more(melt.ended);
  });

/** And the database takes no booking either, so that nothing is written down anywhere. */
const nothingTakesIt = (ground: CaseGround) =>
  fullAtTheReply(ground, (paying) => {
    const { client, db } = ground.ops.store;
    const data = {
      failCommands: ['update'],
      namespace: `${db.databaseName}.cashu_tokens`,
      appName: 'cashu-ops/melt',
      errorCode: 96,
    };
    return withFailPoint(client, data, 'alwaysOn', () => paying);
  });

/** The journal's folder is taken away while the mint pays. */
async function journalGone(ground: CaseGround): Promise<CliResult> {
  ground.fault(after('melt', { type: 'delay', ms: 1_500 }));
  const melt = ground.startPay();
  await hasRequest(ground);
  await rm(ground.journalDir, { recursive: true, force: true });
  await writeFile(ground.journalDir, 'no folder');
  return melt.ended;
}

const journalBack = async ({ journalDir }: CaseGround): Promise<void> => {
  await rm(journalDir, { recursive: true, force: true });
};

/** Moves the clock of a process when it gets SIGUSR2; the database's clock stays. */
const CLOCK = new URL('../support/clock_that_jumps.mjs', import.meta.url).href;

const jumping = (hours: number) => ({
  NODE_OPTIONS: `--import=${CLOCK}`,
  CLOCK_JUMPS_BY_MS: String(hours * 3_600_000),
});

async function jumped(ended: Promise<CliResult>): Promise<CliResult> {
  const result = await ended;
  hasJumped(result);
  return result;
}

/** The clock jumps while the mint has the request. */
const jumpsWhilePaying =
  (hours: number) =>
  async (ground: CaseGround): Promise<CliResult> => {
    const melt = ground.startPay(jumping(hours));
    await hasRequest(ground);
    melt.child.kill('SIGUSR2');
    return jumped(melt.ended);
  };

/** The clock jumps between the pre-flight and T2, so that nobody knows how long that took. */
const jumpsBeforeTheRequest =
  (hours: number) =>
  async (ground: CaseGround): Promise<CliResult> => {
    ground.fault(before('checkstate', { type: 'delay', ms: 800 }));
    const melt = ground.startPay(jumping(hours));
    await hasPassed(ground, 'checkstate');
    melt.child.kill('SIGUSR2');
    return jumped(melt.ended);
  };

/** One look by a machine whose clock jumps in the middle of it. */
const lookWithJump =
  (hours: number) =>
  async (ground: CaseGround): Promise<CliResult> => {
    const result = await ground.pay();
    ground.proxy.forget();
    ground.fault(before('melt_quote_state', { type: 'delay', ms: 1_500 }));
    const id = (await ground.operation())?._id ?? '';
    const look = ground.start(['melt', '--resume', id, '--json'], jumping(hours));
    await hasPassed(ground, 'melt_quote_state');
    look.child.kill('SIGUSR2');
    const looked = await look.ended;
    expect(looked.code, looked.stdout).toBe(22);
    hasJumped(looked);
    await keepsTime(ground);
    return result;
  };

const FIVE_HOURS_MS = 5 * 3_600_000;

/** The process itself saw another time than everybody else. */
function hasJumped({ stderr }: CliResult): void {
  const seen = /the clock jumps to (\S+)/.exec(stderr)?.[1] ?? '';
  expect(Math.abs(Date.parse(seen) - Date.now())).toBeGreaterThan(FIVE_HOURS_MS);
}

/** What was written down has the database's time all the same. */
async function keepsTime({ operation }: CaseGround): Promise<void> {
  const written = (await operation())?.updated_at.getTime() ?? 0;
  expect(Math.abs(written - Date.now())).toBeLessThan(60_000);
}

const CLOCK_CASES: readonly FaultCase[] = [6, -6].flatMap((hours): FaultCase[] => {
  const direction = hours > 0 ? 'forward' : 'back';
  const words = `the clock jumps ${Math.abs(hours)} h ${direction}`;
  return [
    {
      id: `machine-clock-${direction}-while-paying`,
      group: 'machine',
      title: `${words} while the mint pays`,
      given: faults(after('melt', { type: 'delay', ms: 1_500 })),
      act: jumpsWhilePaying(hours),
      expected: PAID_NOW,
      ...NOTHING_LEFT,
      also: keepsTime,
    },
    {
      id: `machine-clock-${direction}-before-T1`,
      group: 'machine',
      title: `${words} while the coins are checked`,
      act: jumpsBeforeTheRequest(hours),
      expected: PAID_NOW,
      ...NOTHING_LEFT,
      also: keepsTime,
    },
    {
      id: `machine-clock-${direction}-answer-lost`,
      group: 'machine',
      title: `${words} while the mint pays, and its answer is lost`,
      given: faults(after('melt', { type: 'delay', ms: 1_500 }), ANSWER_LOST, QUOTE_SILENT),
      act: jumpsWhilePaying(hours),
      expected: pending(/the mint does not answer/),
      ...RESUME_TO_PAID,
    },
    {
      id: `machine-clock-${direction}-in-a-look`,
      group: 'machine',
      title: `${words} in the middle of a look, the request being lost`,
      given: faults(REQUEST_LOST),
      act: lookWithJump(hours),
      expected: pending(/it is not known whether the request reached the mint/),
      ...RESUME_TO_FAILED,
    },
  ];
});

/** The machine itself: disk, clock and journal. */
export const MACHINE_CASES: readonly FaultCase[] = [
  {
    id: 'machine-disk-full-at-start',
    group: 'machine',
    title: 'the disk of the journal is full: nothing is begun',
    needs: 'mount',
    act: fullAtTheStart,
    expected: { exit: 2, state: 'none', says: /JOURNAL_UNWRITABLE.*?Free some space there/ },
    ...PAYS_AGAIN,
  },
  {
    id: 'machine-disk-full-at-reply',
    group: 'machine',
    title: "the disk of the journal is full when the mint's reply comes",
    needs: 'mount',
    act: (ground) => fullAtTheReply(ground, (paying) => paying),
    expected: PAID_NOW,
    ...NOTHING_LEFT,
  },
  {
    id: 'machine-disk-full-database-fails',
    group: 'machine',
    title: 'the disk is full when the reply comes, and the database takes no booking',
    needs: 'mount',
    fresh: true,
    act: nothingTakesIt,
    expected: {
      exit: 23,
      state: 'submitting',
      says: /CRITICAL_\S+ The invoice is paid(?=.*the change can be asked for again at the mint)/,
    },
    recovery: 'resume',
    end: ENDS_PAID,
  },
  {
    id: 'machine-journal-gone',
    group: 'machine',
    title: "the journal's folder is gone when the reply comes",
    fresh: true,
    act: journalGone,
    heal: journalBack,
    expected: PAID_NOW,
    ...NOTHING_LEFT,
  },
  ...CLOCK_CASES,
];
