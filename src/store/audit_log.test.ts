import { describe, expect, it } from 'vitest';
import { coin } from '../../test/support/coins.ts';
import { TEST_ACTOR, testStore } from '../../test/support/test_store.ts';
import type { AuditEventData } from '../domain/audit_event.ts';
import { type AuditEntry, auditLog } from './audit_log.ts';
import { AUDIT_LOG } from './collections.ts';

const store = await testStore();
const now = new Date('2026-03-04T05:06:07Z');
const log = auditLog(store, { actor: TEST_ACTOR, now: () => now });
const entries = store.db.collection<AuditEntry>(AUDIT_LOG);
const event: AuditEventData = {
  type: 'tokens_stored',
  severity: 'INFO',
  npub: 'npub1x',
  mint_url: 'https://mint.test',
};

describe('createAuditLogEntry', () => {
  it('fills in who, when and how carefully, and stores the event', async () => {
    const entry = await log.createAuditLogEntry(null, event);
    expect(entry).toMatchObject({ ...event, actor: TEST_ACTOR, time: now, operation_id: null });
    expect(entry.compliance_level).toBe('STANDARD');
    expect(await entries.findOne({ _id: entry._id })).toEqual(entry);
  });

  it('takes over what the caller says itself', async () => {
    const given = {
      time: new Date('2020-01-01'),
      compliance_level: 'CRITICAL' as const,
      actor: { ...TEST_ACTOR, user: 'cron' },
    };
    expect(await log.createAuditLogEntry(null, { ...event, ...given })).toMatchObject(given);
  });

  it('belongs to the transaction that it is given', async () => {
    const before = await entries.countDocuments();
    const promise = store.transactions.run(async (session) => {
      await log.createAuditLogEntry(session, event);
      throw new Error('rolled back');
    });
    await expect(promise).rejects.toThrow('rolled back');
    expect(await entries.countDocuments()).toBe(before);
    await store.transactions.run((session) => log.createAuditLogEntry(session, event));
    expect(await entries.countDocuments()).toBe(before + 1);
  });

  it('refuses fields that it does not know, without quoting them', async () => {
    const proof = coin(1);
    const leaky = { ...event, proofs: [proof], note: 'x' } as AuditEventData;
    const error = await log.createAuditLogEntry(null, leaky).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(String(error)).not.toContain(proof.secret);
    expect(await entries.countDocuments({ proofs: { $exists: true } })).toBe(0);
  });

  it('refuses a value of the wrong kind, without quoting it', async () => {
    const proof = coin(1);
    const leaky = { ...event, ys: [proof.secret] };
    await expect(log.createAuditLogEntry(null, leaky)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: 'The audit event "tokens_stored" is not valid: ys.0 (invalid_format).',
    });
  });

  it('cleans its one free text', async () => {
    const { secret } = coin(1);
    const entry = await log.createAuditLogEntry(null, { ...event, note: `look: ${secret}` });
    expect(entry.note).toBe('look: [removed]');
    expect(JSON.stringify(await entries.find().toArray())).not.toContain(secret);
  });
});
