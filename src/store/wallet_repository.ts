import type { mongo } from 'mongoose';
import type { AuditEventData } from '../domain/audit_event.ts';
import { generateOperationHash, type OperationHashParams } from '../domain/operation_hash.ts';
import type { StoredProof, TokenStatus } from '../domain/proof.ts';
import { generateTransactionId } from '../domain/transaction_id.ts';
import type { AuditEntry, AuditLog } from './audit_log.ts';
import {
  type BalanceRow,
  calculateBalance,
  type DetailedBalance,
  getDetailedBalance,
  readBalances,
} from './balance.ts';
import type { Store } from './connection.ts';
import type { TokenDocument } from './documents.ts';
import {
  type AtomicMeltResult,
  executeAtomicMelt,
  type TransactionIdCheck,
  validateTransactionId,
} from './execute_atomic_melt.ts';
import { getTransactionHistory, type HistoryOptions, type HistoryPage } from './history.ts';
import type { AtomicMeltMetadata } from './melt_atomic.ts';
import {
  type ExpectedMeltState,
  type PostMeltReconciliation,
  performPostMeltReconciliation,
} from './post_melt_reconciliation.ts';
import { findUnspentTokens, type PageOptions, type TokenPage } from './token_reads.ts';
import { selectTokensForSpending, type TokenSelection } from './token_selection.ts';
import { markTokensAsSpent, storeTokens, type TokenData } from './tokens.ts';
import { findWallet, listWallets, type Wallet, type WalletSelection } from './wallet_reads.ts';
import { createWallet, type NewWallet, updateWallet, type WalletUpdate } from './wallets.ts';

/** Wallets and tokens under the names that the wallet service uses. */
export interface WalletRepository {
  createWallet(wallet: NewWallet): Promise<Wallet>;
  findWallet(npub: string, mintUrl: string): Promise<Wallet | null>;
  updateWallet(npub: string, mintUrl: string, updates: WalletUpdate): Promise<Wallet>;
  listWallets(selection: WalletSelection): mongo.FindCursor<Wallet>;
  storeTokens(token: TokenData): Promise<TokenDocument>;
  findUnspentTokens(npub: string, mintUrl: string, page?: PageOptions): Promise<TokenPage>;
  markTokensAsSpent(
    tokenIds: readonly (mongo.ObjectId | string)[],
    options?: { session?: mongo.ClientSession },
  ): Promise<{ modified: number }>;
  selectTokensForSpending(npub: string, amount: number, mintUrl: string): Promise<TokenSelection>;
  calculateBalance(npub: string, mintUrl?: string, status?: TokenStatus): Promise<number>;
  getDetailedBalance(npub: string, mintUrl?: string): Promise<DetailedBalance>;
  readBalances(selection: WalletSelection): AsyncGenerator<BalanceRow>;
  getTransactionHistory(npub: string, options?: HistoryOptions): Promise<HistoryPage>;
  executeAtomicMelt(
    sourceTokenIds: readonly (mongo.ObjectId | string)[],
    keepProofs: readonly StoredProof[] | null | undefined,
    meltChangeProofs: readonly StoredProof[] | null | undefined,
    transactionId: string,
    metadata: AtomicMeltMetadata,
  ): Promise<AtomicMeltResult>;
  validateTransactionId(transactionId: string, operationType?: string): Promise<TransactionIdCheck>;
  generateTransactionId(prefix?: string): string;
  generateOperationHash(operationParams: OperationHashParams): string;
  performPostMeltReconciliation(
    transactionId: string,
    expectedState: ExpectedMeltState,
    npub: string,
    mintUrl: string,
  ): Promise<PostMeltReconciliation>;
  createAuditLogEntry(auditData: AuditEventData): Promise<AuditEntry>;
}

export interface WalletRepositoryOptions {
  audit: AuditLog;
  now?: () => Date;
}

/** @param store the open database; each method is described at the function of its name */
export function createWalletRepository(
  store: Store,
  { audit, now = () => new Date() }: WalletRepositoryOptions,
): WalletRepository {
  const { db } = store;
  return {
    createWallet: (wallet) => createWallet(store, audit, wallet, now()),
    findWallet: (npub, mintUrl) => findWallet(db, npub, mintUrl),
    updateWallet: (npub, mintUrl, updates) =>
      updateWallet(store, audit, { npub, mintUrl }, updates, now()),
    listWallets: (selection) => listWallets(db, selection),
    storeTokens: (token) => storeTokens(store, audit, token, now()),
    findUnspentTokens: (npub, mintUrl, page) => findUnspentTokens(db, npub, mintUrl, page),
    markTokensAsSpent: (tokenIds, options) =>
      markTokensAsSpent(store, audit, tokenIds, { ...options, now: now() }),
    selectTokensForSpending: (npub, amount, mintUrl) =>
      selectTokensForSpending(db, npub, amount, mintUrl),
    calculateBalance: (npub, mintUrl, status) => calculateBalance(db, npub, mintUrl, status),
    getDetailedBalance: (npub, mintUrl) => getDetailedBalance(db, npub, mintUrl),
    readBalances: (selection) => readBalances(db, selection),
    getTransactionHistory: (npub, options) => getTransactionHistory(db, npub, options),
    executeAtomicMelt: (sourceTokenIds, keepProofs, meltChangeProofs, transactionId, metadata) =>
      executeAtomicMelt(
        { store, audit, clock: now },
        sourceTokenIds,
        keepProofs,
        meltChangeProofs,
        transactionId,
        metadata,
      ),
    validateTransactionId: (transactionId, operationType) =>
      validateTransactionId(store, transactionId, operationType),
    generateTransactionId: (prefix) => generateTransactionId(prefix, now().getTime()),
    generateOperationHash,
    performPostMeltReconciliation: (transactionId, expectedState, npub, mintUrl) =>
      performPostMeltReconciliation({ store, audit }, transactionId, expectedState, npub, mintUrl),
    createAuditLogEntry: (auditData) => audit.createAuditLogEntry(null, auditData),
  };
}
