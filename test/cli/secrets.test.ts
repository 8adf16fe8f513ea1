import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
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
    const { p2pk_privkey = '' } =
      (await ground.db.collection('cashu_wallets').findOne({ npub: ground.npub })) ?? {};
    const secrets = await secretsIn(ground.db);
    expect(input?.secret).toMatch(/^\["P2PK"/);
    for (const secret of [
      input?.secret,
      input?.C,
      JSON.parse(String(input?.witness)).signatures?.[0] && String(input?.witness),
      (input?.dleq as { r: string }).r,
      blank?.secret,
      blank?.blindingFactor,
      operation.preimage,
      p2pk_privkey,
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

  it('do not stand in what a mint repeats', async () => {
    const [token] = await ground.tokens();
    const detail = `Proof ${JSON.stringify(token?.proofs[0])} secret: ${token?.proofs[0]?.secret}`;
    const action = { type: 'status', status: 400, body: { detail, code: 11013 } } as const;
    await ground.mint.control.setFaults([{ endpoint: '*', phase: 'before', times: 0, action }]);
    const { invoice } = await ground.invoice({ amount_sat: 5 });
    for (const args of [
      ['melt', invoice, ...ground.owner, '--yes', '--debug'],
      ['melt', invoice, ...ground.owner, '--yes', '--json'],
      ['balance', '--all', '--verify', '--debug'],
      ['balance', '--all', '--verify', '--json'],
      ['doctor'],
      ['doctor', '--json'],
    ]) {
      expect((await ground.run(args)).code).not.toBe(0);
    }
    await ground.mint.control.clearFaults();
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
