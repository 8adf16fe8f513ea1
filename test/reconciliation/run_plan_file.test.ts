import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parsePlan } from '../../src/domain/reconcile_plan.ts';
import { codeOf } from '../support/melt_ground.ts';
import { MONEY, planText, spentCoin, statusOf, yOf } from '../support/reconcile_plans.ts';
import { hashesOf, runReconcile } from '../support/reconcile_process.ts';
import { type RunGround, runGround } from '../support/run_ground.ts';

describe('a plan as a file', () => {
  let ground: RunGround;
  let folder: string;

  beforeAll(async () => {
    ground = await runGround();
    folder = await mkdtemp(join(tmpdir(), 'cashu-ops-test-plans-'));
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('writes a plan, applies it, and ends with 24 for the row that is no longer so', async () => {
    const [changed, other] = [await spentCoin(ground), await spentCoin(ground)];
    const file = join(folder, 'plan.json');
    const planned = await runReconcile(ground, ['--all', '--plan-out', file]);
    expect([planned.code, planned.json().applied]).toEqual([20, false]);
    expect([await statusOf(ground, changed), await statusOf(ground, other)]).toEqual([
      'unspent',
      'unspent',
    ]);
    await ground.mint.control.setState([yOf(changed)], 'UNSPENT');
    const applied = await runReconcile(ground, ['--apply-plan', file]);
    expect(applied.code).toBe(24);
    const rows: { y: string; done: boolean }[] = applied.json().findings;
    expect(rows.map(({ y, done }) => [y, done]).toSorted()).toEqual(
      [
        [yOf(changed), false],
        [yOf(other), true],
      ].toSorted(),
    );
    expect([await statusOf(ground, changed), await statusOf(ground, other)]).toEqual([
      'unspent',
      'spent',
    ]);
    const twice = await runReconcile(ground, ['--apply-plan', file]);
    expect([twice.code, twice.json().error.code]).toEqual([21, 'PLAN_REFUSED']);
  });

  it('refuses a file that is no plan, or was changed or cut, with 2 and changes nothing', async () => {
    await spentCoin(ground);
    await spentCoin(ground);
    const text = await planText(ground.ops);
    const plan = JSON.parse(text);
    const [first, second] = plan.rows;
    const broken: Record<string, string> = {
      empty: '',
      cut: text.slice(0, text.length / 2),
      'not JSON': 'amount 8',
      'JSON of something else': JSON.stringify({ schema: 'cashu-ops/melt@1', ok: true }),
      'a list': JSON.stringify(plan.rows),
      'a row less': JSON.stringify({ ...plan, rows: [first] }),
      'a row twice': JSON.stringify({ ...plan, rows: [first, second, second] }),
      'rows in another order': JSON.stringify({ ...plan, rows: [second, first] }),
      'another amount': text.replace('"amount":8', '"amount":9'),
      'another action': text.replace('"action":"mark_spent"', '"action":"give_back"'),
      'another token': text.replace(first.token_id, String(second.token_id)),
      'another database': text.replace(plan.database, 'x'),
      'another hash': text.replace(plan.sha256, '0'.repeat(64)),
      'no hash': JSON.stringify({ ...plan, sha256: undefined }),
      'a key more': JSON.stringify({ ...plan, more: 1 }),
    };
    const before = await hashesOf(ground.db, MONEY);
    for (const [what, content] of Object.entries(broken)) {
      expect.soft(await codeOf((async () => parsePlan(content))()), what).toBe('INVALID_ARGUMENT');
    }
    for (const what of ['cut', 'another amount', 'a row less', 'JSON of something else']) {
      const file = join(folder, 'broken.json');
      await writeFile(file, broken[what] ?? '');
      const end = await runReconcile(ground, ['--apply-plan', file]);
      expect([what, end.code, end.json().error.code]).toEqual([what, 2, 'INVALID_ARGUMENT']);
    }
    const missing = await runReconcile(ground, ['--apply-plan', join(folder, 'missing.json')]);
    expect([missing.code, missing.json().error.code]).toEqual([2, 'INVALID_ARGUMENT']);
    expect(await hashesOf(ground.db, MONEY)).toEqual(before);
  });
});
