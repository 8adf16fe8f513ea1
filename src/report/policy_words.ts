import type { ChalkInstance } from 'chalk';
import { groupDigits } from '../domain/amount.ts';
import type { MeltPolicy, PolicyRules, PolicyStamp } from '../domain/melt_policy.ts';
import type { FieldChange } from '../domain/policy_change.ts';
import { isOpenPolicy } from '../domain/policy_version.ts';
import { changeWords } from '../domain/policy_words.ts';
import type { PolicyHistory, PolicyStop, PolicyView } from '../services/policy/types.ts';
import { cleanText } from './clean_text.ts';
import { type Labelled, labelledLines } from './labelled.ts';

/** So many stops, or names of a change, stand in a text; JSON has all. */
const SHOWN_MAX = 20;

/** How many wallets a policy lets melt. */
export interface EffectFigures {
  wallets: number;
  may_melt: number;
  in_rollout: number;
}

/**
 * The one sentence that a tired operator reads.
 *
 * @param effect null where the wallets were not counted
 */
export function headline(
  policy: PolicyRules | null,
  stops: readonly PolicyStop[],
  paint: { red: (text: string) => string },
  effect: EffectFigures | null = null,
): string {
  const stopped = paint.red('STOPPED');
  if (policy === null) {
    return `melts are ${stopped} for everyone: the policy in the database cannot be read`;
  }
  if (!policy.enabled) {
    const stop = stops.find(({ rule }) => rule === 'everyone');
    const since = stop === undefined ? '' : sinceWords(stop);
    return `melts are ${stopped} for everyone${since || '; nobody wrote down who did it, when and why'}`;
  }
  if (isOpenPolicy(policy)) return 'melts run for everyone';
  const reachesAll = effect !== null && effect.wallets > 0 && effect.may_melt === 0;
  if (reachesAll) return `melts are ${stopped} for every wallet that there is, by the rules below`;
  return 'melts run, but not for everyone';
}

/** The same and what is stopped beside it, on one line without colours. */
export function policySummary(policy: PolicyRules | null, stops: readonly PolicyStop[]): string {
  const first = headline(policy, stops, { red: (text) => text });
  if (policy === null || isOpenPolicy(policy)) return first;
  const { stopped_mints, stopped_npubs, allowed_npubs, rollout_percent } = policy;
  const parts = [
    stopped_mints.length > 0 && `stopped mints: ${stopped_mints.length}`,
    stopped_npubs.length > 0 && `stopped wallets: ${stopped_npubs.length}`,
    allowed_npubs !== null && `wallets on the list: ${allowed_npubs.length}`,
    rollout_percent < 100 && `rollout: ${rollout_percent} %`,
  ].filter(Boolean);
  return [first, ...parts, 'see cashu-ops policy show'].join('; ');
}

/** ` since … by … because …`, as far as it is known. */
export function sinceWords({ set_at, set_by, reason }: PolicyStamp): string {
  return [
    set_at && ` since ${instant(set_at)}`,
    set_by && ` by ${cleanText(set_by)}`,
    reason && ` because ${cleanText(reason)}`,
  ]
    .filter(Boolean)
    .join('');
}

function instant(at: Date): string {
  return at.toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Everything below the headline of `policy show`. */
export function viewLines(view: PolicyView, effect: EffectFigures, width: number): string[] {
  const { policy, stops, by_hand, wallet } = view;
  const lines: Labelled[] = [
    ['version', policy && versionWords(policy, by_hand)],
    ...mendLines(view),
    ['wallets', `${groupDigits(effect.may_melt)} of ${groupDigits(effect.wallets)} may melt`],
    ...(policy === null ? [] : stopLines(policy, stops, effect)),
    [
      'asked',
      wallet && `${wallet.npub ?? 'any wallet'}${wallet.mint_url ? ` at ${wallet.mint_url}` : ''}`,
    ],
    ['', wallet && (wallet.may_melt ? 'may melt' : `may NOT melt: ${cleanText(wallet.why ?? '')}`)],
  ];
  return labelledLines(lines, width);
}

function versionWords(policy: MeltPolicy, byHand: boolean): string {
  const past = byHand ? '; the document was written or removed past this tool' : '';
  if (policy.rev === 0 && !byHand) return 'none: nobody has set a policy yet';
  const { set_at, set_by, reason } = policy;
  const when = set_at ? `, set at ${instant(set_at)}` : '';
  const who = set_by ? ` by ${cleanText(set_by)}` : '';
  return `${policy.rev}${when}${who}${reason ? `: ${cleanText(reason)}` : ''}${past}`;
}

function mendLines({ policy, problems, can_go_back }: PolicyView): Labelled[] {
  if (policy !== null) return [];
  return [
    ...problems.slice(0, SHOWN_MAX).map((problem): Labelled => ['wrong', cleanText(problem)]),
    ['to mend', 'cashu-ops policy set --melts on --replace --reason TEXT'],
    ['', 'writes a whole new policy that stops nobody; --melts off instead keeps all stopped'],
    ['', can_go_back ? 'cashu-ops policy set --back --reason TEXT' : null],
    ['', can_go_back ? 'brings back the last version that was set' : null],
  ];
}

function stopLines(
  policy: MeltPolicy,
  stops: readonly PolicyStop[],
  effect: EffectFigures,
): Labelled[] {
  const named = stops.filter(({ rule }) => rule === 'mint' || rule === 'wallet');
  const more = named.length - SHOWN_MAX;
  return [
    ...named
      .slice(0, SHOWN_MAX)
      .map((stop): Labelled => ['stopped', `${stop.rule} ${stop.of}${sinceWords(stop)}`]),
    ['', more > 0 ? `… and ${groupDigits(more)} more; --json has all` : null],
    ...listLines(policy, stops),
    ['rollout', rolloutWords(policy, stops, effect)],
  ];
}

function listLines({ allowed_npubs }: MeltPolicy, stops: readonly PolicyStop[]): Labelled[] {
  if (allowed_npubs === null) return [];
  const stop = stops.find(({ rule }) => rule === 'list');
  const count = allowed_npubs.length;
  const wallets = count === 1 ? 'this 1 wallet' : `these ${groupDigits(count)} wallets`;
  const who = count === 0 ? 'nobody may melt' : `only ${wallets} may melt`;
  const more = count - SHOWN_MAX;
  return [
    ['list', `${who}${stop ? sinceWords(stop) : ''}`],
    ...allowed_npubs.slice(0, SHOWN_MAX).map((npub): Labelled => ['', npub]),
    ['', more > 0 ? `… and ${groupDigits(more)} more; --json has all` : null],
  ];
}

function rolloutWords(
  { rollout_percent, allowed_npubs }: MeltPolicy,
  stops: readonly PolicyStop[],
  { wallets, in_rollout }: EffectFigures,
): string {
  const stop = stops.find(({ rule }) => rule === 'rollout');
  const share = `${rollout_percent} %: ${groupDigits(in_rollout)} of ${groupDigits(wallets)} wallets`;
  const listed = allowed_npubs === null ? '' : '; it counts for nothing while there is a list';
  return `${share}${stop ? sinceWords(stop) : ''}${listed}`;
}

/** What a change is, or would be. */
export interface ChangeTold {
  changes: readonly FieldChange[];
  /** Null where the wallets were not counted. */
  effects: readonly [before: EffectFigures, after: EffectFigures] | null;
  /** The version that it has become. */
  rev: number | null;
}

/** A change: the fields, then how many wallets may melt. */
export function changeLines({ changes, effects, rev }: ChangeTold, width: number): string[] {
  const [before, after] = effects ?? [null, null];
  const fields = changes.map(
    (change, at): Labelled => [at === 0 ? 'changed' : '', changeWords(change, SHOWN_MAX)],
  );
  const wallets =
    before &&
    after &&
    `${groupDigits(before.may_melt)} → ${groupDigits(after.may_melt)} of ${groupDigits(after.wallets)} may melt`;
  const version = rev === null ? null : String(rev);
  return labelledLines([...fields, ['wallets', wallets], ['version', version]], width);
}

/** The versions, a short paragraph each. */
export function historyLines(
  { versions }: PolicyHistory,
  { width, paint }: { width: number; paint: ChalkInstance },
): string[] {
  return versions.flatMap(({ rev, policy, changes }) => {
    const who = policy?.set_by ? `  by ${cleanText(policy.set_by)}` : '';
    const when = policy?.set_at ? `  ${instant(policy.set_at)}` : '';
    const what = changes.map(
      (change, at): Labelled => [at === 0 ? 'changed' : '', changeWords(change, SHOWN_MAX)],
    );
    const lines: Labelled[] = [
      ...what,
      ['why', policy?.reason ? cleanText(policy.reason) : null],
      ['', policy === null ? 'what was kept of this version cannot be read' : null],
    ];
    return [paint.bold(`version ${rev}${when}${who}`), ...labelledLines(lines, width, '  ')];
  });
}
