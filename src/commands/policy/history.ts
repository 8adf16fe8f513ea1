import type { Context } from '../../cli/context.ts';
import { EXIT } from '../../cli/exit_codes.ts';
import { jsonDocument } from '../../cli/json.ts';
import { historyDocument } from '../../report/policy_document.ts';
import { historyLines } from '../../report/policy_words.ts';
import type { HistoryFlags } from './command.ts';
import { openPolicy } from './open.ts';

/** Lists the versions of the policy, newest first. @returns the exit code */
export async function runPolicyHistory(context: Context, flags: HistoryFlags): Promise<number> {
  const { io } = context;
  const service = await openPolicy(context, 'policy history', flags);
  const history = await service.history({ limit: flags.limit });
  if (flags.json) {
    io.out(jsonDocument(historyDocument(history)));
    return EXIT.done;
  }
  const surface = { width: io.columns, paint: io.color.out };
  for (const line of historyLines(history, surface)) io.out(line);
  if (history.by_hand) {
    io.err('The policy was then changed past this tool: "cashu-ops policy show" has it.');
  } else if (history.versions.length === 0) {
    io.err(
      'Nobody has set a policy yet, so melts run for everyone; "cashu-ops policy set" sets one.',
    );
  }
  if (history.more) io.err('There are older versions: --limit shows more.');
  return EXIT.done;
}
