import { readFile } from 'node:fs/promises';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { depositCoins, openPracticeWallet } from '../../src/practice/mint/practice_wallet.ts';
import { type CliGround, cliGround, expectNoLeaks } from '../support/cli_ground.ts';
import { expectErrorDocument, onlyDocument } from '../support/cli_refusal.ts';
import { runCli } from '../support/run_cli.ts';
import { leaksIn, secretsIn } from '../support/secret_scan.ts';

/** What is money, or opens it, is shown to nobody. Each other file ends with the same scan. */
describe('secrets', () => {
  let ground: CliGround;
  beforeAll(async () => {
    ground = await cliGround({ coins: [] });
    await addLockedCoins(ground, [64, 32, 16]);
  });

  it('are all searched for: of coins, locked coins, blank outputs, wallets and payments', async () => {
    const { invoice } = await ground.invoice({ amount_sat: 40 });
    const paid = await ground.run(['melt', invoice, ...ground.owner, '--yes', '--debug', '--json']);
    expect([paid.code, onlyDocument(paid.stdout).status]).toEqual([0, 'paid']);
    const operation = await ground.ops.melts.find(onlyDocument(paid.stdout).operation_id);
    if (operation?.state !== 'paid') throw new Error('the operation is not paid');
    const [input] = operation.inputs;
    const [blank] = operation.blanks;
    const wallet = await ground.db.collection('cashu_wallets').findOne({ npub: ground.npub });
    const { signatures } = (input?.witness ?? {}) as { signatures: string[] };
    const { r } = (input?.dleq ?? {}) as { r: string };
    const secrets = await secretsIn(ground.db);
    expect(input?.secret).toMatch(/^\["P2PK"/);
    for (const secret of [
      input?.secret,
      input?.C,
      signatures[0],
      r,
      blank?.secret,
      blank?.blindingFactor,
      operation.preimage,
      wallet?.p2pk_privkey,
    ]) {
      expect(secret).toBeTruthy();
      expect(secrets).toContain(secret);
    }
  });

  it('are found wherever they stand: the scan can fail', async () => {
    const secrets = await secretsIn(ground.db);
    for (const secret of secrets) {
      const texts = [`x${secret}y`, JSON.stringify({ message: secret }), secret.toUpperCase()];
      for (const text of texts) expect(leaksIn(text, [secret])).toHaveLength(1);
    }
    const { invoice } = await ground.invoice({ amount_sat: 10 });
    const env = { ...ground.env, CASHU_OPS_SHOW_PREIMAGE: 'true' };
    const shown = await runCli(['melt', invoice, ...ground.owner, '--yes', '--json'], env);
    expect(leaksIn(shown.stdout, await secretsIn(ground.db))).toHaveLength(1);
    expect(leaksIn(shown.stderr, await secretsIn(ground.db))).toEqual([]);
  });

  it('do not stand in what `ps` shows of a payment under way', async () => {
    const { invoice, payment_hash } = await ground.invoice({ amount_sat: 5 });
    const hang = { outcome: 'hang', delay_ms: 60_000 } as const;
    await ground.mint.control.setPaymentBehaviour(payment_hash, hang);
    await ground.mint.control.resetRequests();
    const running = ground.start(['melt', invoice, ...ground.owner, '--yes', '--json']);
    const asked = async () => (await ground.mint.control.meltRequests()).length;
    await expect.poll(asked, { timeout: 10_000 }).toBe(1);
    ground.heard(await readFile(`/proc/${running.child.pid}/cmdline`, 'utf8').catch(() => ''));
    running.child.kill('SIGINT');
    const { operation_id } = (await running.ended).json();
    await ground.mint.control.resolvePayment(payment_hash, 'succeed');
    expect((await ground.run(['melt', '--resume', operation_id, '--debug'])).code).toBe(0);
  });

  describe('do not stand in what a mint repeats', () => {
    const repeating = async (endpoint: '*' | 'melt', code: number) => {
      const [token] = (await ground.tokens()).filter(({ status }) => status === 'unspent');
      const proof = token?.proofs[0];
      const detail = `coin ${proof?.secret} with ${proof?.C} is refused`;
      const action = { type: 'status', status: 400, body: { detail, code } } as const;
      await ground.mint.control.setFaults([{ endpoint, phase: 'before', times: 0, action }]);
      expect(leaksIn(detail.slice(0, 190), await secretsIn(ground.db))).not.toEqual([]);
    };
    afterEach(() => ground.mint.control.clearFaults());

    it.each([
      ['melt', '--debug'],
      ['melt', '--json'],
      ['balance', '--debug'],
      ['balance', '--json'],
      ['doctor', '--debug'],
      ['doctor', '--json'],
    ])('%s %s, when it refuses everything', async (command, flag) => {
      await repeating('*', 11013);
      const { invoice } = await ground.invoice({ amount_sat: 5 });
      const words: Record<string, string[]> = {
        melt: ['melt', invoice, ...ground.owner, '--yes'],
        balance: ['balance', '--all', '--verify'],
        doctor: ['doctor'],
      };
      const { code, stdout, stderr } = await ground.run([...(words[command] ?? []), flag]);
      expect(code).not.toBe(0);
      expect(leaksIn(stdout + stderr, await secretsIn(ground.db))).toEqual([]);
    });

    it.each([[[]], [['--json']]])('melt %j, when it refuses the payment', async (more) => {
      await repeating('melt', 11005);
      const { invoice } = await ground.invoice({ amount_sat: 5 });
      const args = ['melt', invoice, ...ground.owner, '--yes', ...more];
      const { code, stdout, stderr } = await ground.run(args);
      expect(code).toBe(21);
      expect(stdout + stderr).toContain('the mint refused the request (coin ');
      expect(leaksIn(stdout + stderr, await secretsIn(ground.db))).toEqual([]);
    });
  });

  it('do not stand in the stack of a bug', async () => {
    const tokens = ground.db.collection('cashu_tokens');
    const [token] = await ground.tokens();
    const broken = { ...token, _id: undefined, transaction_id: 'broken-token', proofs: null };
    const { _id, ...fields } = broken;
    await tokens.insertOne({ ...fields, status: 'unspent' } as never);
    const args = ['balance', '--all', '--verify'];
    const machine = await ground.run([...args, '--json']);
    expectErrorDocument(machine, { args, code: 'UNFORESEEN_ERROR', exit: 1, says: [] });
    const human = await ground.run([...args, '--debug']);
    expect([human.code, human.stdout]).toEqual([1, '']);
    expect(human.stderr).toMatch(/^error \[UNFORESEEN_ERROR\] [\s\S]*^\s+at .*:\d+:\d+/m);
    await tokens.deleteOne({ transaction_id: 'broken-token' });
  });

  it('nobody learned a secret', () => expectNoLeaks(ground));
});

/** Coins that only the wallet's own key can spend (NUT-11), with all that a wallet may store. */
async function addLockedCoins({ wallet, ops }: CliGround, amountsSat: number[]): Promise<void> {
  const purse = await openPracticeWallet(wallet.mint_url);
  const coins = await depositCoins(purse, [...amountsSat, 8]);
  const options = { pubkey: wallet.p2pk_pubkey };
  const sum = amountsSat.reduce((total, amount) => total + amount, 0);
  const { send } = await purse.send(sum, coins, {}, { send: { type: 'p2pk', options } });
  await ops.wallets.storeTokens({
    npub: wallet.npub,
    wallet_id: wallet._id,
    mint_url: wallet.mint_url,
    proofs: send.map(({ id, amount, secret, C, dleq }) => ({
      id,
      amount: amount.toNumber(),
      secret,
      C,
      dleq,
    })),
    status: 'unspent',
    transaction_type: 'received',
    transaction_id: 'locked-coins-1',
    metadata: { source: 'p2p' },
  });
}
