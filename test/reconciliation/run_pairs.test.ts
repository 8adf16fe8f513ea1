import { describe, expect, it } from 'vitest';
import type { FindingType } from '../../src/domain/finding.ts';
import { MINT_STATES, type MintState, TOKEN_STATUSES } from '../../src/domain/proof.ts';
import { runGround } from '../support/run_ground.ts';

const PAIRS = TOKEN_STATUSES.flatMap((status) =>
  MINT_STATES.map((state) => [status, state] as const),
);

/** The design's table: what is found of each pair, and what `--apply` leaves. */
const TABLE: Partial<Record<`${string} ${MintState}`, { type: FindingType; after: string }>> = {
  'unspent SPENT': { type: 'DB_UNSPENT_MINT_SPENT', after: 'spent' },
  'unspent PENDING': { type: 'DB_UNSPENT_MINT_PENDING', after: 'unspent' },
  'pending SPENT': { type: 'DB_PENDING_MINT_SPENT', after: 'spent' },
  'pending UNSPENT': { type: 'DB_PENDING_MINT_UNSPENT', after: 'pending' },
  'spent UNSPENT': { type: 'DB_SPENT_MINT_UNSPENT', after: 'spent' },
  'spent PENDING': { type: 'DB_SPENT_MINT_PENDING', after: 'spent' },
  'failed UNSPENT': { type: 'DB_FAILED_MINT_UNSPENT', after: 'failed' },
  'failed SPENT': { type: 'DB_FAILED_MINT_SPENT', after: 'failed' },
};

describe.each(PAIRS)('a coin that is %s here and %s at the mint', (status, state) => {
  const expected = TABLE[`${status} ${state}`];

  it(expected ? `is ${expected.type}` : 'is no finding', async () => {
    const ground = await runGround();
    const token = await ground.stage([8], { status });
    await ground.mint.control.setState([token.proofs[0]?.Y ?? ''], state);
    const dry = await ground.reconcile();
    expect(dry.findings.map(({ type }) => type)).toEqual(expected ? [expected.type] : []);
    expect((await ground.read(token))?.status).toBe(status);
    const applied = await ground.reconcile({ apply: true });
    expect(applied.findings.map(({ type }) => type)).toEqual(expected ? [expected.type] : []);
    expect((await ground.read(token))?.status).toBe(expected?.after ?? status);
  });
});
