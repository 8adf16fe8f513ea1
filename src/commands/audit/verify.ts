import type { Context } from '../../cli/context.ts';
import { EXIT } from '../../cli/exit_codes.ts';
import { jsonDocument } from '../../cli/json.ts';
import { unlessInterrupted } from '../../cli/signals.ts';
import { groupDigits } from '../../domain/amount.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import { parseMintUrl } from '../../domain/mint_url.ts';
import { parseNpub } from '../../domain/npub.ts';
import { wrap } from '../../io/wrap.ts';
import { breakWords, faultWords } from '../../report/chain_words.ts';
import { type ChainsReport, verifyChains } from '../../services/audit/verify_chains.ts';
import { AuditChains, type ChainScope } from '../../store/audit_chains.ts';
import { StatesOfChain } from '../../store/states_of_chain.ts';
import type { VerifyFlags } from './verify_command.ts';

const ONLY_READ = 'Interrupted while reading; nothing was changed, and the rest was not looked at.';
/** So many places are told to a person; the JSON has more. */
const SHOWN_MAX = 20;

/** Recomputes every chain. @returns the exit code: 23 where the record does not hold */
export async function runAuditVerify(context: Context, flags: VerifyFlags): Promise<number> {
  const { io, interrupted } = context;
  const scope = scopeOf(flags);
  const store = await context.openStore('audit verify', flags);
  const deps = { chains: new AuditChains(store), states: new StatesOfChain(store) };
  const report = await io.progress('reading the audit log', () =>
    unlessInterrupted(interrupted, verifyChains(deps, scope), ONLY_READ),
  );
  const holds = report.breaks_total === 0 && report.state_faults.length === 0;
  if (flags.json)
    io.out(jsonDocument({ schema: 'cashu-ops/audit-verify@1', ok: holds, ...report }));
  else for (const line of linesOf(report, holds)) io.out(wrap(line, io.columns));
  return holds ? EXIT.done : EXIT.critical;
}

function scopeOf({ npub, mint }: VerifyFlags): ChainScope {
  if (mint !== undefined && npub === undefined) {
    throw new CashuOpsError(
      'INVALID_ARGUMENT',
      'Add --npub to --mint: a chain is that of one wallet.',
    );
  }
  return {
    npub: npub === undefined ? undefined : parseNpub(npub),
    mint_url: mint === undefined ? undefined : parseMintUrl(mint),
  };
}

function linesOf(report: ChainsReport, holds: boolean): string[] {
  const { chains, events, pruned, unchained, breaks, breaks_total, state_faults } = report;
  const more = breaks_total - Math.min(breaks.length, SHOWN_MAX);
  return [
    holds ? 'The record holds.' : 'The record does NOT hold: somebody changed it past this tool.',
    ...breaks.slice(0, SHOWN_MAX).map((one) => `  ${one.chain}: ${breakWords(one)}`),
    ...(more > 0 ? [`  … and ${groupDigits(more)} more places; --json has them`] : []),
    ...state_faults.slice(0, SHOWN_MAX).map((fault) => `  ${faultWords(fault)}`),
    `${groupDigits(events)} events in ${groupDigits(chains)} chains, ${groupDigits(pruned)} pruned`,
    ...(unchained > 0
      ? [
          `${groupDigits(unchained)} events are from before events were chained: nothing proves them.`,
        ]
      : []),
  ];
}
