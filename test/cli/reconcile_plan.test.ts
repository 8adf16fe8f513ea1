import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliGround, expectNoLeaks } from '../support/cli_ground.ts';
import { expectRefusal, onlyDocument } from '../support/cli_refusal.ts';
import {
  RECONCILE_ENV,
  reconcileCliGround,
  spentAtMint,
  walletHashes,
} from '../support/reconcile_cli.ts';

describe('reconcile, plans', () => {
  let ground: CliGround;
  let folder: string;
  beforeAll(async () => {
    ground = await reconcileCliGround();
    await ground.addCoins(8, 4);
    await spentAtMint(ground, 64);
    await spentAtMint(ground, 16);
    folder = await mkdtemp(join(tmpdir(), 'cashu-ops-test-plans-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const run = (...args: string[]) => ground.run(['reconcile', ...args], { env: RECONCILE_ENV });
  const check = async (...args: string[]) => {
    const { code, stdout } = await run(...ground.owner, ...args, '--json');
    return { code, ...onlyDocument(stdout) };
  };

  it('a plan: written with mode 600, says what is next, and is carried out once', async () => {
    const path = join(folder, 'plan.json');
    const before = await walletHashes(ground.db);
    const planned = await check('--plan-out', path);
    expect(await walletHashes(ground.db)).toEqual(before);
    expect(planned).toMatchObject({
      code: 20,
      applied: false,
      plan: { file: path, rows: 2, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      next_command: `cashu-ops reconcile --apply-plan ${path}`,
    });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const text = await readFile(path, 'utf8');
    ground.heard(text);
    expect(JSON.parse(text)).toMatchObject({ run_id: planned.run_id, sha256: planned.plan.sha256 });
    const changed = join(folder, 'changed.json');
    await writeFile(changed, text.replace('"amount": 64', '"amount": 65'));
    await expectRefusal(ground, {
      args: ['reconcile', '--apply-plan', changed],
      code: 'INVALID_ARGUMENT',
      exit: 2,
      says: /its hash does not fit its rows, so it was changed or cut/,
    });
    const done = await run('--apply-plan', path);
    expect(done.stdout.match(/DB_UNSPENT_MINT_SPENT .* marked spent$/gm)).toHaveLength(2);
    expect(done.code).toBe(0);
    await expectRefusal(ground, {
      args: ['reconcile', '--apply-plan', path],
      code: 'PLAN_REFUSED',
      exit: 21,
      says: /was applied already by run run_\S+, so nothing was done now/,
      next: /^cashu-ops reconcile show run_/,
    });
    expect(await readdir(folder)).toEqual(['changed.json', 'plan.json']);
  });

  it('a plan whose rows are no longer so: each says why, and exit 24', async () => {
    const path = join(folder, "an operator's plan.json");
    const coin = await spentAtMint(ground, 32);
    const planned = await run(...ground.owner, '--plan-out', path);
    expect(planned.stderr).toContain(
      `next: cashu-ops reconcile --apply-plan '${folder}/an operator'\\''s plan.json'\n`,
    );
    await ground.mint.control.setState([coin.Y], 'UNSPENT');
    const { code, stdout } = await run('--apply-plan', path);
    expect(code).toBe(24);
    expect(stdout).toMatch(/DB_UNSPENT_MINT_SPENT +32 .* not done\n {6}\S/m);
    expect(stdout).toMatch(/^repaired {4}0, not repaired 1 \(1 not possible now, see above\)$/m);
  });

  it('nobody learned a secret', () => expectNoLeaks(ground));
});
