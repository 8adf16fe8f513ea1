import { actorOf } from '../../cli/actor.ts';
import type { Context } from '../../cli/context.ts';
import { EXIT } from '../../cli/exit_codes.ts';
import { jsonDocument } from '../../cli/json.ts';
import { unlessInterrupted } from '../../cli/signals.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import { DraftFile } from '../../io/draft_file.ts';
import { makeBundle } from '../../services/audit/bundle.ts';
import { AuditSubjects } from '../../store/audit_subjects.ts';
import type { BundleFlags } from './bundle_command.ts';
import { mintAsker } from './mint_asker.ts';

const ONLY_READ = 'Interrupted while reading; nothing was written.';
const NAMED = { what: 'The bundle', otherwise: 'nothing was written', fresh: true };

/** One file on one payment. @returns the exit code */
export async function runAuditBundle(
  context: Context,
  id: string,
  flags: BundleFlags,
): Promise<number> {
  const { io, interrupted } = context;
  if (flags.output === '-') {
    throw new CashuOpsError('INVALID_ARGUMENT', 'A bundle is a file: name one behind --output.');
  }
  // A path that cannot be written is told before the mint is asked.
  let file = flags.output === undefined ? null : await DraftFile.create(flags.output, NAMED);
  try {
    const ops = await context.open('audit bundle', flags);
    const config = await context.config(flags);
    const mint = flags.offline ? null : mintAsker(ops, config.melt_timeout_ms);
    const deps = { subjects: new AuditSubjects(ops.store), mint };
    const made_by = actorOf(config, 'audit bundle');
    const making = makeBundle(deps, id, { made_at: ops.clock(), made_by });
    const { json, operation } = await unlessInterrupted(interrupted, making, ONLY_READ);
    const { _id: operation_id, npub, mint_url, transaction_id, quote_id } = operation;
    const path = `cashu-ops-bundle-${operation_id.slice(0, 8)}.json`;
    file ??= await DraftFile.create(path, NAMED);
    await file.append(json);
    await ops.audit.createAuditLogEntry(null, {
      ...{ type: 'audit_bundled', severity: 'INFO', npub, mint_url },
      ...{ operation_id, transaction_id, quote_id },
    });
    await file.finish();
    const written = { file: file.path, bytes: Buffer.byteLength(json), operation_id };
    if (flags.json) {
      io.out(jsonDocument({ schema: 'cashu-ops/audit-bundled@1', ok: true, ...written }));
    } else io.out(file.path);
    io.err('It holds no secret; it names the owner, the mint and the payment.');
    return EXIT.done;
  } catch (error) {
    await file?.discard();
    throw error;
  }
}
