import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { messageOf } from '../../../src/domain/errors.ts';
import { expectConserved, type JudgeOptions } from '../../support/conservation.ts';
import type { CliResult } from '../../support/run_cli.ts';
import { type CaseGround, caseGround, QUIET } from './case_ground.ts';
import { checkEnding, saidBy } from './check_ending.ts';
import type { CaseResult, End, FaultCase, Recovery } from './fault_case.ts';
import { type FaultGround, faultGround, GroundPool } from './fault_ground.ts';
import { noteResult } from './transcript.ts';

/** Longer than the quiet period of whoever looks again (ms). */
const QUIET_PAUSE_MS = 1_100;
/** So often does an operator look before it counts as not ending. */
const LOOKS_MAX = 5;
const PATIENCE_MS = 120_000;
const STILL_OPEN = [22, 23, 25];

/** One test for each case; those that may run side by side do. */
export function runCases(cases: readonly FaultCase[], { concurrent = true } = {}): void {
  const pool = new GroundPool();
  const test = concurrent ? it.concurrent : it;
  const may = { mount: mayMount() };
  for (const one of cases) {
    const run = one.needs === undefined || may[one.needs] ? test : test.skip;
    run(`${one.id}: ${one.title}`, { timeout: PATIENCE_MS }, async () => {
      const ground = one.fresh ? await faultGround() : await pool.take();
      const result = new Findings(one);
      try {
        await runCase(one, ground, result);
        result.verdict = 'held';
        if (!one.fresh) pool.give(ground);
      } catch (error) {
        result.why = messageOf(error);
        throw error;
      } finally {
        await noteResult(result.row());
      }
    });
  }
}

/** Only root may mount, and not in every container. */
function mayMount(): boolean {
  const dir = mkdtempSync(join(tmpdir(), 'cashu-ops-mount-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', dir]).status === 0;
  if (mounted) spawnSync('umount', [dir]);
  rmdirSync(dir);
  return mounted;
}

/** What came out, as far as the case got. */
class Findings {
  exit = '';
  told = '';
  state = '';
  end = '';
  verdict: CaseResult['verdict'] = 'FAILED';
  why: string | undefined;
  readonly #case: FaultCase;

  constructor(one: FaultCase) {
    this.#case = one;
  }

  row(): CaseResult {
    const { id, group, title } = this.#case;
    const { exit, told, state, end, verdict, why } = this;
    return { id, group, title, exit, told, state, end, verdict, why };
  }
}

async function runCase(one: FaultCase, shared: FaultGround, found: Findings): Promise<void> {
  await reset(shared);
  const ground = await caseGround(shared, one);
  await one.given?.(ground);
  const first = await (one.act ?? ((own) => own.pay()))(ground);
  const judge = (options: JudgeOptions = {}) => judged(one, ground, options);
  found.exit = first.code === null ? 'killed' : String(first.code);
  found.told = await checkEnding(`${one.id}, right after`, one.expected, first, ground);
  found.state = one.expected.state;
  if (!one.wrong_before) await judge();
  for (const [index, ending] of (one.looks ?? []).entries()) {
    await sleep(QUIET_PAUSE_MS);
    const look = await ground.resume();
    await checkEnding(`${one.id}, look ${index + 1}`, ending, look, ground);
    await judge();
  }
  await reset(shared);
  await one.heal?.(ground);
  const last = await RECOVERIES[one.recovery](ground);
  await checkEnd(one, ground, last ?? first);
  found.end = endText(one.end);
  await one.also?.(ground);
}

/** What cases change of it. */
const USUAL_MINT = { max_inputs: 1000, max_ys: 1000, melt_max_sat: null, replay_ttl_s: null };

/** Faults and habits as a ground begins with. */
async function reset({ proxy, mint: { control } }: FaultGround): Promise<void> {
  await proxy.comeBack();
  proxy.clearFaults();
  proxy.forget();
  await control.clearFaults();
  await control.resetInfo();
  await control.resetRequests();
  await control.configure(USUAL_MINT);
}

function judged(one: FaultCase, ground: CaseGround, more: JudgeOptions) {
  const { mint, ops, npub, since } = ground;
  const options = { npub, since, ...one.judge, ...more };
  return expectConserved(one.id, { control: mint.control, db: ops.store.db }, options);
}

/** Looks as often as an operator would, until it has ended. */
async function untilEnded(look: () => Promise<CliResult>): Promise<CliResult> {
  for (let looks = 1; ; looks += 1) {
    const result = await look();
    if (!STILL_OPEN.includes(result.code ?? 0) || looks === LOOKS_MAX) return result;
    await sleep(QUIET_PAUSE_MS);
  }
}

const RECOVERIES: Record<Recovery, (ground: CaseGround) => Promise<CliResult | null>> = {
  nothing: async () => null,
  again: (ground) => ground.pay(),
  resume: (ground) => untilEnded(() => ground.resume()),
  resume_all: async (ground) => {
    const args = ['melt', '--resume-all', '--npub', ground.npub, '--json'];
    await untilEnded(() => ground.run(args, QUIET));
    return ground.resume();
  },
  reconcile: async (ground) => {
    const args = ['reconcile', '--npub', ground.npub, '--apply', '--json'];
    await untilEnded(() => ground.run(args, QUIET));
    return ground.resume();
  },
};

async function checkEnd(one: FaultCase, ground: CaseGround, last: CliResult): Promise<void> {
  const { end } = one;
  await checkEnding(`${one.id}, at the end`, end, last, ground);
  const paid = await ground.mint.control.paymentCount(ground.invoice.payment_hash);
  expect(paid, `${one.id}: payments of the invoice, ${saidBy(last)}`).toBe(end.payments);
  const open = end.person === undefined ? [] : [(await ground.operation())?._id ?? ''];
  await judged(one, ground, { ended: true, left_open: open });
}

function endText({ state, payments, person }: End): string {
  if (person !== undefined) return `a person is needed: ${person}`;
  const paid = payments === 1 ? 'paid once' : 'not paid';
  return state === 'none' ? `${paid}, nothing written` : `${state}, ${paid}`;
}
