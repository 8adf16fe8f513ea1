import { describe, expect, it } from 'vitest';
import type {
  FailedOperation,
  MeltOperation,
  PreparedOperation,
  SwapRecord,
} from '../domain/melt_operation.ts';
import { BROUGHT_BACK, broughtBack, caughtUp } from './caught_up.ts';
import { type KeptOperation, keptOperation } from './kept_operation.ts';
import type { JournalEntry } from './rescue_journal.ts';

const AT = new Date('2026-11-21T10:00:00Z');
const LATER = new Date('2026-11-21T10:00:05Z');

const coin = (name: string) => ({ id: '01', amount: 8, secret: name, C: 'c', Y: `02${name}` });

const SWAP: SwapRecord = {
  inputs: [coin('old')],
  fee: 1,
  send_outputs: [],
  keep_outputs: [],
  keep_amount: 3,
};

function prepared(more: Partial<PreparedOperation> = {}): PreparedOperation {
  return {
    ...{ _id: 'op', rev: 0, state: 'prepared', transaction_id: 'melt_1', operation_hash: 'h' },
    ...{ npub: 'npub1', wallet_id: 'w', mint_url: 'http://mint', unit: 'sat', invoice: 'lnbc' },
    ...{ payment_hash: 'p', quote_id: 'q', quote_expiry: null, amount: 5, fee_reserve: 2 },
    ...{ input_fee: 1, keep_amount: 4, source_token_ids: ['t'], inputs: [coin('a')], blanks: [] },
    ...{ swap: null, refusal: null, observations: [], actor: 'me', created_at: AT, updated_at: AT },
    ...more,
  };
}

function failed(more: Partial<FailedOperation> = {}): FailedOperation {
  const { state: _, ...rest } = prepared();
  const end = { failed_at: AT, reason: 'released', submitted_at: null };
  return { ...rest, state: 'failed', ...end, ...more };
}

function kept(more: Partial<KeptOperation> = {}): KeptOperation {
  const first = prepared();
  return {
    first,
    payment: first,
    sent: { swap: null, melt: LATER },
    reply: null,
    released: false,
    database: null,
    ...more,
  };
}

const NOT_SENT = { swap: null, melt: null };

describe('caughtUp', () => {
  it('moves a payment on that had been sent', () => {
    const operation = prepared();
    expect(caughtUp(operation, kept())).toEqual({
      ...operation,
      state: 'submitting',
      submitted_at: LATER,
    });
  });

  it('moves an exchange on that had been sent', () => {
    const operation = prepared({ swap: SWAP });
    const known = kept({ first: operation, payment: null, sent: { swap: LATER, melt: null } });
    expect(caughtUp(operation, known)).toEqual({ ...operation, state: 'swapping', swap: SWAP });
  });

  it('knows of a released payment that it had left', () => {
    const operation = failed();
    expect(caughtUp(operation, kept())).toEqual({ ...operation, submitted_at: LATER });
  });

  it('knows of the payment that followed an exchange', () => {
    const blanks = [
      { blindedMessage: { amount: '0', B_: 'b', id: '01' }, blindingFactor: '1', secret: 's' },
    ];
    const payment = prepared({ swap: SWAP, inputs: [coin('new')], blanks, input_fee: 2 });
    const operation = failed({ swap: SWAP, inputs: [coin('new')] });
    const known = kept({ first: prepared({ swap: SWAP, inputs: [coin('old')] }), payment });
    expect(caughtUp(operation, known)).toMatchObject({ blanks, input_fee: 2, submitted_at: LATER });
  });

  it.each<[string, MeltOperation, KeptOperation | null]>([
    ['without a journal', prepared(), null],
    ['where nothing was sent', prepared(), kept({ sent: NOT_SENT })],
    ['where nothing was sent and it was released', failed(), kept({ sent: NOT_SENT })],
    ['of another operation', prepared({ _id: 'other' }), kept()],
    ['whose request is known', failed({ submitted_at: AT }), kept()],
    [
      'that was refused before it left',
      failed({ refusal: { kind: 'never_left', code: null, message: '' } }),
      kept(),
    ],
    [
      'whose exchange is not booked yet',
      failed({ swap: SWAP, inputs: SWAP.inputs }),
      kept({ payment: prepared({ swap: SWAP, inputs: [coin('new')] }) }),
    ],
    [
      'whose coins are others',
      failed({ swap: SWAP, inputs: [coin('strange')] }),
      kept({ payment: prepared({ swap: SWAP, inputs: [coin('new')] }) }),
    ],
    ['in flight', { ...prepared(), state: 'submitting', submitted_at: AT }, kept()],
  ])('leaves an operation %s as it is', (_, operation, known) => {
    expect(caughtUp(operation, known)).toBe(operation);
  });
});

describe('broughtBack', () => {
  it('is a released payment that may have left, and holds no token', () => {
    expect(broughtBack(kept(), LATER)).toMatchObject({
      ...{ _id: 'op', state: 'failed', rev: 1, reason: BROUGHT_BACK, submitted_at: LATER },
      ...{ keep_amount: 0, source_token_ids: [], inputs: [coin('a')] },
    });
  });

  it('begins again at the exchange, where there was one', () => {
    const first = prepared({ swap: SWAP, inputs: SWAP.inputs });
    const sent = { swap: AT, melt: LATER };
    expect(broughtBack(kept({ first, sent }), LATER)?.submitted_at).toBeNull();
  });

  it('is nothing where nothing was sent', () => {
    expect(broughtBack(kept({ sent: NOT_SENT }), LATER)).toBeNull();
  });
});

describe('keptOperation', () => {
  const written = (entries: JournalEntry[]) => keptOperation(JSON.parse(JSON.stringify(entries)));

  it('reads back what was written, dates included', () => {
    const operation = prepared();
    const entries: JournalEntry[] = [
      { kind: 'intent', operation },
      { kind: 'sent', request: 'melt', at: LATER },
      { kind: 'reply', reading: { state: 'PAID', preimage: 'x', change: [] } },
    ];
    expect(written(entries)).toEqual({
      first: operation,
      payment: operation,
      sent: { swap: null, melt: LATER },
      reply: { state: 'PAID', preimage: 'x', change: [] },
      released: false,
      database: null,
    });
  });

  it('knows the payment after an exchange only when it was written', () => {
    const first = prepared({ swap: SWAP });
    const after = {
      ...prepared({ swap: SWAP, inputs: [coin('new')] }),
      state: 'submitting',
      submitted_at: LATER,
    };
    expect(written([{ kind: 'intent', operation: first }])?.payment).toBeNull();
    const both: JournalEntry[] = [
      { kind: 'intent', operation: first },
      { kind: 'intent', operation: after },
    ];
    expect(written(both)?.payment).toMatchObject({ inputs: [coin('new')] });
  });

  it.each<[string, JournalEntry[]]>([
    ['nothing', []],
    ['only a reply', [{ kind: 'reply', reading: { state: 'PAID', preimage: null, change: [] } }]],
    [
      'an operation without coins',
      [{ kind: 'intent', operation: { ...prepared(), inputs: 'none' } }],
    ],
    ['no operation', [{ kind: 'intent', operation: null }]],
  ])('is null for %s', (_, entries) => {
    expect(written(entries)).toBeNull();
  });
});
