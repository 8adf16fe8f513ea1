import type { Context } from '../../cli/context.ts';
import { jsonDocument } from '../../cli/json.ts';
import type { MeltPolicy } from '../../domain/melt_policy.ts';
import { type Io, warn } from '../../io/io.ts';
import { wrap } from '../../io/wrap.ts';
import { setDocument } from '../../report/policy_document.ts';
import { changeLines, type EffectFigures, headline } from '../../report/policy_words.ts';
import type { PolicyPlan, PolicyStop } from '../../services/policy/types.ts';
import type { SetFlags } from './command.ts';

/** What a change means, and what is stopped beside it. */
export interface Effect {
  figures: readonly [before: EffectFigures, after: EffectFigures];
  /** Names that no wallet has. */
  unknown: string[];
  stops: readonly PolicyStop[];
}

/** What has become of a change. */
export interface Told {
  /** As it is now; in a dry run as it would be. */
  policy: MeltPolicy;
  plan: PolicyPlan;
  /** Null where the wallets were not counted. */
  effect: Effect | null;
  changed: boolean;
}

/** Tells a change that was made, was rehearsed, or was none. */
export function tellChange({ io }: Context, flags: SetFlags, told: Told): void {
  const { policy, plan, effect, changed } = told;
  const { changes } = plan;
  const dry_run = flags.dryRun === true;
  const unknown = effect?.unknown ?? [];
  if (flags.json) {
    const after = effect?.figures[1] ?? null;
    const document = setDocument(policy, { changed, changes, dry_run, effect: after, unknown });
    io.out(jsonDocument(document));
  } else {
    // First of all: whoever reads one line only must not believe that it has happened.
    if (dry_run) io.out('Dry run, nothing is changed; it would be so:');
    showChange(io, told);
  }
  for (const name of unknown) warn(io, `no wallet in the database has the name ${name}.`);
  if (changes.length > 0 && effect !== null && !flags.json) {
    const sentence = noEffectSentence(effect);
    if (sentence !== null) io.err(sentence);
  }
  if (changes.length === 0) io.err('Nothing was changed: the policy is like that already.');
  else if (dry_run) io.err('Dry run: nothing was changed.');
  else if (effect === null) io.err('The change stands; the wallets were not counted.');
  if (changed) io.err('to undo it: cashu-ops policy set --back --reason TEXT');
}

/** A change that was meant to stop or to free somebody, and reaches nobody. */
function noEffectSentence({ figures: [before, after] }: Effect): string | null {
  if (before.may_melt !== after.may_melt || after.wallets === 0) return null;
  return `This changes nothing for any wallet that there is: ${after.may_melt} of ${after.wallets} may melt, as before.`;
}

function showChange(io: Io, { policy, plan, effect, changed }: Told): void {
  const figures = effect?.figures ?? null;
  const stops = stopsAfter(policy, plan, effect);
  const first = headline(policy, stops, io.color.out, figures?.[1]);
  io.out(io.outIsTty ? wrap(first, io.columns) : first);
  const { changes } = plan;
  const told = { changes, effects: figures, rev: changed ? policy.rev : null };
  for (const line of changeLines(told, io.columns)) io.out(line);
}

/** Who stopped everyone: this change, or whoever did it before. */
function stopsAfter(
  policy: MeltPolicy,
  { changes }: PolicyPlan,
  effect: Effect | null,
): readonly PolicyStop[] {
  const isNew = changes.some(({ field }) => field === 'enabled' || field === 'document');
  return isNew ? [{ ...policy, rule: 'everyone', of: null }] : (effect?.stops ?? []);
}
