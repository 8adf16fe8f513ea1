import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../src/practice/replica_set/free_port.ts';
import { type CliGround, cliGround, expectNoLeaks } from '../support/cli_ground.ts';
import { expectRefusal, onlyDocument } from '../support/cli_refusal.ts';
import { judge, soundVerdict } from '../support/melt_ground.ts';

/** Mints that cannot, do not answer, or are none. */
describe('a mint that is of no use', () => {
  let ground: CliGround;
  let melt: string[];
  beforeAll(async () => {
    ground = await cliGround();
    const { invoice } = await ground.invoice({ amount_sat: 100 });
    melt = ['melt', invoice, ...ground.owner, '--yes'];
  });
  afterEach(async () => {
    await ground.mint.control.clearFaults();
    await ground.mint.control.resetInfo();
  });

  it('melts no more', async () => {
    await ground.mint.control.setInfo({ nuts: { '5': { disabled: true } } });
    await expectRefusal(ground, {
      args: melt,
      code: 'MINT_CANNOT_MELT',
      exit: 21,
      says: [/does not pay Lightning invoices/, /NUT-05/, /nothing was paid/],
      next: /^cashu-ops doctor/,
    });
  });

  it('does not say the state of coins', async () => {
    await ground.mint.control.setInfo({ nuts: { '7': null } });
    await expectRefusal(ground, {
      args: melt,
      code: 'MINT_CANNOT_MELT',
      exit: 21,
      says: [/does not say the state of coins/, /NUT-07/],
    });
  });

  it('pays no such amount', async () => {
    await ground.mint.control.configure({ melt_max_sat: 50 });
    await expectRefusal(ground, {
      args: melt,
      code: 'MINT_CANNOT_MELT',
      exit: 21,
      says: [/no more than 50 sat/, /100 sat/],
    });
    await ground.mint.control.configure({ melt_max_sat: null });
  });

  it('is not there', async () => {
    const nowhere = `http://127.0.0.1:${await freePort()}`;
    await ground.db
      .collection('cashu_wallets')
      .updateOne({ npub: ground.npub }, { $set: { mint_url: nowhere } });
    await expectRefusal(ground, {
      args: [...melt, '--mint', nowhere],
      code: 'MINT_UNREACHABLE',
      exit: 25,
      says: [/did not answer \(ECONNREFUSED\)/, /Nothing was changed; try again/],
      next: new RegExp(`^cashu-ops doctor --mint ${nowhere}$`),
    });
    await ground.db
      .collection('cashu_wallets')
      .updateOne({ npub: ground.npub }, { $set: { mint_url: ground.mint.url } });
  });

  it.each(['info', 'melt_quote', 'checkstate'] as const)(
    'hangs when asked for %s',
    async (endpoint) => {
      await ground.mint.control.setFaults([
        { endpoint, phase: 'before', times: 0, action: { type: 'stall' } },
      ]);
      const started = performance.now();
      await expectRefusal(ground, {
        args: melt,
        env: { CASHU_OPS_REQUEST_TIMEOUT: '400ms' },
        code: 'MINT_UNREACHABLE',
        exit: 25,
        says: /no answer in time/,
      });
      expect(performance.now() - started).toBeLessThan(10_000);
    },
  );

  it.each(['info', 'keys', 'melt_quote'] as const)(
    'answers %s with a page of HTML',
    async (endpoint) => {
      const page = '<html>\u001b[2J<h1>Welcome</h1></html>';
      await ground.mint.control.setFaults([
        {
          endpoint,
          phase: 'before',
          times: 0,
          action: {
            type: 'status',
            status: 200,
            body: page,
            headers: { 'content-type': 'text/html' },
          },
        },
      ]);
      await expectRefusal(ground, {
        args: melt,
        code: 'MINT_ANSWER_INVALID',
        exit: 25,
        says: [/does not answer like a mint/, /not JSON/, /check the address/],
      });
    },
  );

  it('stands behind a proxy that is down (502 and HTML)', async () => {
    await ground.mint.control.setFaults([
      {
        endpoint: '*',
        phase: 'before',
        times: 0,
        action: { type: 'status', status: 502, body: '<html>Bad gateway</html>' },
      },
    ]);
    await expectRefusal(ground, {
      args: melt,
      code: 'MINT_UNREACHABLE',
      exit: 25,
      says: /HTTP 502/,
    });
  });

  it('speaks to the terminal instead of the tool', async () => {
    const detail = '\u001b]0;owned\u0007\u001b[2J\u009b31m\u202eno';
    await ground.mint.control.setFaults([
      {
        endpoint: 'melt_quote',
        phase: 'before',
        times: 0,
        action: { type: 'status', status: 400, body: { detail, code: 11013 } },
      },
    ]);
    const { human } = await expectRefusal(ground, {
      args: melt,
      code: 'MINT_REFUSED',
      exit: 21,
      says: /refused a quote: \\x1b\]0;owned\\x07/,
    });
    for (const raw of ['\u0007', '\u202e']) expect(human.stderr).not.toContain(raw);
  });

  it('says that somebody is paying the invoice right now', async () => {
    await ground.mint.control.setFaults([
      {
        endpoint: 'melt_quote',
        phase: 'after',
        times: 0,
        action: { type: 'set', fields: { state: 'PENDING' } },
      },
    ]);
    await expectRefusal(ground, {
      args: melt,
      code: 'DUPLICATE_OPERATION',
      exit: 24,
      says: /paying this invoice right now/,
    });
  });

  it('quotes another amount than the invoice asks for', async () => {
    await ground.mint.control.setFaults([
      {
        endpoint: 'melt_quote',
        phase: 'after',
        times: 0,
        action: { type: 'set', fields: { amount: 99 } },
      },
    ]);
    await expectRefusal(ground, {
      args: melt,
      code: 'QUOTE_AMOUNT_MISMATCH',
      exit: 21,
      says: [/quotes 99 sat for an invoice over 100 sat/, /Nothing was paid/],
    });
  });

  it('says only at the payment that the invoice is paid: locked for the quiet period, then free', async () => {
    await ground.mint.control.setFaults([
      {
        endpoint: 'melt',
        phase: 'before',
        times: 0,
        action: {
          type: 'status',
          status: 400,
          body: { detail: 'invoice is already paid', code: 20006 },
        },
      },
    ]);
    const env = { CASHU_OPS_QUIET_PERIOD: '1s' };
    const first = await ground.run([...melt, '--json'], { env });
    const { status, operation_id, missing, next_command } = onlyDocument(first.stdout);
    expect([first.code, status]).toEqual([22, 'pending']);
    expect(missing).toHaveLength(1);
    expect(next_command).toBe(`cashu-ops melt --resume ${operation_id}`);
    await sleep(1_100);
    const later = await ground.run(['melt', '--resume', operation_id, '--json'], { env });
    expect([later.code, onlyDocument(later.stdout).status]).toEqual([21, 'failed']);
    expect(await ground.mint.control.payments()).toEqual({});
    const verdict = await judge(ground);
    expect(verdict).toEqual(soundVerdict(verdict));
  });

  it('nobody learned a secret', () => expectNoLeaks(ground));
});
