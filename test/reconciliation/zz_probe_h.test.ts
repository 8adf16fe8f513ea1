import { it } from 'vitest';
import { fillWallets, ysOf } from '../support/many_wallets.ts';
import { requestFor, watching } from '../support/reconcile_process.ts';
import { runGround } from '../support/run_ground.ts';

it('times', async () => {
  const at = (what: string, t: number) => process.stderr.write(`${what} ${Math.round(performance.now() - t)}\n`);
  let t = performance.now();
  const ground = await runGround();
  at('ground', t);
  t = performance.now();
  const tokens = await fillWallets(ground.db, { mint_url: ground.mint.url, wallets: 450, tokens: 1, amounts: [1, 2] });
  at('fill', t);
  await ground.mint.control.setState(ysOf(tokens.filter((_, n) => n % 10 === 0), 0), 'SPENT');
  t = performance.now();
  await ground.ops.reconciler.run(requestFor(), watching());
  at('dry', t);
  t = performance.now();
  await ground.ops.reconciler.run(requestFor({ apply: true }), watching());
  at('apply', t);
  t = performance.now();
  await ground.ops.reconciler.run(requestFor({ apply: true }), watching());
  at('apply again', t);
});
