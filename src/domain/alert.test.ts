import { describe, expect, it } from 'vitest';
import {
  type Alert,
  type AlertFacts,
  alertBody,
  alertFor,
  type Observed,
  overAlert,
  waitAfter,
} from './alert.ts';

const FACTS: AlertFacts = {
  type: 'DB_UNSPENT_MINT_SPENT',
  severity: 'HIGH',
  amount: 64,
  npub: 'npub1x',
  mint_url: 'https://mint.example',
  operation_id: null,
  transaction_id: null,
  quote_id: null,
  token_id: 't',
  ys: [],
  run_id: 'run_1',
  event_id: null,
  message: 'one sentence.',
  next_command: 'cashu-ops reconcile show run_1',
  runbook: 'docs/runbooks/coins-spent-elsewhere.md',
};

function seen(
  at_ms: number,
  more: Partial<Observed> = {},
  facts: Partial<AlertFacts> = {},
): Observed {
  const whole = { ...FACTS, ...facts };
  return { subject: 's', at: new Date(at_ms), over: false, scope_hash: 'h', facts: whole, ...more };
}

function first(more: Partial<Observed> = {}): Alert {
  const alert = alertFor(null, seen(1_000, more));
  if (alert === null) throw new Error('the first sight of trouble is news');
  return alert;
}

describe('alertFor', () => {
  it('tells what was never told', () => {
    expect(first()).toMatchObject({
      number: 1,
      status: 'firing',
      open: true,
      seen_at: new Date(1_000),
    });
  });

  it('tells nothing while nothing has changed', () => {
    expect(alertFor(first(), seen(2_000))).toBeNull();
  });

  it.each([{ severity: 'CRITICAL' as const }, { amount: 65 }])(
    'tells of a change: %o',
    (change) => {
      const alert = alertFor(first(), seen(2_000, {}, change));
      expect(alert).toMatchObject({ number: 2, status: 'firing', open: true, facts: change });
      expect(alert?._id).not.toBe(first()._id);
    },
  );

  it('tells once that it is over, and again when it comes back', () => {
    const over = alertFor(first(), seen(2_000, { over: true }));
    expect(over).toMatchObject({ number: 2, status: 'resolved', open: false });
    expect(alertFor(over, seen(2_000, { over: true }))).toBeNull();
    expect(alertFor(over, seen(3_000))).toMatchObject({ number: 3, status: 'firing', open: true });
    expect(overAlert(first(), new Date(5), 'Over.')).toMatchObject({ _id: over?._id, open: false });
  });

  it('tells what was repaired at once, as closed', () => {
    const repaired = first({ over: true });
    expect(repaired).toMatchObject({ status: 'firing', open: false });
    expect(alertFor(repaired, seen(1_000, { over: true }))).toBeNull();
    expect(alertFor(repaired, seen(2_000))).toMatchObject({ number: 2, status: 'firing' });
  });

  it('leaves alone what is older than what is known', () => {
    const newer = alertFor(first(), seen(2_000, {}, { amount: 65 }));
    expect(alertFor(newer, seen(1_500))).toBeNull();
    expect(alertFor(newer, seen(2_000))).toBeNull();
  });

  it('gives the same id to the same alert, whoever makes it', () => {
    expect(first()._id).toBe(first()._id);
    expect(first()._id).toMatch(/^alert_[0-9a-f]{32}$/);
    expect(first({ subject: 'other' })._id).not.toBe(first()._id);
  });
});

describe('alertBody', () => {
  it('has the keys that receivers rely on', () => {
    expect(Object.keys(alertBody(first()))).toEqual(
      'schema id status subject number timestamp amount_sat type severity npub mint_url operation_id transaction_id quote_id token_id ys run_id event_id message next_command runbook'.split(
        ' ',
      ),
    );
  });
});

describe('waitAfter', () => {
  it('doubles from half a minute to an hour, and differs by chance', () => {
    expect([1, 2, 3, 8, 40].map((attempts) => waitAfter(attempts, 0.5))).toEqual([
      30_000, 60_000, 120_000, 3_600_000, 3_600_000,
    ]);
    expect([waitAfter(1, 0), waitAfter(1, 1)]).toEqual([24_000, 36_000]);
  });
});
