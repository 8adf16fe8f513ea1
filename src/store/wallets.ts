import { mongo } from 'mongoose';
import { z } from 'zod';
import { CashuOpsError } from '../domain/errors.ts';
import type { AuditLog } from './audit_log.ts';
import type { Store } from './connection.ts';
import { walletsOf } from './documents.ts';
import { PUBLIC_FIELDS, type Wallet } from './wallet_reads.ts';

const newWalletSchema = z.strictObject({
  npub: z.string().min(1),
  mint_url: z.string().min(1),
  p2pk_pubkey: z.string().min(1),
  p2pk_privkey: z.string().min(1),
  wallet_config: z.strictObject({
    unit: z.string().min(1),
    created_via: z.string().min(1).optional(),
  }),
});
export type NewWallet = z.input<typeof newWalletSchema>;

/** What may change: not whose wallet it is, not at which mint, not what its numbers mean. */
const walletUpdateSchema = z.strictObject({
  p2pk_pubkey: z.string().min(1).optional(),
  p2pk_privkey: z.string().min(1).optional(),
  created_via: z.string().min(1).optional(),
});
export type WalletUpdate = z.input<typeof walletUpdateSchema>;

/**
 * Stores a wallet, with its audit event.
 *
 * @throws CashuOpsError INVALID_ARGUMENT for missing or unknown fields, WALLET_EXISTS
 */
export async function createWallet(
  store: Store,
  audit: AuditLog,
  fields: NewWallet,
  now: Date,
): Promise<Wallet> {
  const { p2pk_privkey, ...known } = parseFields(newWalletSchema, fields, 'wallet');
  const wallet: Wallet = { _id: new mongo.ObjectId(), ...known, createdAt: now, updatedAt: now };
  await store.transactions.run(async (session) => {
    await walletsOf(store.db).insertOne({ ...wallet, p2pk_privkey }, { session });
    const { npub, mint_url } = wallet;
    await audit.createAuditLogEntry(session, {
      type: 'wallet_created',
      severity: 'INFO',
      npub,
      mint_url,
    });
  });
  return wallet;
}

/**
 * Changes what may change of a wallet.
 *
 * @throws CashuOpsError INVALID_ARGUMENT for any other field, WALLET_NOT_FOUND
 */
export async function updateWallet(
  { db, transactions }: Store,
  audit: AuditLog,
  { npub, mintUrl }: { npub: string; mintUrl: string },
  updates: WalletUpdate,
  now: Date,
): Promise<Wallet> {
  const { created_via, ...keys } = parseFields(walletUpdateSchema, updates, 'wallet update');
  const $set = {
    ...keys,
    ...(created_via !== undefined && { 'wallet_config.created_via': created_via }),
    updatedAt: now,
  };
  const wallet = await transactions.run(async (session) => {
    const updated = await walletsOf(db).findOneAndUpdate(
      { npub, mint_url: mintUrl },
      { $set },
      { projection: PUBLIC_FIELDS, returnDocument: 'after', session },
    );
    if (updated === null) return null;
    // Names only: one of them is a key.
    const note = `changed: ${Object.keys(updates).join(', ')}`;
    await audit.createAuditLogEntry(session, {
      ...{ type: 'wallet_updated', severity: 'INFO', npub, mint_url: mintUrl, note },
    });
    return updated as Wallet;
  });
  if (wallet !== null) return wallet;
  throw new CashuOpsError(
    'WALLET_NOT_FOUND',
    `There is no wallet of ${npub} at ${mintUrl}. See them with "cashu-ops balance --npub ${npub}".`,
  );
}

/** Zod's messages may quote what was given, a private key here, so only the paths are named. */
function parseFields<T>(schema: z.ZodType<T>, fields: unknown, what: string): T {
  const parsed = schema.safeParse(fields);
  if (parsed.success) return parsed.data;
  const paths = parsed.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys' ? issue.keys : [issue.path.join('.')],
  );
  throw new CashuOpsError(
    'INVALID_ARGUMENT',
    `These fields of the ${what} are missing, unknown or not allowed: ${paths.join(', ')}.`,
  );
}
