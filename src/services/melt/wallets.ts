import type { SettledOperation } from '../../domain/melt_operation.ts';
import { sumProofs } from '../../domain/proof.ts';
import { tokenIdsOf } from '../../domain/transaction_id.ts';
import type { AuditLog } from '../../store/audit_log.ts';
import { calculateBalance } from '../../store/balance.ts';
import type { Store } from '../../store/connection.ts';
import { walletsOf } from '../../store/documents.ts';
import { readMeltPolicy } from '../../store/melt_policy.ts';
import { readVersions } from '../../store/policy_versions.ts';
import { performPostMeltReconciliation } from '../../store/post_melt_reconciliation.ts';
import { areSoundProofs } from '../../store/token_rules.ts';
import { candidateTokens } from '../../store/token_selection.ts';
import { findWallet } from '../../store/wallet_reads.ts';
import { findStop } from '../policy/stops.ts';
import type { ServiceLog } from '../reconciliation/reconciliation.ts';
import { guardsOf } from './guards.ts';
import type { Durations, MeltWallets } from './types.ts';

/** The wallet side of a melt over the store. */
export function meltWallets(store: Store, audit: AuditLog, log: ServiceLog): MeltWallets {
  const { db } = store;
  return {
    async findWallet(npub, mintUrl) {
      // Older documents may carry the URL with a slash at its end.
      return (await findWallet(db, npub, mintUrl)) ?? findWallet(db, npub, `${mintUrl}/`);
    },
    async spendingKey(npub, mint_url) {
      const wallet = await walletsOf(db).findOne(
        { npub, mint_url },
        { projection: { p2pk_privkey: 1 } },
      );
      return wallet?.p2pk_privkey || null;
    },
    async spendableTokens(npub, amount, mintUrl) {
      const { tokens } = await candidateTokens(db, npub, amount, mintUrl);
      const sound = tokens.filter(({ proofs }) => areSoundProofs(proofs));
      if (sound.length < tokens.length) {
        const broken = tokens.filter((token) => !sound.includes(token)).map(({ _id }) => _id);
        log.warn('Tokens that hold no sound coins are not used', { tokens: broken.join(', ') });
      }
      return sound;
    },
    reservedBalance: (npub, mintUrl) => calculateBalance(db, npub, mintUrl, 'pending'),
    readPolicy: (session) => readMeltPolicy(db, session),
    findStop: (policy, wallet) => findStop(policy, wallet, () => readVersions(db)),
    assertGuarded: guardsOf(store, log),
    reconcileAfterMelt: (operation, durations) =>
      reconcileAfterMelt(store, audit, operation, durations),
  };
}

/** The look back at what T3 wrote, with its audit event. */
async function reconcileAfterMelt(
  store: Store,
  audit: AuditLog,
  operation: SettledOperation,
  timings_ms: Durations,
): Promise<{ success: boolean; problems: string[] }> {
  const ids = tokenIdsOf(operation.transaction_id);
  const change_tokens = [
    { transaction_id: ids.keep, amount: operation.keep_amount },
    { transaction_id: ids.swapKeep, amount: operation.swap?.keep_amount ?? 0 },
    { transaction_id: ids.meltChange, amount: operation.change_amount },
    // What came back from the journal may have been spent by a later payment already.
  ].filter(({ amount }) => amount > 0 && !('brought_back' in operation));
  const { success, checks } = await performPostMeltReconciliation(
    { store, audit },
    operation.transaction_id,
    {
      operation_id: operation._id,
      quote_id: operation.quote_id,
      inputs: sumProofs(operation.inputs),
      amount: operation.amount,
      fee_reserve: operation.fee_reserve,
      input_fee: operation.input_fee,
      change: operation.change_amount,
      swap_fee: operation.swap?.fee ?? 0,
      source_token_ids: operation.source_token_ids,
      change_tokens,
      timings_ms,
    },
    operation.npub,
    operation.mint_url,
  );
  const problems = checks
    .filter((check) => !check.ok)
    .map(({ name, detail }) => `${name}: ${detail}`);
  return { success, problems };
}
