/**
 * The keysets of the practice mint: one key pair for each power of two (NUT-01, NUT-02).
 */

import { createHash } from 'node:crypto';
import { createNewMintKeys, pointFromHex, serializeMintKeys } from '@cashu/cashu-ts';
import { type SigningKey, scalarOf } from './blind_signatures.ts';
import { MintRefusal } from './nut_errors.ts';

/** Denominations 2^0 to 2^31: one coin can hold more than any practice wallet. */
const DENOMINATIONS = 32;

export interface MintKeyset {
  id: string;
  unit: 'sat';
  active: boolean;
  input_fee_ppk: number;
  /** Public keys by amount, as NUT-01 shows them. */
  keys: Record<string, string>;
  /** The key pair of an amount; undefined for an amount that is no denomination. */
  keyFor(amountSat: number): SigningKey | undefined;
}

function makeKeyset(seed: Uint8Array, version: 0 | 1, inputFeePpk: number): MintKeyset {
  const pair = createNewMintKeys(DENOMINATIONS, seed, {
    unit: 'sat',
    input_fee_ppk: inputFeePpk,
    versionByte: version,
  });
  const keys = serializeMintKeys(pair.pubKeys);
  const ready = new Map<number, SigningKey>();
  const keyFor = (amountSat: number): SigningKey | undefined => {
    const known = ready.get(amountSat);
    const privateKey = pair.privKeys[String(amountSat)];
    const publicKey = keys[String(amountSat)];
    if (known !== undefined || privateKey === undefined || publicKey === undefined) return known;
    const made = { scalar: scalarOf(privateKey), publicPoint: pointFromHex(publicKey) };
    ready.set(amountSat, made);
    return made;
  };
  return {
    id: pair.keysetId,
    unit: 'sat',
    active: true,
    input_fee_ppk: inputFeePpk,
    keys,
    keyFor,
  };
}

/** All keysets of one mint; the newest active one is the current one. */
export class Keysets {
  readonly #seed: string;
  readonly #version: 0 | 1;
  readonly #keysets: MintKeyset[] = [];

  /**
   * @param seed hex; every keyset follows from it and from its number
   * @param version 1 for ids that commit to unit and fee (`01…`), 0 for the short ones (`00…`)
   * @param inputFeePpk fee of the first keyset, in thousandths of a sat for each input
   */
  constructor(seed: string, version: 0 | 1, inputFeePpk: number) {
    this.#seed = seed;
    this.#version = version;
    this.add(inputFeePpk);
  }

  /** Adds an active keyset with keys of its own. */
  add(inputFeePpk: number): MintKeyset {
    const seed = createHash('sha256').update(`${this.#seed}/keyset/${this.#keysets.length}`);
    const keyset = makeKeyset(seed.digest(), this.#version, inputFeePpk);
    this.#keysets.push(keyset);
    return keyset;
  }

  /**
   * Starts a new keyset.
   *
   * @param inputFeePpk its fee; the current one's by default
   * @param retireOld whether the others stop signing (their coins stay good)
   */
  rotate(inputFeePpk: number | undefined, retireOld: boolean): MintKeyset {
    const fee = inputFeePpk ?? this.current().input_fee_ppk;
    if (retireOld) for (const keyset of this.#keysets) keyset.active = false;
    return this.add(fee);
  }

  all(): readonly MintKeyset[] {
    return this.#keysets;
  }

  current(): MintKeyset {
    const newest = this.#keysets.findLast((keyset) => keyset.active);
    if (newest === undefined) throw new MintRefusal('keysetInactive', 'no keyset is active');
    return newest;
  }

  /** A keyset by id, or refusal 12001. */
  get(id: string): MintKeyset {
    const keyset = this.#keysets.find((candidate) => candidate.id === id);
    if (keyset === undefined) throw new MintRefusal('keysetUnknown', 'keyset is not known');
    return keyset;
  }

  /** Some other keyset than this one; made on the spot while there is only one. */
  other(id: string): MintKeyset {
    const known = this.#keysets.findLast((keyset) => keyset.id !== id);
    return known ?? this.add(this.current().input_fee_ppk);
  }
}
