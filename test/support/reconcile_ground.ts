import type { mongo } from 'mongoose';
import type { AuditEvent } from '../../src/domain/audit_event.ts';
import type { Discrepancy } from '../../src/domain/finding.ts';
import type { NamedProof, TokenStatus } from '../../src/domain/proof.ts';
import type { ServiceLog } from '../../src/services/reconciliation/reconciliation.ts';
import { AUDIT_LOG } from '../../src/store/collections.ts';
import { type TokenDocument, tokensOf } from '../../src/store/documents.ts';
import { newToken } from '../../src/store/new_token.ts';
import { type MeltGround, type MeltGroundOptions, meltGround } from './melt_ground.ts';
import { tokenFields } from './tokens.ts';

export interface ReconcileGround extends MeltGround {
  db: mongo.Db;
  /** What was logged, as `level message {facts}`. */
  logged: string[];
  /** Stores coins of the mint as one token and sets fields that only old data or others set. */
  stage(amounts: number[], fields?: Partial<TokenDocument>): Promise<StagedToken>;
  /** A second document for coins that are stored already. */
  copy(proofs: NamedProof[], fields?: Partial<TokenDocument>): Promise<TokenDocument>;
  read(token: Pick<TokenDocument, '_id'>): Promise<TokenDocument | null>;
  events(type: AuditEvent['type']): Promise<AuditEvent[]>;
  /** Everything that is found of the wallet's live coins. */
  findings(): Promise<Discrepancy[]>;
  /** Two live documents may hold one coin, as in databases from before the index. */
  allowDoubles(): Promise<void>;
}

export type StagedToken = Omit<TokenDocument, 'proofs'> & { proofs: NamedProof[] };

/** A ground whose wallet is empty and whose log is kept. */
export async function reconcileGround(options: MeltGroundOptions = {}): Promise<ReconcileGround> {
  const logged: string[] = [];
  const log = logInto(logged);
  const ground = await meltGround({ coins: [], ...options, ops: { log, ...options.ops } });
  const { db } = ground.ops.store;
  const tokens = tokensOf(db);
  const { npub, mint_url, _id: wallet_id } = ground.wallet;
  return {
    ...ground,
    db,
    logged,
    async stage(amounts, fields = {}) {
      const { _id, proofs } = await ground.addCoins(...amounts);
      await tokens.updateOne({ _id }, { $set: { ...settledBy(fields.status), ...fields } });
      const stored = await tokens.findOne({ _id });
      if (stored === null) throw new Error('a token that was stored is there');
      return { ...stored, proofs: proofs as NamedProof[] };
    },
    async copy(proofs, fields = {}) {
      const sound = tokenFields({ npub, mint_url, wallet_id, proofs });
      const token = { ...newToken(sound), ...settledBy(fields.status), ...fields };
      await tokens.insertOne(token);
      return token;
    },
    read: ({ _id }) => tokens.findOne({ _id }),
    events: (type) => db.collection<AuditEvent>(AUDIT_LOG).find({ type }).toArray(),
    async findings() {
      const { reconciliation } = ground.ops;
      return (await reconciliation.checkWallet(npub, mint_url)).discrepancies;
    },
    allowDoubles: () => tokens.dropIndex('live_proof_unique').then(() => {}),
  };
}

function settledBy(status: TokenStatus | undefined): Partial<TokenDocument> {
  return { spent_at: status === 'spent' ? new Date() : null };
}

function logInto(lines: string[]): ServiceLog {
  const at = (level: string) => (message: string, facts?: Record<string, unknown>) =>
    void lines.push(`${level} ${message} ${JSON.stringify(facts ?? {})}`);
  return { info: at('info'), warn: at('warn'), error: at('error') };
}

/** A finding without what differs from run to run. */
export function brief({ type, severity, amount, operation_id }: Discrepancy) {
  return { type, severity, amount, operation_id };
}
