/**
 * The hand behind the practice mint: what each control verb does.
 */

import type { ControlRequest, ControlResponse, ControlVerb } from './control_contract.ts';
import { payMintQuote } from './deposit_service.ts';
import type { FaultBook } from './fault_rules.ts';
import { makePracticeInvoice } from './invoices.ts';
import { type MintState, nowS } from './mint_state.ts';
import type { Traffic } from './traffic.ts';

export interface ControlDeps {
  mint: MintState;
  faults: FaultBook;
  traffic: Traffic;
}

type ControlHandlers = {
  [V in ControlVerb]: (deps: ControlDeps, request: ControlRequest<V>) => ControlResponse<V>;
};

const DONE = { done: true } as const;

export const CONTROL_HANDLERS: ControlHandlers = {
  create_invoice: ({ mint }, options) => makePracticeInvoice(options, mint.nodeKey, nowS(mint)),
  set_payment_behaviour: ({ mint }, { payment_hash, behaviour }) => {
    mint.lightning.setBehaviour(payment_hash, behaviour);
    return DONE;
  },
  resolve_payment: ({ mint }, { payment_hash, outcome }) => ({
    count: mint.lightning.resolve(payment_hash, outcome === 'succeed'),
  }),
  payments: ({ mint }) => mint.lightning.payments(),
  pay_mint_quote: ({ mint }, { quote }) => {
    payMintQuote(mint, quote);
    return DONE;
  },
  ledger: ({ mint }) => mint.ledger.report(),
  states: ({ mint }, { ys }) => ({ states: ys.map((y) => mint.ledger.stateOf(y).state) }),
  signed: ({ mint }, { outputs }) => ({
    amounts: outputs.map((B_) => mint.ledger.signatureOf(B_)?.amount ?? null),
  }),
  set_state: ({ mint }, { ys, state }) => {
    mint.ledger.injectState(ys, state);
    return DONE;
  },
  set_faults: ({ faults }, { rules }) => {
    faults.set(rules);
    return DONE;
  },
  requests: ({ traffic }) => traffic.counts(),
  reset_requests: ({ traffic }) => {
    traffic.reset();
    return DONE;
  },
  melt_requests: ({ traffic }) => ({ requests: [...traffic.melts()] }),
  rotate_keyset: ({ mint }, { input_fee_ppk, retire_old }) => ({
    id: mint.keysets.rotate(input_fee_ppk, retire_old).id,
  }),
  set_info: ({ mint }, { patch }) => {
    mint.infoPatches = [...mint.infoPatches, patch];
    return DONE;
  },
  reset_info: ({ mint }) => {
    mint.infoPatches = [];
    return DONE;
  },
  configure: ({ mint }, patch) => {
    mint.settings = { ...mint.settings, ...patch };
    return mint.settings;
  },
};
