import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Observation } from './melt_operation.ts';
import { decideSwap } from './swap_decision.ts';

const BEGUN = new Date('2026-01-01T00:00:00Z');
const QUIET_MS = 600_000;

function look(
  minute: number,
  inputs: Partial<Observation['inputs']>,
  quote: Observation['quote'] = 'UNPAID',
) {
  const none = { unspent: 0, pending: 0, spent: 0, unknown: 0 };
  const at = new Date(BEGUN.getTime() + minute * 60_000);
  return { at, quote, preimage_shown: false, inputs: { ...none, ...inputs } };
}

function decide(happened: boolean, looks: Observation[]) {
  const now = looks.at(-1) ?? look(0, {});
  const earlier = looks.slice(0, -1);
  return decideSwap({ happened, created_at: BEGUN, earlier, now, quietPeriodMs: QUIET_MS });
}

const FREE = { unspent: 2 };

describe('decideSwap', () => {
  it('finishes whenever the mint shows the signatures, whatever the coins say', () => {
    for (const inputs of [{ spent: 2 }, FREE, { pending: 2 }, { unknown: 2 }]) {
      expect(decide(true, [look(1, inputs)])).toEqual({ action: 'finish' });
    }
  });

  it('releases coins that are unspent over the whole quiet period', () => {
    expect(decide(false, [look(1, FREE), look(11, FREE)])).toEqual({
      action: 'release',
      because: 'QUIET_PERIOD',
    });
  });

  it('asks nothing of the quote, because no melt was sent', () => {
    for (const quote of ['PAID', 'PENDING', 'NOT_FOUND', 'UNKNOWN'] as const) {
      const looks = [look(1, FREE, 'UNPAID'), look(11, FREE, quote)];
      expect(decide(false, looks)).toMatchObject({ action: 'release' });
    }
    const shown = { ...look(11, FREE), preimage_shown: true };
    expect(decide(false, [look(1, FREE), shown])).toMatchObject({ action: 'release' });
  });

  it.each([
    ['one look, however old the operation', [look(1000, FREE)]],
    ['a swap that is younger than the looks claim', [look(-60, FREE), look(1, FREE)]],
    ['a period that is not over', [look(1, FREE), look(10, FREE)]],
    ['coins that were in use meanwhile', [look(1, FREE), look(5, { pending: 2 }), look(11, FREE)]],
    ['coins in use', [look(1, FREE), look(11, { pending: 2 })]],
    [
      'coins that are spent, without our signatures',
      [look(1, { spent: 2 }), look(11, { spent: 2 })],
    ],
    [
      'coins of which some are spent',
      [look(1, { unspent: 1, spent: 1 }), look(11, { unspent: 1, spent: 1 })],
    ],
    ['a mint that does not answer', [look(1, FREE), look(11, { unknown: 2 }, 'UNKNOWN')]],
  ])('waits for %s', (_, looks) => {
    expect(decide(false, looks)).toMatchObject({ action: 'wait', missing: [expect.any(String)] });
  });

  it('never calls a person and never settles a melt', () => {
    const count = fc.nat(2);
    const anyLook = fc
      .record({ unspent: count, pending: count, spent: count, unknown: count, minute: fc.nat(30) })
      .map(({ minute, ...inputs }) => look(minute, inputs));
    fc.assert(
      fc.property(fc.array(anyLook, { minLength: 1 }), (looks) => {
        expect(['release', 'wait']).toContain(decide(false, looks).action);
      }),
    );
  });
});
