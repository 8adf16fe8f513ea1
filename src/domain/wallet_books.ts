import {
  isExchanged,
  isOpen,
  isSettled,
  type MeltOperation,
  type StoredOutput,
} from './melt_operation.ts';
import type { TokenStatus } from './proof.ts';
import { isReadable } from './readable_operation.ts';

/*
 * The books of one wallet, drawn up from its tokens and its operations alone:
 *
 *   came in = live + paid out + fees + spent otherwise + in failed tokens + difference
 *
 * A coin counts once, wherever it stands. What came in is every coin that no operation of this tool
 * has made. All amounts in sat.
 */

/** What is read of a token. */
export interface BookToken {
  transaction_id: string;
  status: TokenStatus;
  transaction_type: string;
  total_amount: number;
  proofs: readonly { secret: string; amount: number; Y?: string }[];
}

/** Spent, and no operation of this tool stands for it. */
export interface SpentOtherwise {
  /** Handed to somebody as ecash. */
  sent: number;
  /** Found spent at the mint by a reconciliation, which is in the audit log. */
  elsewhere: number;
  /** Nothing says by what: older data, or the wallet service itself. */
  unattributed: number;
}

/** An operation whose own sums are not in the tokens, or that cannot be read. */
export interface BookFault {
  operation_id: string;
  /** Above 0: so much of its change is in no token. Below: so much more is there than it gave. */
  missing: number;
  /** Somebody changed it by hand, so nothing of it is in the books. */
  unreadable: boolean;
}

/** A live token that says another amount than its coins have: the balance counts what it says. */
export interface TokenFault {
  transaction_id: string;
  /** Null where it says none. */
  says: number | null;
  holds: number;
}

export interface BooksOfWallet {
  came_in: number;
  live: number;
  /** Of `live`, what open payments hold, whose end is not in these books. */
  held: number;
  open_payments: number;
  /** Live coins that stand in a second token: the balance counts them again. */
  counted_twice: number;
  paid_out: number;
  fees: number;
  spent_otherwise: SpentOtherwise;
  failed: number;
  /** 0 where the books close. */
  difference: number;
  faults: BookFault[];
  token_faults: TokenFault[];
}

type Fate = 'live' | 'spent' | 'failed';

interface Coin {
  amount: number;
  fate: Fate;
  sent: boolean;
  Y: string | null;
}

/** What an operation has turned into what. */
interface Conversion {
  operation_id: string;
  consumed: readonly { secret: string; amount: number; Y: string }[];
  produced: readonly StoredOutput[];
  paid_out: number;
  fees: number;
}

/** Draws up the books of one wallet. Operations and tokens come in any order. */
export class WalletBooks {
  readonly #coins = new Map<string, Coin>();
  readonly #conversions: Conversion[] = [];
  readonly #foundSpent: ReadonlySet<string>;
  readonly #tokenFaults: TokenFault[] = [];
  readonly #unreadable: BookFault[] = [];
  readonly #held = new Set<string>();
  #openPayments = 0;
  #countedTwice = 0;

  /** @param foundSpent public names (Y) of coins that reconciliations found spent */
  constructor(foundSpent: ReadonlySet<string>) {
    this.#foundSpent = foundSpent;
  }

  addToken({ transaction_id, status, transaction_type, total_amount, proofs }: BookToken): void {
    const fate = fateOf(status);
    const sound = soundProofs(proofs);
    const holds = total(sound, ({ amount }) => amount);
    if (fate === 'live' && total_amount !== holds) {
      const says = typeof total_amount === 'number' ? total_amount : null;
      this.#tokenFaults.push({ transaction_id, says, holds });
    }
    for (const { secret, amount, Y } of sound) {
      const known = this.#coins.get(secret);
      if (known?.fate === 'live' && fate === 'live') this.#countedTwice += amount;
      // A coin that is live in one token and spent in an older one is live.
      if (known !== undefined && known.fate === 'live') continue;
      const sent = transaction_type === 'sent' || known?.sent === true;
      this.#coins.set(secret, { amount, fate: stronger(known?.fate, fate), sent, Y: Y ?? null });
    }
  }

  addOperation(operation: MeltOperation): void {
    if (!isReadable(operation)) {
      const operation_id = String(operation._id);
      this.#unreadable.push({ operation_id, missing: 0, unreadable: true });
      return;
    }
    if (isOpen(operation)) {
      this.#openPayments += 1;
      for (const { secret } of operation.inputs) this.#held.add(secret);
    }
    this.#conversions.push(...conversionsOf(operation));
  }

  close(): BooksOfWallet {
    const consumed = new Set<string>();
    const produced = new Set<string>();
    for (const conversion of this.#conversions) {
      for (const { secret, amount, Y } of conversion.consumed) {
        consumed.add(secret);
        // Its token may have been cleared away since.
        if (!this.#coins.has(secret)) {
          this.#coins.set(secret, { amount, fate: 'spent', sent: false, Y });
        }
      }
      for (const output of conversion.produced) produced.add(secretOf(output));
    }
    const sums = this.#sums(consumed, produced);
    const paid_out = total(this.#conversions, (one) => one.paid_out);
    const fees = total(this.#conversions, (one) => one.fees);
    const { came_in, live, failed, spent_otherwise } = sums;
    const gone = spent_otherwise.sent + spent_otherwise.elsewhere + spent_otherwise.unattributed;
    return {
      ...sums,
      open_payments: this.#openPayments,
      counted_twice: this.#countedTwice,
      paid_out,
      fees,
      difference: came_in - live - paid_out - fees - gone - failed,
      faults: [...this.#unreadable, ...this.#faults()],
      token_faults: this.#tokenFaults,
    };
  }

  #sums(consumed: ReadonlySet<string>, produced: ReadonlySet<string>) {
    const sums = { came_in: 0, live: 0, held: 0, failed: 0 };
    const spent_otherwise: SpentOtherwise = { sent: 0, elsewhere: 0, unattributed: 0 };
    for (const [secret, coin] of this.#coins) {
      if (!produced.has(secret)) sums.came_in += coin.amount;
      if (coin.fate === 'live' && this.#held.has(secret)) sums.held += coin.amount;
      if (coin.fate === 'live') sums.live += coin.amount;
      else if (consumed.has(secret)) continue;
      else if (coin.fate === 'failed') sums.failed += coin.amount;
      else spent_otherwise[this.#howSpent(coin)] += coin.amount;
    }
    return { ...sums, spent_otherwise };
  }

  #howSpent({ sent, Y }: Coin): keyof SpentOtherwise {
    if (sent) return 'sent';
    return Y !== null && this.#foundSpent.has(Y) ? 'elsewhere' : 'unattributed';
  }

  /** By operation: what it took must be what it paid and what came back. */
  #faults(): BookFault[] {
    const missing = new Map<string, number>();
    for (const { operation_id, consumed, produced, paid_out, fees } of this.#conversions) {
      const stored = total(produced, (output) => this.#coins.get(secretOf(output))?.amount ?? 0);
      const lacks = total(consumed, ({ amount }) => amount) - paid_out - fees - stored;
      missing.set(operation_id, (missing.get(operation_id) ?? 0) + lacks);
    }
    return [...missing]
      .filter(([, sat]) => sat !== 0)
      .map(([operation_id, sat]) => ({ operation_id, missing: sat, unreadable: false }));
  }
}

/** Its exchange of coins, where that happened; its payment, where that was made. */
function conversionsOf(operation: MeltOperation): Conversion[] {
  const { _id: operation_id, inputs, blanks, amount, input_fee } = operation;
  const found: Conversion[] = [];
  if (isExchanged(operation)) {
    const { swap } = operation;
    const produced = [...swap.send_outputs, ...swap.keep_outputs];
    found.push({ operation_id, consumed: swap.inputs, produced, paid_out: 0, fees: swap.fee });
  }
  if (isSettled(operation)) {
    const fees = operation.lightning_fee + input_fee;
    found.push({ operation_id, consumed: inputs, produced: blanks, paid_out: amount, fees });
  }
  return found;
}

/** A token of another service may have none, and one that was changed by hand may hold anything. */
function soundProofs(proofs: unknown): BookToken['proofs'] {
  return Array.isArray(proofs) ? proofs.filter(isSoundProof) : [];
}

function isSoundProof(proof: unknown): boolean {
  const { secret, amount } = (proof ?? {}) as { secret?: unknown; amount?: unknown };
  return typeof secret === 'string' && Number.isSafeInteger(amount);
}

/** An output keeps the bytes of its secret in hex. */
function secretOf({ secret }: StoredOutput): string {
  return Buffer.from(secret, 'hex').toString('utf8');
}

function fateOf(status: TokenStatus): Fate {
  if (status === 'unspent' || status === 'pending') return 'live';
  return status === 'spent' ? 'spent' : 'failed';
}

/** Live counts before spent, and spent before failed. */
function stronger(one: Fate | undefined, other: Fate): Fate {
  if (one === undefined || one === 'failed') return other;
  return one === 'spent' && other === 'failed' ? one : other;
}

function total<T>(all: readonly T[], satOf: (one: T) => number): number {
  return all.reduce((sum, one) => sum + satOf(one), 0);
}
