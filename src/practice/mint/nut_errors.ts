/**
 * The refusals of a mint, as the protocol numbers them (NUT `error_codes.md`).
 */

/** Error codes of the protocol that the practice mint answers with. */
export const NUT_CODE = {
  proofInvalid: 10001,
  alreadySpent: 11001,
  inputsPending: 11002,
  outputsSigned: 11003,
  outputsPending: 11004,
  notBalanced: 11005,
  outsideLimits: 11006,
  duplicateInputs: 11007,
  duplicateOutputs: 11008,
  amountlessInvoice: 11011,
  amountDiffers: 11012,
  unitNotSupported: 11013,
  tooManyInputs: 11014,
  tooManyOutputs: 11015,
  keysetUnknown: 12001,
  keysetInactive: 12002,
  /** The generic Lightning error: the mint does not know how the payment ended. */
  lightningUnknown: 20000,
  quoteNotPaid: 20001,
  quoteIssued: 20002,
  disabled: 20003,
  paymentFailed: 20004,
  quotePending: 20005,
  invoicePaid: 20006,
  quoteExpired: 20007,
  /** What CDK answers for everything that has no number, an unknown quote included. */
  unknownQuote: 50000,
} as const;

export type NutErrorName = keyof typeof NUT_CODE;

/** A refusal that the wallet gets to see as `{detail, code}`. */
export class MintRefusal extends Error {
  readonly code: number;
  readonly status: number;

  /**
   * @param name which refusal
   * @param detail one sentence for the wallet, without secrets
   * @param status HTTP status, 400 by the specification
   */
  constructor(name: NutErrorName, detail: string, status = 400) {
    super(detail);
    this.name = 'MintRefusal';
    this.code = NUT_CODE[name];
    this.status = status;
  }
}
