/**
 * Where the practice mint and Nutshell may differ, and why. The comparison allows exactly these,
 * with exactly these values: what is listed here and no longer differs is an error as well.
 */

/** What each mint does: Nutshell first, then the practice mint; `absent` is a missing field. */
type Both = readonly [nutshell: unknown, practice: unknown];

interface KnownDifference {
  why: string;
  /** By the place in the flow's outcome: `flow.path`. */
  at: Readonly<Record<string, Both>>;
}

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    why: 'Nutshell has no number for an unknown quote; the practice mint answers as CDK does.',
    at: {
      'mintCoins.unknown_quote.code': [0, 50000],
      'refusedMelts.unknown_quote.code': [0, 50000],
      'refusedMelts.quote_read.code': [0, 50000],
    },
  },
  {
    why: 'Nutshell answers its general 11000 where the protocol has a number for the imbalance.',
    at: {
      'unbalancedSwap.fee_forgotten.code': [11000, 11005],
      'unbalancedSwap.more_than_inputs.code': [11000, 11005],
      'unbalancedSwap.something_left.code': [11000, 11005],
      'refusedMelts.without_the_reserve.code': [11000, 11005],
    },
  },
  {
    why: 'Nutshell answers its general 11000 for a quote or an invoice that is pending or paid.',
    at: {
      'meltPendingThenPaid.pending.same_request_again.code': [11000, 20005],
      'meltPendingThenPaid.pending.other_melt_of_invoice.code': [11000, 20005],
      'meltPendingThenPaid.melted_again.code': [11000, 20006],
      'meltWithChange.melted_again.code': [11000, 20006],
      'meltWithChange.other_melt_of_invoice.code': [11000, 20006],
    },
  },
  {
    why: 'Nutshell checks the form of a request in its web framework, which knows no code.',
    at: {
      'checkStates.too_many.error': ['HttpResponseError', 'MintOperationError'],
      'checkStates.too_many.status': [422, 400],
      'checkStates.too_many.code': [null, 11014],
    },
  },
  {
    why: 'A swap without outputs: Nutshell asserts (code 0), the practice mint checks the form.',
    at: {
      'unbalancedSwap.no_outputs.error': ['MintOperationError', 'HttpResponseError'],
      'unbalancedSwap.no_outputs.status': [400, 422],
      'unbalancedSwap.no_outputs.code': [0, null],
    },
  },
  {
    why: 'Nutshell has no number for an invoice that it cannot read or a unit that it lacks.',
    at: {
      'refusedMelts.invoice_without_amount.code': [0, 11011],
      'refusedMelts.no_invoice.code': [0, 11012],
      'refusedMelts.unknown_unit.code': [10000, 11013],
    },
  },
  {
    why: 'NUT-08 leaves the order of change open: Nutshell starts with the largest amount.',
    at: {
      'meltWithChange.change': [
        [2048, 1024, 512, 128, 64, 16],
        [16, 64, 128, 512, 1024, 2048],
      ],
      'meltWithChange.after.restored': [
        [2048, 1024, 512, 128, 64, 16],
        [16, 64, 128, 512, 1024, 2048],
      ],
      'meltOwnInvoice.after.restored': [
        [32, 8, 2, 1],
        [1, 2, 8, 32],
      ],
      'meltPendingThenPaid.after.restored': [
        [32, 8, 2, 1],
        [1, 2, 8, 32],
      ],
      'meltSlowly.after.restored': [
        [32, 8, 2],
        [2, 8, 32],
      ],
      'walletGoesAway.after.restored': [
        [32, 8, 2],
        [2, 8, 32],
      ],
      'meltAsynchronously.after.restored': [
        [32, 8, 2],
        [2, 8, 32],
      ],
    },
  },
  {
    why: 'Nutshell does not look up the preimage of an invoice that it settles inside.',
    at: {
      'meltOwnInvoice.preimage_in_reply': [false, true],
      'meltOwnInvoice.after.quote.preimage_shown': [false, true],
    },
  },
  {
    why: 'Optional fields, and `paid` from before NUT-05 had states.',
    at: {
      'wireShapes.keysets.keysets[].final_expiry': ['null', 'absent'],
      'wireShapes.mint_quote.amount_issued': ['number', 'absent'],
      'wireShapes.mint_quote.amount_paid': ['number', 'absent'],
      'wireShapes.mint_quote.updated_at': ['number', 'absent'],
      'wireShapes.mint_quote.pubkey': ['null', 'absent'],
      'wireShapes.melt_quote.paid': ['boolean', 'absent'],
      'wireShapes.melt_quote_unpaid.paid': ['boolean', 'absent'],
      'wireShapes.melt_quote_paid.paid': ['boolean', 'absent'],
      'wireShapes.melt.paid': ['boolean', 'absent'],
      'wireShapes.restore.outputs[].C_': ['null', 'absent'],
    },
  },
  {
    why: 'No change: Nutshell says so in two ways, the practice mint leaves the field out.',
    at: {
      'wireShapes.melt_quote.change': ['null', 'absent'],
      'wireShapes.melt_quote_unpaid.change': ['empty array', 'absent'],
    },
  },
];
