import { CashuOpsError } from '../../domain/errors.ts';
import type { MintState } from '../../domain/proof.ts';
import { named } from '../../domain/proof_y.ts';
import { coinsHash, type Finding } from '../../domain/reconcile_run.ts';
import { tokensOf } from '../../store/documents.ts';
import { toObjectId } from '../../store/new_token.ts';
import type { NamedToken } from '../../store/token_repair.ts';
import { soundCoins } from '../../store/token_scan.ts';
import { translating } from '../../store/translating.ts';
import type { CorrectionDeps } from './corrections.ts';
import { areNamedRightly, markSpent, removeDoubles } from './corrections.ts';
import { giveBack, releasePending, unreserve } from './free_coins.ts';
import { type RepairResult, undone, withY } from './repair_result.ts';
import type { RunContext } from './run_context.ts';

/** Findings of one token that want the same. */
export interface TokenRepair {
  token_id: string;
  action: Finding['action'];
  findings: readonly Finding[];
}

/**
 * Repairs one token in one transaction, if it still is what was found.
 *
 * @param states what the mint says now, by Y
 * @param deps with the guard of the wallet's lease
 */
export async function repairToken(
  context: RunContext,
  deps: CorrectionDeps,
  repair: TokenRepair,
  states: ReadonlyMap<string, MintState>,
): Promise<RepairResult[]> {
  try {
    return await attempt(context, deps, repair, states);
  } catch (error) {
    // A token of an odd make is one that stays as it is; trouble of other kinds ends the run.
    const isOfToken =
      error instanceof CashuOpsError && (error.kind === 'conflict' || error.kind === 'usage');
    if (!isOfToken || error.code === 'LEASE_LOST') throw error;
    return undone(repair.findings, error.message);
  }
}

async function attempt(
  context: RunContext,
  deps: CorrectionDeps,
  repair: TokenRepair,
  states: ReadonlyMap<string, MintState>,
): Promise<RepairResult[]> {
  const { findings, action } = repair;
  const token_id = whereNow(deps.moved, repair.token_id);
  const token = await readToken(context, token_id);
  if (token === null) return undone(findings, 'the token is gone');
  const isPlanned = context.run.plan_sha256 !== null;
  const isDouble = action === 'remove_double' && !isPlanned;
  const isOurs = deps.moved?.has(repair.token_id) || isDouble;
  const changed = isOurs ? null : whatChanged(token, findings[0]);
  if (changed !== null) {
    return isSpentMeanwhile(context, token, repair)
      ? findings.map(({ key }) => ({ key, done: true, note: 'it is marked spent already' }))
      : undone(findings, changed);
  }
  const otherwise = isDouble ? undefined : findings.find(isOtherwise(states));
  const ys = new Set(findings.flatMap(({ y }) => y ?? []));
  if (!areNamedRightly(token.proofs, ys)) return undone(findings, WRONG_NAME);
  if (otherwise === undefined)
    return carryOut(context, deps, token, { ...repair, token_id }, states);
  const state = states.get(otherwise.y ?? '');
  const unknown = state === undefined;
  return undone(findings, otherWord(state)).map((result) => ({ ...result, unknown }));
}

function isOtherwise(states: ReadonlyMap<string, MintState>) {
  return ({ y, expected }: Finding) =>
    y !== null && (states.get(y) ?? null) !== expected.mint_state;
}

/** A payment that came through late was booked first, and has marked the coin; a plan is stricter. */
function isSpentMeanwhile(
  { run }: RunContext,
  token: NamedToken,
  { action, findings }: TokenRepair,
): boolean {
  if (action !== 'mark_spent' || run.plan_sha256 !== null || token?.status !== 'spent')
    return false;
  const held = new Set(token.proofs.map(({ Y }) => Y));
  return findings.every(({ y }) => held.has(y ?? ''));
}

/** A repair before this one may have moved the coins that stay to a new token. */
function whereNow(moved: ReadonlyMap<string, string> | undefined, tokenId: string): string {
  let id = tokenId;
  for (let next = moved?.get(id); next !== undefined && next !== id; next = moved?.get(id)) {
    id = next;
  }
  return id;
}

function otherWord(state: MintState | undefined): string {
  return state === undefined
    ? 'the mint does not say its state now'
    : `the mint calls it ${state} now`;
}

async function readToken({ store }: RunContext, tokenId: string): Promise<NamedToken | null> {
  const _id = toObjectId(tokenId, 'A token id');
  const token = await translating(() => tokensOf(store.db).findOne({ _id }));
  if (token !== null && soundCoins(token).length < token.proofs.length) {
    throw new CashuOpsError('INVALID_TOKEN', 'the token holds something that is no coin');
  }
  return token && { ...token, proofs: token.proofs.map(named) };
}

/** Null while the token is what the finding expects. */
function whatChanged(token: NamedToken, finding: Finding | undefined): string | null {
  if (finding === undefined) return null;
  const { expected } = finding;
  if (token.npub !== finding.npub || token.mint_url !== finding.mint_url) {
    return 'the token belongs to another wallet';
  }
  if (token.status !== expected.token_status) {
    return `the token is ${token.status} now, not ${expected.token_status}`;
  }
  const owner = token.reserved_by ?? null;
  if (owner !== expected.reserved_by) {
    return owner === null ? 'the token is no longer reserved' : `operation ${owner} holds it now`;
  }
  const coins = coinsHash(token.proofs.map(({ Y }) => Y));
  return coins === expected.coins ? null : 'the token holds other coins now';
}

async function carryOut(
  context: RunContext,
  deps: CorrectionDeps,
  token: NamedToken,
  { token_id, action, findings }: TokenRepair,
  states: ReadonlyMap<string, MintState>,
): Promise<RepairResult[]> {
  switch (action) {
    case 'mark_spent':
      return results(
        findings,
        await markSpent(deps, token_id, findings.map(withY), token.reserved_by ?? null),
      );
    case 'remove_double': {
      const spent = new Set([...states].flatMap(([y, state]) => (state === 'SPENT' ? [y] : [])));
      const doubles = findings.map(withY);
      return results(findings, await removeDoubles(deps, token.npub, doubles, spent));
    }
    case 'give_back':
      return giveBack(context, deps, token, findings);
    case 'release':
      return releasePending(context, deps, token, findings);
    case 'unreserve':
      return unreserve(context, deps, token, findings);
    default:
      return findings.map(({ key, note }) => ({ key, done: false, note }));
  }
}

const WRONG_NAME =
  'the name that was written down is not that of the coin: run --deep, which names it anew';
const CHANGED = 'another process changed the token meanwhile, or an operation holds it';

function results(
  findings: readonly Finding[],
  actions: readonly { y: string; done: boolean }[],
): RepairResult[] {
  const done = new Map(actions.map((action) => [action.y, action.done]));
  return findings.map(({ key, y }) => {
    const isDone = done.get(y ?? '') === true;
    return { key, done: isDone, note: isDone ? null : CHANGED };
  });
}
