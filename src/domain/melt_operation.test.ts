import { describe, expect, it } from 'vitest';
import {
  isOpen,
  isSubmitted,
  type MeltOperation,
  OPEN_STATES,
  type OperationBase,
  type OperationState,
  OWNING_STATES,
  totalInputFee,
  totalKept,
} from './melt_operation.ts';

const AT = new Date('2026-01-01T00:00:00Z');
const SWAP = { inputs: [], fee: 2, send_outputs: [], keep_outputs: [], keep_amount: 30 };

const BASE: OperationBase = {
  _id: 'op',
  rev: 3,
  transaction_id: 'melt_1',
  operation_hash: '9f'.repeat(32),
  npub: 'npub1x',
  wallet_id: 'w',
  mint_url: 'https://mint.test',
  unit: 'sat',
  invoice: 'lnbcrt1',
  payment_hash: '9f'.repeat(32),
  quote_id: 'q',
  quote_expiry: null,
  amount: 100,
  fee_reserve: 2,
  input_fee: 1,
  keep_amount: 5,
  source_token_ids: ['t'],
  inputs: [],
  blanks: [],
  swap: null,
  refusal: null,
  observations: [],
  actor: 'a',
  created_at: AT,
  updated_at: AT,
};

const submitted = { ...BASE, submitted_at: AT };
const settled = {
  settled_at: AT,
  lightning_fee: 1,
  change_amount: 0,
  preimage: null,
  preimage_valid: false,
};

/** One operation in each state; a state that is added does not compile until it stands here. */
const IN_STATE: { [S in OperationState]: Extract<MeltOperation, { state: S }> } = {
  prepared: { ...BASE, state: 'prepared' },
  swapping: { ...BASE, state: 'swapping', swap: SWAP },
  submitting: { ...submitted, state: 'submitting' },
  pending: { ...submitted, state: 'pending', reason: 'r' },
  needs_attention: { ...submitted, state: 'needs_attention', reason: 'r' },
  paid: { ...submitted, ...settled, state: 'paid' },
  paid_again: { ...submitted, ...settled, state: 'paid_again', paid_first: 'o' },
  failed: { ...BASE, state: 'failed', failed_at: AT, reason: 'r', submitted_at: null },
};

function statesWhere(holds: (operation: MeltOperation) => boolean): string[] {
  return Object.values(IN_STATE).flatMap((operation) =>
    holds(operation) ? [operation.state] : [],
  );
}

describe('the states', () => {
  it('are open until paid or failed', () => {
    const open = ['prepared', 'swapping', 'submitting', 'pending', 'needs_attention'];
    expect(statesWhere(isOpen)).toEqual(open);
    expect([...OPEN_STATES]).toEqual(open);
  });

  it('count as submitted from T2 on', () => {
    expect(statesWhere(isSubmitted)).toEqual(['submitting', 'pending', 'needs_attention']);
  });

  it('own their invoice while open, and for good when paid', () => {
    expect([...OWNING_STATES]).toEqual([...OPEN_STATES, 'paid']);
  });
});

describe('the sums', () => {
  it('hold the fee and the rest of the swap beside those of the melt', () => {
    expect(totalInputFee(BASE)).toBe(1);
    expect(totalKept(BASE)).toBe(5);
    expect(totalInputFee(IN_STATE.swapping)).toBe(3);
    expect(totalKept(IN_STATE.swapping)).toBe(35);
  });
});
