import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CashuOps, type CashuOpsOptions, openCashuOps } from '../../src/cashu_ops.ts';
import { atEnd } from './at_end.ts';
import type { MeltGround } from './melt_ground.ts';
import { TEST_ACTOR } from './test_store.ts';

/**
 * The tool on another machine: the same database and mint, and nothing else. No memory, no rescue
 * journal of the first one.
 */
export async function secondProcess(
  ground: Pick<MeltGround, 'env'>,
  options: Partial<CashuOpsOptions> = {},
): Promise<CashuOps> {
  const journal_dir = await mkdtemp(join(tmpdir(), 'cashu-ops-test-journal-'));
  const ops = await openCashuOps({
    mongodb_uri: ground.env.CASHU_OPS_MONGODB_URI ?? '',
    journal_dir,
    actor: { ...TEST_ACTOR, host: 'another-host' },
    network: 'regtest',
    ...options,
  });
  atEnd(async () => {
    await ops.close();
    await rm(journal_dir, { recursive: true, force: true });
  });
  return ops;
}
