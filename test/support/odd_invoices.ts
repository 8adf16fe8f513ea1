import { bech32 } from '@scure/base';
import bolt11 from 'bolt11';

const NODE_KEY = 'e126f68f7eafcc8b74f54d269fe206be715000f94dac067d1c04a8ca3b2db734';
const ZERO_HASH = '0'.repeat(64);
const REGTEST = {
  bech32: 'bcrt',
  pubKeyHash: 0x6f,
  scriptHash: 0xc4,
  validWitnessVersions: [0, 1],
};

/**
 * An invoice over more than can be counted exactly, which no library makes: the amount is written
 * into the prefix and the checksum made anew. Its signature does not hold any more; the amount is
 * what a reader meets first.
 *
 * @param btc whole bitcoin
 */
export function hugeInvoice(btc: bigint): string {
  const unsigned = bolt11.encode({
    network: REGTEST,
    millisatoshis: '1000',
    tags: [
      { tagName: 'payment_hash', data: ZERO_HASH },
      { tagName: 'description', data: '' },
    ],
  });
  const { paymentRequest = '' } = bolt11.sign(unsigned, NODE_KEY);
  const { words } = bech32.decode(paymentRequest as `${string}1${string}`, false);
  return bech32.encode(`lnbcrt${btc}`, words, false);
}
