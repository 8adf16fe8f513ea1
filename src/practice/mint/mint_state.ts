/**
 * Everything that one practice mint knows and can do, handed to each of its services.
 */

import { createHash } from 'node:crypto';
import { getPubKeyFromPrivKey } from '@cashu/cashu-ts';
import { describeMint } from './info.ts';
import { Keysets } from './keysets.ts';
import { Ledger } from './ledger.ts';
import { PretendedLightning } from './lightning.ts';
import { Quotes } from './quotes.ts';
import type { MintSettings, MintStart } from './settings.ts';
import type { JsonObject } from './wire.ts';

export interface MintState {
  settings: MintSettings;
  readonly keysets: Keysets;
  readonly ledger: Ledger;
  readonly quotes: Quotes;
  readonly lightning: PretendedLightning;
  /** Private key of the node that issues the invoices, in hex. */
  readonly nodeKey: string;
  readonly nodePublicKey: string;
  /** Changes of the info, in the order they came (RFC 7396). */
  infoPatches: JsonObject[];
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

export function createMintState(start: MintStart, now: () => number): MintState {
  const nodeKey = createHash('sha256').update(`${start.seed}/node`).digest();
  return {
    settings: start.settings,
    keysets: new Keysets(start.seed, start.keyset_version, start.input_fee_ppk),
    ledger: new Ledger(),
    quotes: new Quotes(),
    lightning: new PretendedLightning(),
    nodeKey: nodeKey.toString('hex'),
    nodePublicKey: Buffer.from(getPubKeyFromPrivKey(nodeKey)).toString('hex'),
    infoPatches: [],
    now,
  };
}

/** Unix time in seconds. */
export function nowS(mint: MintState): number {
  return Math.floor(mint.now() / 1000);
}

/** What `/v1/info` answers at this moment; the services obey it. */
export function mintInfo(mint: MintState): JsonObject {
  return describeMint(mint.settings, mint.nodePublicKey, mint.infoPatches);
}

/** Whether the info claims an optional NUT. */
export function supports(mint: MintState, nut: 7 | 8 | 9 | 11 | 12 | 19): boolean {
  const setting = nutOf(mint, nut);
  return setting !== undefined && setting.supported !== false;
}

/** Whether minting (4) or melting (5) is switched off in the info. */
export function isDisabled(mint: MintState, nut: 4 | 5): boolean {
  const setting = nutOf(mint, nut);
  return setting === undefined || setting.disabled === true;
}

function nutOf(mint: MintState, nut: number): JsonObject | undefined {
  const nuts = mintInfo(mint).nuts as Record<string, JsonObject | undefined> | undefined;
  return nuts?.[String(nut)];
}
