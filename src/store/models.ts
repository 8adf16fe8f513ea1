import { type Connection, type Model, Schema } from 'mongoose';
import { MINT_STATES, TOKEN_STATUSES } from '../domain/proof.ts';
import { TOKENS, WALLETS } from './collections.ts';
import { TOKEN_SOURCES, type TokenDocument, type WalletDocument } from './documents.ts';
import { keepTokenRules } from './model_rules.ts';

/*
 * The models for programs that work with documents. The tool itself reads and writes natively;
 * both keep the same rules (`token_rules.ts`). Indexes are not declared here: `ensureStore` makes
 * them.
 */

const text = { type: String, required: true } as const;

function walletSchema(): Schema<WalletDocument> {
  return new Schema<WalletDocument>(
    {
      npub: text,
      mint_url: text,
      p2pk_pubkey: text,
      p2pk_privkey: { ...text, select: false },
      wallet_config: { unit: text, created_via: String },
    },
    { collection: WALLETS, timestamps: true, autoCreate: false, autoIndex: false },
  );
}

function proofSchema(): Schema {
  return new Schema(
    {
      id: String,
      amount: Number,
      secret: String,
      C: String,
      witness: Schema.Types.Mixed,
      dleq: Schema.Types.Mixed,
      Y: String,
    },
    // A proof's own `id` is its keyset, so mongoose's virtual of that name must not be.
    { _id: false, id: false },
  );
}

function tokenSchema(): Schema<TokenDocument> {
  const schema = new Schema<TokenDocument>(
    {
      npub: text,
      wallet_id: { type: Schema.Types.ObjectId, required: true, ref: WALLETS },
      mint_url: text,
      proofs: { type: [proofSchema()], default: [] },
      total_amount: Number,
      status: { type: String, enum: TOKEN_STATUSES, required: true },
      // No enum here: the rule says why "melted" is refused.
      transaction_type: text,
      transaction_id: text,
      metadata: {
        source: { type: String, enum: TOKEN_SOURCES },
        encoded_token: String,
        lightning_invoice: String,
        recipient_info: String,
        parent_transaction_id: String,
        operation_hash: String,
        atomic_operation: Boolean,
        operation_timestamp: Date,
      },
      spent_at: { type: Date, default: null },
      reserved_by: String,
      mint_checked_at: Date,
      mint_state: { type: String, enum: MINT_STATES },
    },
    {
      collection: TOKENS,
      timestamps: true,
      autoCreate: false,
      autoIndex: false,
      id: false,
      minimize: false,
    },
  );
  keepTokenRules(schema);
  return schema;
}

export interface Models {
  CashuWallet: Model<WalletDocument>;
  CashuToken: Model<TokenDocument>;
}

/**
 * The models of a connection, compiled at the first call.
 *
 * @param connection the store's own; no model is global
 */
export function modelsOf(connection: Connection): Models {
  return {
    CashuWallet: modelOf(connection, 'CashuWallet', walletSchema),
    CashuToken: modelOf(connection, 'CashuToken', tokenSchema),
  };
}

function modelOf<T>(connection: Connection, name: string, schema: () => Schema<T>): Model<T> {
  const compiled = connection.models[name] as Model<T> | undefined;
  return compiled ?? connection.model<T>(name, schema());
}
