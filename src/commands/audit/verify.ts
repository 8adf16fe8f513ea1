import type { Context } from '../../cli/context.ts';
import { EXIT } from '../../cli/exit_codes.ts';
import { jsonDocument } from '../../cli/json.ts';
import { RUNBOOK_OF_RECORD } from '../../cli/runbook.ts';
import { unlessInterrupted } from '../../cli/signals.ts';
import { groupDigits } from '../../domain/amount.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import { parseMintUrl } from '../../domain/mint_url.ts';
import { parseNpub } from '../../domain/npub.ts';
import { shellWord } from '../../domain/shell_word.ts';
import type { Io } from '../../io/io.ts';
import { wrap } from '../../io/wrap.ts';
import { bookLines, notClosedWords } from '../../report/book_words.ts';
import { breakWords, faultWords } from '../../report/chain_words.ts';
import { renderLines } from '../../report/lines.ts';
import { counted } from '../../report/reconcile_words.ts';
import { type BooksReport, type BookTotals, checkBooks } from '../../services/audit/check_books.ts';
import {
  type ChainEnd,
  type ChainsReport,
  verifyChains,
} from '../../services/audit/verify_chains.ts';
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
  const ends: ChainEnd[] = [];
  const keep = (end: ChainEnd) => void (flags.heads && ends.push(end));
  const report = await io.progress('reading the audit log', () =>
    unlessInterrupted(interrupted, verifyChains(deps, scope, keep), ONLY_READ),
  );
  const selection = { npubs: scope.npub === undefined ? ('all' as const) : [scope.npub] };
  const books = await io.progress('drawing up the books', () =>
    unlessInterrupted(
      interrupted,
      checkBooks(store, { ...selection, mintUrl: scope.mint_url }),
      ONLY_READ,
    ),
  );
  const holds = report.breaks_total === 0 && report.state_faults.length === 0;
  const ok = holds && books.not_closed_total === 0;
  if (flags.json) {
    const heads = flags.heads ? { heads: ends } : {};
    io.out(jsonDocument({ schema: 'cashu-ops/audit-verify@1', ok, ...report, books, ...heads }));
    return ok ? EXIT.done : EXIT.critical;
  }
  for (const line of [...linesOf(report, holds), '', ...linesOfBooks(books)]) {
    io.out(wrap(line, io.columns));
  }
  tellHeads(io, ends);
  // What is open may be ended once the record holds: before that, evidence is kept first.
  for (const next of ok ? nextOfOpen(books) : nextAfter(report, books)) io.err(`next: ${next}`);
  if (!ok) io.err(`page: ${RUNBOOK_OF_RECORD}`);
  return ok ? EXIT.done : EXIT.critical;
}

function tellHeads(io: Io, ends: readonly ChainEnd[]): void {
  if (ends.length === 0) return;
  io.out('\nthe newest hash of each chain (hash, number of its event, below it the wallet)');
  for (const { chain, seq, hash } of ends) io.out(`${hash}  ${seq}\n  ${chain}`);
}

function nextOfOpen({ totals }: BooksReport): string[] {
  return totals.open_payments === 0 ? [] : ['cashu-ops melt --resume-all'];
}

/** What is named first, of the record and of the books. */
function nextAfter({ breaks, state_faults }: ChainsReport, { not_closed }: BooksReport): string[] {
  const all = not_closed.flatMap(({ faults }) => faults);
  // Of what cannot be read nothing can be explained.
  const unreadable = new Set(all.filter((one) => one.unreadable).map((one) => one.operation_id));
  const told = (one: { operation_id: string }) => !unreadable.has(one.operation_id);
  const faulty = all.find(told);
  const operation = (state_faults.find(told) ?? faulty)?.operation_id;
  const event = breaks.find(({ event_id }) => event_id !== null)?.event_id;
  const [wallet] = not_closed;
  return [
    ...(event === undefined || event === null ? [] : [`cashu-ops audit show ${event}`]),
    ...(operation === undefined ? [] : [`cashu-ops audit explain ${operation}`]),
    ...(wallet === undefined || faulty !== undefined
      ? []
      : [`cashu-ops reconcile --npub ${wallet.npub} --mint ${shellWord(wallet.mint_url)} --deep`]),
  ];
}

function linesOfBooks({ wallets, totals, not_closed, not_closed_total }: BooksReport): string[] {
  const words = not_closed.flatMap(notClosedWords);
  const more = not_closed_total - Math.min(not_closed.length, SHOWN_MAX);
  return [
    not_closed_total === 0
      ? `The books of ${counted(wallets, 'wallet')} close.`
      : `The books of ${groupDigits(not_closed_total)} of ${counted(wallets, 'wallet')} do NOT close.`,
    ...words.slice(0, SHOWN_MAX).map((one) => `  ${one}`),
    ...(more > 0 ? [`  … and ${counted(more, 'more wallet')}; --json has them`] : []),
    ...openWords(totals),
    ...renderLines(bookLines(totals)),
  ];
}

/** They close as far as it is known how payments end. */
function openWords({ open_payments, held }: BookTotals): string[] {
  if (open_payments === 0) return [];
  const have = open_payments === 1 ? 'has' : 'have';
  return [
    `${counted(open_payments, 'payment')} ${have} not ended: ${groupDigits(held)} sat of "live" may be paid out.`,
  ];
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
    ...[...Map.groupBy(breaks.slice(0, SHOWN_MAX), ({ chain }) => chain)].flatMap(
      ([chain, ofChain]) => [`  ${chain}`, ...ofChain.map((one) => `    ${breakWords(one)}`)],
    ),
    ...(more > 0 ? [`  … and ${groupDigits(more)} more places; --json has them`] : []),
    ...state_faults.slice(0, SHOWN_MAX).map((fault) => `  ${faultWords(fault)}`),
    `${counted(events, 'event')} in ${counted(chains, 'chain')}, ${groupDigits(pruned)} pruned`,
    ...(unchained > 0
      ? [
          `${groupDigits(unchained)} events are from before events were chained: nothing proves them.`,
        ]
      : []),
  ];
}
