import { CashuOpsError, messageOf } from '../../domain/errors.ts';
import { normalMintUrl } from '../../domain/mint_url.ts';
import type { ReconcilePlan } from '../../domain/reconcile_plan.ts';
import type { ReconcileScope } from '../../domain/reconcile_run.ts';
import { silentAsker } from '../../mint/state_asker.ts';
import { indexesOf } from '../../store/token_scan.ts';
import { listWalletKeys, mintsOfWallets } from '../../store/wallet_keys.ts';
import type { ReconcilerDeps } from './run_context.ts';
import type { Lane } from './wallet_groups.ts';

/** So many mints are named in a sentence. */
const MINTS_NAMED_MAX = 5;

/**
 * The mints of a scope, each with every spelling of its address.
 *
 * @throws CashuOpsError WALLET_NOT_FOUND for an owner or a mint that no wallet has
 */
export async function lanesOf(
  deps: ReconcilerDeps,
  { npubs, mint_url }: ReconcileScope,
  signal: AbortSignal,
): Promise<Lane[]> {
  const [wallets, melts] = await Promise.all([
    mintsOfWallets(deps.store.db, npubs),
    deps.operations.mintsOfOpen(npubs),
  ]);
  const spelled = [...new Set([...wallets, ...melts])].sort();
  const byUrl = Map.groupBy(spelled, normalMintUrl);
  if (npubs !== 'all') await assertKnown(deps, npubs, spelled);
  else if (spelled.length === 0) await assertPrepared(deps);
  if (mint_url !== null && !byUrl.has(mint_url)) throw unknownMint(mint_url, [...byUrl.keys()]);
  return [...byUrl]
    .filter(([url]) => mint_url === null || url === mint_url)
    .map(([url, spellings]) => ({ mint_url: url, spellings, asker: askerOf(deps, url, signal) }));
}

/** The mints of a plan, each with what is to be done there. */
export function lanesOfPlan(
  deps: ReconcilerDeps,
  plan: ReconcilePlan,
  signal: AbortSignal,
): Lane[] {
  const rows = plan.rows.map((row) => ({ ...row, done: false }));
  return [...Map.groupBy(rows, (row) => normalMintUrl(row.mint_url))].map(([url, planned]) => ({
    mint_url: url,
    spellings: [...new Set(planned.map((row) => row.mint_url))],
    asker: askerOf(deps, url, signal),
    planned,
  }));
}

function askerOf({ mintOf }: ReconcilerDeps, url: string, signal: AbortSignal): Lane['asker'] {
  try {
    return mintOf(url).stateAsker({ signal });
  } catch (error) {
    return silentAsker(messageOf(error));
  }
}

/** A database without a wallet that nobody has prepared is most likely another one than was meant. */
async function assertPrepared({ store }: ReconcilerDeps): Promise<void> {
  if ((await indexesOf(store.db)).length > 0) return;
  throw new CashuOpsError(
    'STORE_NOT_READY',
    `The database "${store.db.databaseName}" has no wallets and is not prepared, so nothing was checked. Is it the one that was meant?`,
    { next_command: 'cashu-ops doctor' },
  );
}

async function assertKnown(
  { store }: ReconcilerDeps,
  npubs: readonly string[],
  mints: readonly string[],
): Promise<void> {
  const known = new Set<string>();
  for await (const { npub } of listWalletKeys(store.db, npubs, mints, null)) known.add(npub);
  const unknown = npubs.filter((npub) => !known.has(npub));
  if (unknown.length === 0) return;
  throw new CashuOpsError(
    'WALLET_NOT_FOUND',
    `There is no wallet of ${unknown.join(', ')}, so nothing was checked. Check the npub; "cashu-ops balance --all" lists every wallet.`,
    { next_command: 'cashu-ops balance --all' },
  );
}

function unknownMint(url: string, known: readonly string[]): CashuOpsError {
  const named = known.slice(0, MINTS_NAMED_MAX).join(', ');
  const there = named === '' ? 'there is no wallet yet' : `there are wallets at ${named}`;
  return new CashuOpsError(
    'WALLET_NOT_FOUND',
    `There is no wallet at ${url}, so nothing was checked. Check the mint; ${there}.`,
    { next_command: 'cashu-ops balance --all' },
  );
}
