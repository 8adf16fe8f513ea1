import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../domain/errors.ts';
import { runbookOfError, runbookOfPayment, type Situation } from './runbook.ts';

const ROOT = new URL('../../', import.meta.url);
const situation = (more: Partial<Situation>): Situation => ({
  ...{ status: 'paid', state: 'paid', severity: null, message: '' },
  ...more,
});

describe('the page of an error', () => {
  it.each(ERROR_CODES)('of %s is there', (code) => {
    const page = runbookOfError(code);
    if (page !== null) expect(existsSync(new URL(page, ROOT))).toBe(true);
  });

  it.each(['BOOKS_DO_NOT_CLOSE', 'DATABASE_RESTORED', 'MELTS_STOPPED', 'PAYMENT_PENDING'] as const)(
    'is named for %s',
    (code) => expect(runbookOfError(code)).toMatch(/^docs\/runbooks\/[a-z-]+\.md$/),
  );
});

describe('the page of a payment', () => {
  it.each<[Partial<Situation>, string | null]>([
    [{}, null],
    [{ severity: 'HIGH' }, 'paid-without-proof'],
    [{ status: 'pending', state: 'pending' }, 'payment-pending'],
    [{ status: 'critical', state: 'paid_again' }, 'paid-twice'],
    [{ status: 'critical', state: 'needs_attention' }, 'mint-contradicts-itself'],
    [
      { status: 'critical', state: 'needs_attention', message: 'paid, but change is missing' },
      'sums-do-not-close',
    ],
    [{ status: 'failed', state: 'failed' }, null],
    [{ status: 'conflict' }, null],
    [{ status: 'dry_run', state: null }, null],
  ])('%j: %s', (more, page) => {
    const path = runbookOfPayment(situation(more));
    expect(path).toBe(page === null ? null : `docs/runbooks/${page}.md`);
    if (path !== null) expect(existsSync(new URL(path, ROOT))).toBe(true);
  });
});
