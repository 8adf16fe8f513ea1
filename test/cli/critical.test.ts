import { stat } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { createPracticeWallet, deposit } from '../../src/practice/practice_ground.ts';
import { type CliGround, cliGround, expectNoLeaks } from '../support/cli_ground.ts';
import { expectErrorDocument, onlyDocument } from '../support/cli_refusal.ts';
import { fault } from '../support/defects.ts';
import { makeOld, releasedMelt, sendLate } from '../support/late_requests.ts';
import { onlyOperation } from '../support/melt_cli.ts';
import { judge, soundVerdict } from '../support/melt_ground.ts';

/** Whatever is CRITICAL: all that a person needs, in the document and on the terminal. */

const CONTACT = 'ops@wallets.example';
const env = { CASHU_OPS_SUPPORT_CONTACT: CONTACT };

async function melt(ground: CliGround, amount_sat: number) {
  const { invoice, payment_hash } = await ground.invoice({ amount_sat });
  const args = ['melt', invoice, ...ground.owner, '--yes', '--json'];
  return { payment_hash, result: await ground.run(args, { env }) };
}

const typed = (command: string): string[] => command.split(' ').slice(1);

/** The command again, for a person. */
async function onTerminal(ground: CliGround, command: string) {
  const human = await ground.run(typed(command), { env });
  expect(human.code).toBe(23);
  return human;
}

const linesOf = (text: string): string[] => text.trimEnd().split('\n');

describe('CRITICAL', () => {
  it('an error: paid, and the sums do not close', async () => {
    const ground = await cliGround({ coins: [1024] });
    // The whole reserve is used up, so what is missing cannot be a fee.
    await ground.mint.control.setPaymentBehaviour('*', { outcome: 'succeed', fee_sat: 3 });
    const short = { type: 'omit', fields: ['change.0'] } as { type: 'omit'; fields: string[] };
    await ground.mint.control.setFaults([
      fault('melt', 'after', short, 0),
      fault('quote', 'after', short, 0),
      fault('restore', 'after', { type: 'status', status: 500 }, 0),
    ]);
    const { result } = await melt(ground, 300);
    const operation = await onlyOperation(ground);
    const error = expectErrorDocument(result, {
      args: [],
      code: 'BOOKS_DO_NOT_CLOSE',
      exit: 23,
      says: [],
    });
    expect(error).toMatchObject({
      severity: 'CRITICAL',
      operation_id: operation._id,
      quote_id: operation.quote_id,
      transaction_id: operation.transaction_id,
      requires_manual_intervention: true,
      operation_blocked: true,
      support_contact: CONTACT,
      recommendation: expect.stringMatching(/^Do not pay again/),
      next_command: `cashu-ops melt --resume ${operation._id}`,
      facts: {
        at_stake: 1024,
        at_stake_sat: 1024,
        journal: `${ground.journalDir}/${operation._id}.jsonl`,
      },
    });
    expect((await stat(error.facts.journal)).isFile()).toBe(true);
    const { stdout, stderr } = await onTerminal(ground, error.next_command);
    expect(stdout).toBe('');
    expect(linesOf(stderr).slice(-8)).toEqual([
      `operation: ${operation._id}`,
      `transaction: ${operation.transaction_id}`,
      `quote: ${operation.quote_id}`,
      'at stake: 1,024 sat',
      `rescue journal: ${error.facts.journal}`,
      `next: ${error.next_command}`,
      'page: docs/runbooks/sums-do-not-close.md',
      `support: ${CONTACT}`,
    ]);
    await ground.mint.control.clearFaults();
    expect((await ground.run(typed(error.next_command))).code).toBe(0);
    const verdict = await judge(ground);
    expect(verdict).toEqual(soundVerdict(verdict));
    await expectNoLeaks(ground);
  });

  it('an outcome: the mint contradicts itself', async () => {
    const ground = await cliGround({ coins: [256] });
    await ground.mint.control.setFaults([fault('melt', 'before', { type: 'drop' })]);
    const { result } = await melt(ground, 100);
    const pending = onlyDocument(result.stdout);
    expect(result.code).toBe(22);
    expect(pending).toMatchObject({ at_stake: null, journal: null, support_contact: null });
    const { inputs } = await onlyOperation(ground);
    const ys = inputs.map(({ Y }) => Y);
    await ground.mint.control.setState(ys, 'SPENT');
    const resume = `cashu-ops melt --resume ${pending.operation_id}`;
    await ground.run(typed(resume));
    const told = await ground.run([...typed(resume), '--json'], { env });
    const report = onlyDocument(told.stdout);
    expect(told.code).toBe(23);
    expect(report).toMatchObject({
      status: 'critical',
      severity: 'CRITICAL',
      state: 'needs_attention',
      operation_id: pending.operation_id,
      quote_id: pending.quote_id,
      transaction_id: pending.transaction_id,
      at_stake: 256,
      journal: `${ground.journalDir}/${pending.operation_id}.jsonl`,
      support_contact: CONTACT,
      next_command: resume,
    });
    expect((await stat(report.journal)).isFile()).toBe(true);
    const { stdout, stderr } = await onTerminal(ground, resume);
    for (const shown of [report.operation_id, report.quote_id, report.transaction_id]) {
      expect(stdout).toContain(shown);
    }
    expect(stdout).toMatch(/^at stake +256 sat$/m);
    expect(stdout.replaceAll(/\s/g, '')).toContain(`rescuejournal${report.journal}`);
    expect(linesOf(stderr).slice(-3)).toEqual([
      `next: ${resume}`,
      'page: docs/runbooks/mint-contradicts-itself.md',
      `support: ${CONTACT}`,
    ]);
    const all = await onTerminal(ground, 'cashu-ops melt --resume-all');
    const { operation_id, transaction_id, quote_id, journal } = report;
    expect(linesOf(all.stderr).slice(-2)).toEqual([`next: ${resume}`, `support: ${CONTACT}`]);
    expect(all.stdout).toMatch(new RegExp(`^CRITICAL ${operation_id}$`, 'm'));
    for (const fact of [transaction_id, quote_id, journal, '256 sat']) {
      expect(all.stdout.replaceAll(/\s/g, '')).toContain(fact.replaceAll(/\s/g, ''));
    }
    await ground.mint.control.setState(ys, 'UNSPENT');
    await expectNoLeaks(ground);
  });

  it('an outcome: the payee has the money twice', async () => {
    const settings = { refuse_paid_invoices: false };
    const ground = await cliGround({ mint: { settings }, ops: { quiet_period_ms: 1 } });
    const request = await ground.request(100);
    const released = await releasedMelt(ground, request);
    await makeOld(ground, released);
    const other = await createPracticeWallet(ground.ops.wallets, ground.mint.url);
    await deposit(ground.ops.wallets, other, [64, 32, 16, 8, 4, 2, 1]);
    const first = await ground.melt({ ...request, npub: other.npub });
    expect(first.status).toBe('paid');
    await sendLate(ground.mint.url, released);
    const resume = `cashu-ops melt --resume ${released._id}`;
    const told = await ground.run([...typed(resume), '--json'], { env });
    expect(told.code).toBe(23);
    const report = onlyDocument(told.stdout);
    expect(report).toMatchObject({
      status: 'critical',
      severity: 'CRITICAL',
      state: 'paid_again',
      operation_id: released._id,
      quote_id: released.quote_id,
      transaction_id: released.transaction_id,
      at_stake: 100,
      journal: `${ground.journalDir}/ended/*/${released._id}.jsonl`,
      support_contact: CONTACT,
      // The other payment: what the payee has to be shown beside this one.
      next_command: `cashu-ops melt --resume ${first.operation._id}`,
    });
    const { stdout, stderr } = await onTerminal(ground, resume);
    expect(stdout).toMatch(/^at stake +100 sat$/m);
    expect(linesOf(stderr).slice(-3)).toEqual([
      `next: ${report.next_command}`,
      'page: docs/runbooks/paid-twice.md',
      `support: ${CONTACT}`,
    ]);
    expect((await ground.run(typed(report.next_command))).code).toBe(0);
    await expectNoLeaks(ground);
  });
});
