import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  type AuditEvent,
  auditEventSchema,
  cleanNote,
  complianceLevelOf,
  NOTE_LENGTH_MAX,
  type WithoutSecrets,
} from './audit_event.ts';

const HEX64 = '9f'.repeat(32);
const event = {
  type: 'melt_paid',
  time: new Date(),
  severity: 'INFO',
  compliance_level: 'HIGH',
  actor: { user: 'u', host: 'h', command: 'melt', version: '1' },
  npub: 'npub1x',
  mint_url: 'https://mint.test',
  operation_id: 'op',
  transaction_id: 'tx',
  quote_id: 'q',
};

describe('cleanNote', () => {
  it.each([
    ['a Cashu token', 'see cashuBo2FteBtodHRwczovL21pbnQ now', 'see [removed] now'],
    ['an old Cashu token', 'cashuAeyJ0b2tlbiI6W3sibWludCI6', '[removed]'],
    ['a secret', `the coin ${HEX64} is odd`, 'the coin [removed] is odd'],
    ['a secret in capitals', HEX64.toUpperCase(), '[removed]'],
    ['a locked secret', `["P2PK",{"nonce":"ab","data":"02"}] x`, '[removed] x'],
    ['an escape sequence', 'a\u001b[2Jb\u0000c', 'a [2Jb c'],
    ['a line break', 'a\nb', 'a b'],
    ['a direction override', 'a\u202eb', 'a b'],
  ])('takes out %s', (_, text, clean) => {
    expect(cleanNote(text)).toBe(clean);
  });

  it('leaves ids and numbers', () => {
    const text = 'tx_1700000000000_0123456789abcdef0123456789abcdef took 12 ms';
    expect(cleanNote(text)).toBe(text);
  });

  it('cuts what is endless', () => {
    expect(cleanNote('a '.repeat(10_000))).toHaveLength(NOTE_LENGTH_MAX);
  });
});

describe('auditEventSchema', () => {
  it('fills in what is absent', () => {
    expect(auditEventSchema.parse(event)).toEqual({
      ...event,
      actor: { ...event.actor, run: null },
      amounts: {},
      before: null,
      after: null,
      ys: [],
      timings_ms: {},
      note: null,
      digest: null,
    });
  });

  it.each([
    ['a proof', { proof: { secret: 's' } }],
    ['proofs', { proofs: [] }],
    ['a secret', { secret: HEX64 }],
    ['a preimage', { preimage: HEX64 }],
    ['a preimage in place of a digest', { digest: HEX64 }],
    ['a coin under another name than Y', { ys: [HEX64] }],
    ['a secret as an amount', { amounts: { secret: HEX64 } }],
    ['a secret as the name of an amount', { amounts: { [HEX64]: 1 } }],
    ['a fraction of a sat', { amounts: { total: 0.5 } }],
    ['a secret in the actor', { actor: { ...event.actor, key: HEX64 } }],
    ['an unknown type', { type: 'melt_rumoured' }],
    ['too many coins', { ys: Array.from({ length: 1001 }, () => `02${HEX64}`) }],
  ])('has no place for %s', (_, fields) => {
    expect(auditEventSchema.safeParse({ ...event, ...fields }).success).toBe(false);
  });

  it('does not compile with a field for a secret, wherever it stands', () => {
    expectTypeOf<AuditEvent>().not.toBeNever();
    type Sound = AuditEvent & { more: { sat: number }[] };
    expectTypeOf<WithoutSecrets<Sound>>().toEqualTypeOf<Sound>();
    expectTypeOf<WithoutSecrets<AuditEvent & { secret: string }>>().toBeNever();
    expectTypeOf<WithoutSecrets<AuditEvent & { coins: { C: string }[] }>>().toBeNever();
    expectTypeOf<WithoutSecrets<AuditEvent & { paid?: { preimage: string } }>>().toBeNever();
  });

  it('wants the ids of a melt, and the wallet of what concerns one', () => {
    const { operation_id: _, ...without } = event;
    expect(auditEventSchema.safeParse(without).success).toBe(false);
    expect(auditEventSchema.safeParse({ ...without, type: 'tokens_stored' }).success).toBe(true);
    const { npub: __, ...nobody } = without;
    expect(auditEventSchema.safeParse({ ...nobody, type: 'tokens_stored' }).success).toBe(false);
    expect(auditEventSchema.parse({ ...nobody, type: 'melts_stopped' }).npub).toBeNull();
  });
});

describe('complianceLevelOf', () => {
  it.each([
    ['melt_prepared', 'INFO', 'STANDARD'],
    ['melt_paid', 'INFO', 'HIGH'],
    ['preflight_blocked', 'HIGH', 'HIGH'],
    ['melt_needs_attention', 'CRITICAL', 'CRITICAL'],
  ] as const)('calls %s of severity %s %s', (type, severity, level) => {
    expect(complianceLevelOf(type, severity)).toBe(level);
  });
});
