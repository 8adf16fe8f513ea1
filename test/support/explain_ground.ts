import { MELT_OPERATIONS } from '../../src/store/collections.ts';
import { type CliGround, cliGround } from './cli_ground.ts';
import { onlyDocument } from './cli_refusal.ts';

/** What tests of explaining look at in the raw database. */
export interface LastOperation {
  _id: string;
  transaction_id: string;
  quote_id: string;
  payment_hash: string;
  invoice: string;
  inputs: { Y: string; amount: number }[];
  source_token_ids: string[];
}

export const WITHOUT_SWAP = { CASHU_OPS_SWAP: 'never' };

/** Value of the coins that a payment was given (sat). */
export function inputsOf({ inputs }: { inputs: { amount: number }[] }): number {
  return inputs.reduce((sat, { amount }) => sat + amount, 0);
}

/** A wallet that pays, and the pages on its payments. */
export async function explainGround() {
  const ground = await cliGround({ coins: [1024, 512, 64, 32, 16, 8] });
  return { ground, ...explaining(ground) };
}

function explaining(ground: CliGround) {
  const operations = () => ground.db.collection<{ _id: string }>(MELT_OPERATIONS);
  return {
    operations,
    async lastOperation(): Promise<LastOperation> {
      const operation = await operations().findOne({}, { sort: { created_at: -1 } });
      if (operation === null) throw new Error('there is no operation');
      return operation as unknown as LastOperation;
    },
    async explain(id: string, ...more: string[]) {
      const { code, stdout } = await ground.run(['audit', 'explain', id, '--json', ...more]);
      return { code, ...onlyDocument(stdout) };
    },
    async page(id: string, ...more: string[]) {
      const { code, stdout, stderr } = await ground.run(['audit', 'explain', id, ...more]);
      return { code, stdout, stderr, flat: stdout.replaceAll(/\s+/g, ' ') };
    },
    pay: (invoice: string, env: Record<string, string> = {}) =>
      ground.run(['melt', invoice, ...ground.owner, '--yes'], { env }),
  };
}

export type ExplainGround = Awaited<ReturnType<typeof explainGround>>;
