import { expect } from 'vitest';
import type { ReconcileRequest } from '../../src/services/reconciliation/reconciler.ts';
import { TOKENS } from '../../src/store/collections.ts';
import type { TokenDocument } from '../../src/store/documents.ts';
import { fillWallets, ysOf } from './many_wallets.ts';
import { requestFor } from './reconcile_process.ts';
import type { RunGround } from './run_ground.ts';

/** Coins that are spendable here and spent at the mint, each in a token of its own. */
export async function spentCoins(ground: RunGround, count: number): Promise<TokenDocument[]> {
  const { url: mint_url, control } = ground.mint;
  const many = { mint_url, wallets: 1, tokens: count, amounts: [8] };
  const tokens = await fillWallets(ground.db, many);
  await control.setState(ysOf(tokens), 'SPENT');
  return tokens;
}

/** The mint takes its time for the first answers, so that a run holds its wallets so long. */
export function slowMint({ mint }: RunGround, ms: number, times = 1): Promise<void> {
  const action = { type: 'delay', ms } as const;
  return mint.control.setFaults([{ endpoint: 'checkstate', phase: 'before', times, action }]);
}

/** A request that repairs all wallets. */
export const applying = (more: Partial<ReconcileRequest> = {}) =>
  requestFor({ apply: true, ...more });

/** Each coin is spent once, and the audit log tells of each repair once. */
export async function expectRepairedOnce(ground: RunGround, tokens: readonly TokenDocument[]) {
  const now = await Promise.all(tokens.map(ground.read));
  expect(now.map((token) => token?.status)).toEqual(tokens.map(() => 'spent'));
  const events = await ground.events('proof_state_reconciled');
  expect(events.flatMap(({ ys }) => ys ?? []).toSorted()).toEqual(ysOf(tokens).toSorted());
  expect(events).toHaveLength(tokens.length);
  expect(await ground.db.collection(TOKENS).countDocuments()).toBe(tokens.length);
}
