import { ageInSeconds } from '../../domain/age.ts';
import { isBeingPaid } from '../../domain/being_paid.ts';
import { type ComparedToken, compareCoins } from '../../domain/compare_coins.ts';
import type { Discrepancy } from '../../domain/finding.ts';
import { actionOf } from '../../domain/finding_action.ts';
import { isOpen, type MeltOperation } from '../../domain/melt_operation.ts';
import { normalMintUrl } from '../../domain/mint_url.ts';
import type { MintState } from '../../domain/proof.ts';
import { coinsHash, type Finding, findingKey } from '../../domain/reconcile_run.ts';
import { type FullToken, readHolders, type ScannedToken } from '../../store/token_scan.ts';
import { comparedToken } from './proof_states.ts';
import type { RunContext } from './run_context.ts';

/**
 * Looks closely at tokens in which something seemed to differ: with every other document of their
 * coins, as the database is now. What a payment has changed meanwhile makes no finding.
 *
 * @param states what the mint answered, by Y; a coin that is missing there is unknown
 */
export async function findingsOf(
  context: RunContext,
  tokens: readonly ScannedToken[],
  states: ReadonlyMap<string, MintState>,
): Promise<Finding[]> {
  if (tokens.length === 0) return [];
  const { store, operations } = context;
  const ids = tokens.map(({ _id }) => _id);
  const read = () => readHolders(store.db, ids, context.run.scope.deep);
  const first = await read();
  const reserved = first.flatMap(({ reserved_by }) => reserved_by ?? []);
  const owners = await operations.byIds([...new Set(reserved)]);
  // One that has ended since has let go of its tokens: they are read as it has left them.
  const isEnded = reserved.some((id) => !isOpenOwner(owners.get(id)));
  const holders = isEnded ? await read() : first;
  const ys = new Set(tokens.flatMap((token) => token.ys));
  const wallets = Map.groupBy(
    holders,
    ({ npub, mint_url }) => `${npub} ${normalMintUrl(mint_url)}`,
  );
  return [...wallets.values()].flatMap((own) => {
    const found = discrepanciesOf(context, own, ys, states);
    const byId = new Map(own.map((token) => [String(token._id), token]));
    return found.flatMap((discrepancy) => {
      const token = byId.get(discrepancy.token_id ?? '');
      const owner = owners.get(discrepancy.operation_id ?? '') ?? null;
      const state = states.get(discrepancy.y) ?? null;
      // Of several spellings of a mint, the one of the token that decides.
      const own = token === undefined ? discrepancy : { ...discrepancy, mint_url: token.mint_url };
      return toFinding(context, own, token, owner, state) ?? [];
    });
  });
}

function isOpenOwner(owner: MeltOperation | undefined): boolean {
  return owner !== undefined && isOpen(owner);
}

function discrepanciesOf(
  { clock, settings, doubled }: RunContext,
  own: readonly FullToken[],
  ys: ReadonlySet<string>,
  states: ReadonlyMap<string, MintState>,
): Discrepancy[] {
  const [first] = own;
  if (first === undefined) return [];
  const { npub, mint_url } = first;
  const coins = new Map(
    own.flatMap(({ proofs }) => proofs.filter(({ Y }) => ys.has(Y)).map((coin) => [coin.Y, coin])),
  );
  const compared = own.map(comparedToken);
  const now = clock();
  const found = compareCoins(
    [...coins.values()],
    compared,
    states,
    { npub, mint_url },
    now,
    settings,
  );
  return [...found, ...heldByOthersToo(compared, doubled.across, found, settings, now)];
}

/** Live in this wallet and in another: nobody but a person can say whose coin it is. */
function heldByOthersToo(
  own: readonly ComparedToken[],
  across: RunContext['doubled']['across'],
  found: readonly Discrepancy[],
  { severities }: RunContext['settings'],
  now: Date,
): Discrepancy[] {
  if (across.size === 0) return [];
  const known = new Set(found.filter(isDouble).map(({ y }) => y));
  return own.flatMap((token) =>
    token.proofs.flatMap(({ Y, amount }): Discrepancy[] => {
      const live = token.status === 'unspent' || token.status === 'pending';
      if (!live || known.has(Y) || !across.has(Y)) return [];
      known.add(Y);
      return [
        {
          type: 'DUPLICATE_LIVE_PROOF',
          severity: severities.DUPLICATE_LIVE_PROOF,
          amount,
          y: Y,
          npub: token.npub,
          mint_url: token.mint_url,
          token_id: token.token_id,
          operation_id: token.reserved_by,
          age_s: ageInSeconds(token.created_at, now),
        },
      ];
    }),
  );
}

function isDouble({ type }: Discrepancy): boolean {
  return type === 'DUPLICATE_LIVE_PROOF';
}

/** Null where it is no finding for this run: too young, ignored, or of a payment that is going on. */
function toFinding(
  context: RunContext,
  discrepancy: Discrepancy,
  token: FullToken | undefined,
  owner: MeltOperation | null,
  mint_state: MintState | null,
): Finding | null {
  const { run, rules, settings, clock } = context;
  const { type, y, age_s } = discrepancy;
  const open = owner !== null && isOpen(owner);
  if (open && isBeingPaid(owner, settings.melt_timeout_ms, clock())) return null;
  const isGrave = discrepancy.severity === 'CRITICAL';
  if (!isGrave && isTooYoung(run.scope.older_than_ms, age_s)) return null;
  const was_sent = token?.transaction_type === 'sent';
  const across = type === 'DUPLICATE_LIVE_PROOF' ? context.doubled.across.get(y) : undefined;
  const action = actionOf({ type, operation_open: open, was_sent }, rules);
  if (action === null) return null;
  return {
    key: findingKey(discrepancy),
    ...discrepancy,
    amount: soundAmount(discrepancy.amount),
    action: across === undefined ? action : 'report',
    done: false,
    note:
      across === undefined ? noteOf(discrepancy, owner, was_sent) : acrossNote(across, discrepancy),
    expected: {
      token_status: token?.status ?? null,
      reserved_by: token?.reserved_by ?? null,
      coins: token === undefined ? null : coinsHash(token.proofs.map(({ Y }) => Y)),
      mint_state,
      operation_state: owner?.state ?? null,
      operation_rev: owner?.rev ?? null,
    },
  };
}

/** What is no amount is worth nothing that could be added up. */
export function soundAmount(amount: unknown): number {
  return Number.isSafeInteger(amount) && (amount as number) > 0 ? (amount as number) : 0;
}

/** Was it there shorter than the run is to look back? */
export function isTooYoung(olderThanMs: number | null, age_s: number | null): boolean {
  return olderThanMs !== null && age_s !== null && age_s * 1000 < olderThanMs;
}

function noteOf(
  { type }: Discrepancy,
  owner: MeltOperation | null,
  wasSent: boolean,
): string | null {
  if (owner !== null && isOpen(owner)) return `held by operation ${owner._id} (${owner.state})`;
  if (wasSent && type.endsWith('_MINT_UNSPENT')) {
    return 'sent to somebody who has not taken it yet, and may at any time';
  }
  return null;
}

function acrossNote(
  holders: readonly { npub: string; token_id: string }[],
  { token_id }: Discrepancy,
): string {
  const others = holders.filter((holder) => holder.token_id !== token_id);
  const named = others.map(({ npub, token_id: id }) => `token ${id} of ${npub}`).join(', ');
  return `live in another wallet too (${named}): a person must decide whose coin it is`;
}
