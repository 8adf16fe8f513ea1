import { chmod, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ALERTS } from '../../src/store/collections.ts';
import type { CliGround } from '../support/cli_ground.ts';
import { onlyDocument } from '../support/cli_refusal.ts';
import {
  RECONCILE_ENV,
  reconcileCliGround,
  spentAtMint,
  stageFindings,
} from '../support/reconcile_cli.ts';
import { leaksIn, secretsIn } from '../support/secret_scan.ts';
import {
  ACCEPT,
  DROP,
  FAIL,
  HANG,
  WEBHOOK_SECRET,
  type WebhookReceiver,
  webhookReceiver,
} from '../support/webhook_receiver.ts';

const ALL = ['reconcile', '--all', '--quiet'];

describe('alerts of a reconciliation', () => {
  let ground: CliGround;
  let hook: WebhookReceiver;
  beforeEach(async () => {
    ground = await reconcileCliGround();
    hook = await webhookReceiver();
    ground.keepSecret(WEBHOOK_SECRET.slice('whsec_'.length));
  });
  afterEach(async () => {
    const secrets = [...(await secretsIn(ground.db)), WEBHOOK_SECRET];
    expect(leaksIn(hook.received.map(({ raw }) => raw).join('\n'), secrets)).toEqual([]);
    expect((await ground.leaks()).shown).toEqual([]);
    for (const { signed } of hook.received) expect(signed).toBe(true);
  });

  const run = (args: string[], env: Record<string, string | undefined> = {}) =>
    ground.run(args, { env: { ...RECONCILE_ENV, ...hook.env, ...env } });
  const told = () =>
    hook.received.map(({ body }) => `${body.status} ${body.severity} ${body.type}`);
  const alerts = () => ground.db.collection(ALERTS).find().toArray();

  it('are sent once until something changes, and once when it is over', async () => {
    const coin = await spentAtMint(ground, 64);
    expect((await run(ALL)).code).toBe(20);
    expect(told()).toEqual(['firing HIGH DB_UNSPENT_MINT_SPENT']);
    expect(hook.received[0]?.body).toMatchObject({
      schema: 'cashu-ops/alert@1',
      id: hook.received[0]?.id,
      amount_sat: 64,
      ys: [coin.Y],
      npub: ground.npub,
      mint_url: ground.mint.url,
      next_command: expect.stringMatching(/^cashu-ops reconcile show run_/),
      runbook: 'docs/runbooks/coins-spent-elsewhere.md',
    });
    expect((await run(ALL)).code).toBe(20);
    expect((await run(ALL)).code).toBe(20);
    expect(hook.received).toHaveLength(1);
    const graver = '{"severities":{"DB_UNSPENT_MINT_SPENT":"CRITICAL"}}';
    await run(ALL, { CASHU_OPS_RECONCILE: graver });
    expect(told().slice(1)).toEqual(['firing CRITICAL DB_UNSPENT_MINT_SPENT']);
    await run([...ALL, '--apply'], { CASHU_OPS_RECONCILE: graver });
    expect(told().slice(2)).toEqual(['resolved CRITICAL DB_UNSPENT_MINT_SPENT']);
    expect((await run(ALL)).code).toBe(0);
    expect(hook.received).toHaveLength(3);
    expect(new Set(hook.received.map(({ id }) => id)).size).toBe(3);
  });

  it('of what is gone by itself say so only after a whole run of the same scope', async () => {
    const coin = await spentAtMint(ground, 64);
    await run(ALL);
    await ground.mint.control.setState([coin.Y], 'UNSPENT');
    await run(['reconcile', '--npub', ground.npub, '--quiet']);
    expect(told()).toHaveLength(1);
    await run(ALL);
    expect(told().slice(1)).toEqual(['resolved HIGH DB_UNSPENT_MINT_SPENT']);
  });

  it('of a payment end when it is booked, and MEDIUM and LOW tell nobody', async () => {
    const staged = await stageFindings(ground);
    expect((await run(ALL)).code).toBe(23);
    expect(told().toSorted()).toEqual([
      'firing CRITICAL OPERATION_PAID_NOT_SETTLED',
      'firing HIGH DB_UNSPENT_MINT_SPENT',
    ]);
    const { operation_id } = staged.critical;
    expect((await run(['melt', '--resume', operation_id])).code).toBe(0);
    expect(hook.received).toHaveLength(2);
    const { code } = await run(['audit', 'alerts', '--deliver']);
    expect([code, told().slice(2)]).toEqual([0, ['resolved CRITICAL OPERATION_PAID_NOT_SETTLED']]);
  });

  it('that a receiver did not take are sent later, with the same id, and change no exit code', async () => {
    await spentAtMint(ground, 64);
    hook.answer(FAIL);
    const failed = await run(ALL);
    expect([failed.code, failed.stderr]).toEqual([
      20,
      expect.stringMatching(/^warning: 1 alert is not delivered yet \(webhook: HTTP 500\)/m),
    ]);
    hook.answer(DROP);
    expect((await run(['audit', 'alerts', '--retry'])).code).toBe(25);
    const { code, stdout, stderr } = await run(['audit', 'alerts', '--outstanding']);
    expect(code).toBe(25);
    expect(stderr).toMatch(/^1 alert not delivered yet\.$/m);
    expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(/failed 2 ×/);
    expect(stderr).toMatch(/^webhook: \S+: 1 alert; tried again after [\d:]+ UTC$/m);
    expect(stderr).toMatch(/^next: cashu-ops audit alerts --retry$/m);
    const before = hook.received.length;
    expect(before).toBe(2);
    hook.answer(ACCEPT);
    // Its next attempt is not due yet.
    expect((await run(['audit', 'alerts', '--deliver'])).code).toBe(25);
    expect(hook.received).toHaveLength(before);
    const retried = await run(['audit', 'alerts', '--retry', '--json']);
    expect(retried.code).toBe(0);
    expect(onlyDocument(retried.stdout)).toMatchObject({
      schema: 'cashu-ops/alerts@1',
      ok: true,
      sent: { delivered: 1, failed: 0 },
      outstanding: { alerts: 0 },
      alerts: [{ delivery: { state: 'delivered', delivered_to: ['webhook'], last_error: null } }],
    });
    expect(new Set(hook.received.map(({ id }) => id)).size).toBe(1);
    await run(['audit', 'alerts', '--retry']);
    expect(hook.received).toHaveLength(before + 1);
  });

  it('do not hold a command that waits for a receiver that hangs, and are not redirected', async () => {
    await spentAtMint(ground, 64);
    await spentAtMint(ground, 32);
    await spentAtMint(ground, 16);
    hook.answer(HANG);
    const begun = performance.now();
    const hung = await run(ALL);
    expect(performance.now() - begun).toBeLessThan(14_000);
    expect([hung.code, hung.stderr]).toEqual([
      20,
      expect.stringMatching(
        /^warning: 3 alerts are not delivered yet \(webhook: no answer in time\)/m,
      ),
    ]);
    const before = hook.received.length;
    hook.answer((response) => response.writeHead(307, { location: `${hook.url}/elsewhere` }).end());
    await run(['audit', 'alerts', '--retry']);
    expect(hook.received.length).toBeGreaterThan(before);
    expect(hook.received.map(({ path }) => path)).not.toContain('/alerts/elsewhere');
    expect((await alerts()).map(({ state }) => state)).toEqual(['due', 'due', 'due']);
  });

  it('of a process that was killed while it sent arrive by the next one', async () => {
    await spentAtMint(ground, 64);
    hook.answer(HANG);
    const { child, ended } = ground.start(ALL, { env: { ...RECONCILE_ENV, ...hook.env } });
    await expect.poll(() => hook.received.length, { timeout: 20_000 }).toBe(1);
    child.kill('SIGKILL');
    await ended;
    hook.answer(ACCEPT);
    // Another process may be sending it: it is left alone, even by --retry.
    await run(['audit', 'alerts', '--retry']);
    expect(hook.received).toHaveLength(1);
    const overdue = { $set: { next_at: new Date(0) } };
    await ground.db.collection(ALERTS).updateMany({}, overdue);
    await run(['audit', 'alerts', '--deliver']);
    // What was delivered is never due again.
    await ground.db.collection(ALERTS).updateMany({}, overdue);
    await run(['audit', 'alerts', '--deliver']);
    expect(hook.received.map(({ id }) => id)).toEqual([hook.received[0]?.id, hook.received[0]?.id]);
  });

  it('are not lost when the process that found it could tell nobody', async () => {
    await spentAtMint(ground, 64);
    // Nobody is set there, and the repair is made: no later run finds it again.
    const silent = { CASHU_OPS_ALERT_WEBHOOK: undefined, CASHU_OPS_ALERT_SECRET: undefined };
    await run([...ALL, '--apply'], silent);
    expect(await alerts()).toEqual([]);
    await run(['audit', 'alerts', '--deliver']);
    await run(['audit', 'alerts', '--deliver']);
    expect(told()).toEqual(['firing HIGH DB_UNSPENT_MINT_SPENT']);
    expect(hook.received[0]?.body.message).toMatch(/found and repaired/);
  });

  it('are sent once each by processes that deliver at once', async () => {
    for (const amount of [1, 2, 4, 8, 16, 32, 64, 128]) await spentAtMint(ground, amount);
    hook.answer((response) => void setTimeout(() => ACCEPT(response, response.req), 50));
    const silent = { CASHU_OPS_ALERT_WEBHOOK: undefined, CASHU_OPS_ALERT_SECRET: undefined };
    await run(ALL, silent);
    const both = await Promise.all(
      [1, 2].map(() => run(['audit', 'alerts', '--deliver', '--json'])),
    );
    await run(['audit', 'alerts', '--deliver']);
    const sent = both.map(({ stdout }) => onlyDocument(stdout).sent.delivered);
    expect(sent[0] + sent[1]).toBe(8);
    const ids = hook.received.map(({ id }) => id);
    expect([ids.length, new Set(ids).size]).toEqual([8, 8]);
  });

  it('of very many findings are sent one by one for the gravest, and the rest as one', async () => {
    const coins = await ground.addCoins(...Array.from({ length: 60 }, () => 4));
    await ground.mint.control.setState(
      coins.proofs.map(({ Y }) => Y ?? ''),
      'SPENT',
    );
    await run(ALL);
    await run(['audit', 'alerts', '--deliver']);
    expect(hook.received).toHaveLength(51);
    const [more] = hook.received.filter(({ body }) => body.type === 'MORE_FINDINGS');
    expect(more?.body).toMatchObject({ severity: 'HIGH', amount_sat: 40 });
    await run(ALL);
    expect(hook.received).toHaveLength(51);
  });

  it('go to a program too, which learns no secret and is ended when it hangs', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cashu-ops-alert-'));
    const program = join(folder, 'tell');
    const said = join(folder, 'said');
    await writeFile(program, `#!/bin/sh\nenv > ${said}.env\ncat >> ${said}\n`);
    await chmod(program, 0o755);
    await spentAtMint(ground, 64);
    await run(ALL, { CASHU_OPS_ALERT_COMMAND: program });
    const [line = ''] = (await readFile(said, 'utf8')).split('\n');
    expect(JSON.parse(line)).toEqual(hook.received[0]?.body);
    const environment = await readFile(`${said}.env`, 'utf8');
    expect(environment).toMatch(/^PATH=/m);
    expect(environment).not.toMatch(/CASHU|mongodb/);
    await writeFile(program, `#!/bin/sh\necho $$ > ${said}.pid\nsleep 600\n`);
    await spentAtMint(ground, 32);
    const begun = performance.now();
    const hung = await run(ALL, { CASHU_OPS_ALERT_COMMAND: program });
    expect(performance.now() - begun).toBeLessThan(14_000);
    expect([hung.code, hung.stderr]).toEqual([20, expect.stringMatching(/did not end in time/)]);
    const pid = Number(await readFile(`${said}.pid`, 'utf8'));
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
    // The webhook has it, and is not asked again for what only the program lacks.
    const received = hook.received.length;
    await writeFile(program, `#!/bin/sh\ncat >> ${said}\n`);
    expect(
      (await run(['audit', 'alerts', '--retry'], { CASHU_OPS_ALERT_COMMAND: program })).code,
    ).toBe(0);
    expect(hook.received).toHaveLength(received);
    expect((await readFile(said, 'utf8')).trim().split('\n')).toHaveLength(2);
  });

  it('need a receiver to be sent, and a secret to be signed', async () => {
    const nobody = { CASHU_OPS_ALERT_WEBHOOK: undefined, CASHU_OPS_ALERT_SECRET: undefined };
    const none = await run(['audit', 'alerts', '--deliver'], nobody);
    expect([none.code, none.stderr]).toEqual([2, expect.stringMatching(/Nobody gets alerts/)]);
    for (const flags of [[], ['--outstanding']]) {
      const unset = await run(['audit', 'alerts', ...flags], nobody);
      expect([unset.code, unset.stderr.replaceAll(/\s+/g, ' ').trim()]).toEqual([
        0,
        'Nobody gets alerts here: set CASHU_OPS_ALERT_WEBHOOK with CASHU_OPS_ALERT_SECRET, or CASHU_OPS_ALERT_COMMAND.',
      ]);
      const set = await run(['audit', 'alerts', ...flags]);
      expect([set.code, set.stderr]).toEqual([
        0,
        flags.length > 0 ? 'Everything is delivered.\n' : 'No alert was ever made.\n',
      ]);
    }
    const unsigned = await run(ALL, { CASHU_OPS_ALERT_SECRET: undefined });
    expect([unsigned.code, unsigned.stderr]).toEqual([
      2,
      expect.stringMatching(/alerts are signed/),
    ]);
    const open = await run(ALL, { CASHU_OPS_ALERT_WEBHOOK: 'http://alerts.example/x' });
    expect([open.code, open.stderr]).toEqual([
      2,
      expect.stringMatching(/alert_webhook_url .*https/),
    ]);
    expect(hook.received).toEqual([]);
  });
});
