import { ageInSeconds } from '../../domain/age.ts';
import { sumAmounts } from '../../domain/amount.ts';
import { compareStates, severityOf } from '../../domain/finding.ts';
import { actionOf } from '../../domain/finding_action.ts';
import { isOpen } from '../../domain/melt_operation.ts';
import type { KnownState, MintState } from '../../domain/proof.ts';
import { coinsHash, type Finding, findingKey } from '../../domain/reconcile_run.ts';
import type { StateAsker } from '../../mint/state_asker.ts';
import { changedAt } from '../../store/documents.ts';
import {
  type FullToken,
  forgetFirstLook,
  markKnownSpent,
  readHolders,
  type ScannedToken,
  type ScanStage,
  scanTokens,
  type WalletGroup,
} from '../../store/token_scan.ts';
import { eachOfSome } from './each_of_some.ts';
import { findingsOf, isTooYoung, soundAmount } from './findings_of.ts';
import { readAhead } from './read_ahead.ts';
import type { RunContext } from './run_context.ts';

/** Coins that are asked about together; the asker makes batches of the mint's size of them. */
const PAGE_COINS = 1_000;
/** Pages whose answers are waited for at the same time: the mint works while the database reads. */
const PAGES_AT_ONCE = 4;

/** What the check of a group of wallets gives, bit by bit. */
export interface CoinSink {
  checked(coins: number, unknown: number): void;
  found(findings: readonly Finding[]): Promise<void>;
}

/**
 * Compares every coin of a group of wallets with its mint, as a stream.
 *
 * @param isMember is a token of a wallet that this run looks at?
 */
export async function checkCoins(
  context: RunContext,
  group: WalletGroup,
  asker: StateAsker,
  isMember: (token: ScannedToken) => boolean,
  sink: CoinSink,
): Promise<void> {
  for (const stage of ['live', 'history'] as const) {
    const pages = pagesOf(context, group, stage, isMember);
    await eachOfSome(pages, PAGES_AT_ONCE, (page) => checkPage(context, page, asker, sink));
  }
}

async function* pagesOf(
  context: RunContext,
  group: WalletGroup,
  stage: ScanStage,
  isMember: (token: ScannedToken) => boolean,
): AsyncGenerator<ScannedToken[]> {
  const { deep } = context.run.scope;
  const options = { deep, keep_names: context.run.applied, index: context.scan_index };
  let page: ScannedToken[] = [];
  let coins = 0;
  const chunks = readAhead(scanTokens(context.store.db, group, stage, options));
  for await (const chunk of chunks) {
    if (context.interrupted.aborted) return;
    for (const token of chunk) {
      if (!isMember(token)) continue;
      page.push(token);
      coins += token.ys.length;
      if (coins < PAGE_COINS) continue;
      yield page;
      [page, coins] = [[], 0];
    }
  }
  if (page.length > 0) yield page;
}

async function checkPage(
  context: RunContext,
  page: readonly ScannedToken[],
  asker: StateAsker,
  sink: CoinSink,
): Promise<void> {
  const { deep } = context.run.scope;
  const asked = page.filter((token) => deep || !isKnownSpent(token));
  const ys = asked.flatMap((token) => token.ys);
  const answered = await asker.ask(ys);
  // As many answers as coins: none is unknown, and none stands twice.
  const isEachKnown = answered.size === ys.length;
  const silent = isEachKnown ? 0 : new Set(ys).size - answered.size;
  const nameless = asked.reduce((sum, token) => sum + token.nameless, 0);
  sink.checked(ys.length + nameless, silent + nameless);
  const states = asked.length === page.length ? answered : withKnownSpent(page, answered);
  const suspects = page.filter((token) => isSuspect(context, token, states));
  await sink.found(await findingsOf(context, suspects, states));
  await sink.found(await strandedTokens(context, page, states));
  if (!context.run.applied) return;
  const inUse = page.filter((token) => isInUse(token, states));
  await forgetFirstLook(
    context.store.db,
    inUse.map(({ _id }) => _id),
  );
  const known = asked.filter((token) => isNowKnownSpent(token, states));
  await markKnownSpent(
    context.store.db,
    known.map(({ _id }) => _id),
    context.clock(),
  );
}

/** With the states of the tokens that the mint need not be asked about. */
function withKnownSpent(
  page: readonly ScannedToken[],
  answered: ReadonlyMap<string, MintState>,
): ReadonlyMap<string, MintState> {
  const states = new Map(answered);
  for (const token of page) {
    if (isKnownSpent(token)) for (const y of token.ys) states.set(y, 'SPENT');
  }
  return states;
}

/** The mint has called all of its coins spent before, and spent is final. */
function isKnownSpent({ status, mint_state }: ScannedToken): boolean {
  return mint_state === 'SPENT' && (status === 'spent' || status === 'failed');
}

function isNowKnownSpent(
  { status, mint_state, ys, nameless }: ScannedToken,
  states: ReadonlyMap<string, MintState>,
): boolean {
  if (mint_state === 'SPENT' || (status !== 'spent' && status !== 'failed')) return false;
  return nameless === 0 && ys.every((y) => states.get(y) === 'SPENT');
}

/** Seen unspent by an earlier look, and now one of its coins is not. */
function isInUse(
  { status, mint_state, ys }: ScannedToken,
  states: ReadonlyMap<string, MintState>,
): boolean {
  if (status !== 'pending' || mint_state !== 'UNSPENT') return false;
  return ys.some((y) => (states.get(y) ?? 'UNSPENT') !== 'UNSPENT');
}

/** Worth a closer look: a coin differs, or stands twice. */
function isSuspect(
  { doubled }: RunContext,
  { _id, status, ys }: ScannedToken,
  states: ReadonlyMap<string, MintState>,
): boolean {
  const differs = (y: string) => {
    const state: KnownState = states.get(y) ?? 'UNKNOWN';
    return compareStates(status, state) !== null;
  };
  const isDoubled = doubled.tokens.size > 0 && doubled.tokens.has(String(_id));
  return isDoubled || ys.some(differs) || new Set(ys).size < ys.length;
}

/** Reserved tokens whose operation has ended, or is not there. */
async function strandedTokens(
  context: RunContext,
  page: readonly ScannedToken[],
  states: ReadonlyMap<string, MintState>,
): Promise<Finding[]> {
  const reserved = page.filter(isReserved);
  if (reserved.length === 0) return [];
  const ids = reserved.flatMap(({ reserved_by }) => reserved_by ?? []);
  const owners = await context.operations.byIds([...new Set(ids)]);
  const stranded = reserved.filter(({ reserved_by }) => {
    const owner = owners.get(reserved_by ?? '');
    return owner === undefined || !isOpen(owner);
  });
  if (stranded.length === 0) return [];
  // An operation that ended while the wallet was read has let go of its tokens by now.
  const standing = stranded.map(({ _id }) => _id);
  const now = await readHolders(context.store.db, standing, context.run.scope.deep);
  const byId = new Map(now.map((token) => [String(token._id), token]));
  return stranded.flatMap(({ _id, reserved_by }) => {
    const token = byId.get(String(_id));
    if (token === undefined || token.reserved_by !== reserved_by || token.status === 'spent') {
      return [];
    }
    const state = owners.get(reserved_by ?? '')?.state ?? null;
    return strandedFinding(context, token, state, states) ?? [];
  });
}

function isReserved({ reserved_by, status }: ScannedToken): boolean {
  return reserved_by !== null && (status === 'unspent' || status === 'pending');
}

function strandedFinding(
  { rules, run, settings, clock }: RunContext,
  token: FullToken,
  operation_state: Finding['expected']['operation_state'],
  states: ReadonlyMap<string, MintState>,
): Finding | null {
  const type = 'TOKENS_WITHOUT_OPERATION';
  const { npub, mint_url, status, reserved_by = null, proofs } = token;
  const age_s = ageInSeconds(changedAt(token), clock());
  const action = actionOf({ type, operation_open: false, was_sent: false }, rules);
  if (action === null || isTooYoung(run.scope.older_than_ms, age_s)) return null;
  const named = { type, npub, mint_url, y: null, token_id: String(token._id) } as const;
  const ended = operation_state === null ? 'does not exist' : `has ended (${operation_state})`;
  const [first] = proofs;
  return {
    key: findingKey({ ...named, operation_id: null }),
    ...named,
    operation_id: reserved_by,
    severity: severityOf(type, null, settings),
    amount: sumAmounts(proofs.map((coin) => soundAmount(coin.amount))),
    age_s,
    action,
    done: false,
    note: `reserved for operation ${reserved_by}, which ${ended}`,
    expected: {
      token_status: status,
      reserved_by,
      coins: coinsHash(proofs.map(({ Y }) => Y)),
      mint_state: (first && states.get(first.Y)) ?? null,
      operation_state,
      operation_rev: null,
    },
  };
}
