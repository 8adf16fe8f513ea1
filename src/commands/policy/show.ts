import type { Context } from '../../cli/context.ts';
import { EXIT } from '../../cli/exit_codes.ts';
import { jsonDocument } from '../../cli/json.ts';
import { unlessInterrupted } from '../../cli/signals.ts';
import type { Config } from '../../config/config.ts';
import type { MeltSubject } from '../../domain/melt_policy.ts';
import { parseMintUrl } from '../../domain/mint_url.ts';
import { parseNpub } from '../../domain/npub.ts';
import { wrap } from '../../io/wrap.ts';
import { viewDocument } from '../../report/policy_document.ts';
import { headline, viewLines } from '../../report/policy_words.ts';
import type { PolicyService } from '../../services/policy/policy_service.ts';
import type { ShowFlags } from './command.ts';
import { figuresOf, rulesInForce } from './effect.ts';
import { openPolicy } from './open.ts';

const ONLY_READ = 'Interrupted while reading; nothing was changed.';

/** @returns the exit code: 20 when the wallet that was asked about may not melt, else 0 */
export async function runPolicyShow(context: Context, flags: ShowFlags): Promise<number> {
  const { io, interrupted } = context;
  const about = subjectOf(flags, await context.config(flags));
  const service = await openPolicy(context, 'policy show', flags);
  const { view, effect } = await unlessInterrupted(interrupted, read(service, about), ONLY_READ);
  const isStopped = view.wallet?.may_melt === false;
  if (flags.json) {
    io.out(jsonDocument(viewDocument(view, effect, !isStopped)));
  } else {
    const first = headline(view.policy, view.stops, io.color.out, effect);
    io.out(io.outIsTty ? wrap(first, io.columns) : first);
    for (const line of viewLines(view, effect, io.columns)) io.out(line);
  }
  return isStopped ? EXIT.blocked : EXIT.done;
}

/** The mint that is meant where none is named is the one that a melt would take. */
function subjectOf({ npub, mint }: ShowFlags, { mint_url }: Config): MeltSubject | null {
  if (npub === undefined && mint === undefined) return null;
  const url = mint ?? mint_url;
  return {
    npub: npub === undefined ? null : parseNpub(npub),
    mint_url: url === null ? null : parseMintUrl(url),
  };
}

async function read(service: PolicyService, about: MeltSubject | null) {
  const view = await service.show(about);
  const effect = figuresOf(await service.effect([rulesInForce(view.policy)]), 0);
  return { view, effect };
}
