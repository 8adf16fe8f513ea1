import type { Invoice } from '../../../src/domain/invoice.ts';
import type { MeltOperation } from '../../../src/domain/melt_operation.ts';
import type { FaultProxy, FaultRule } from '../../../src/practice/fault_proxy/index.ts';
import type { LedgerReport } from '../../../src/practice/mint/client.ts';
import { createPracticeWallet, deposit } from '../../../src/practice/practice_ground.ts';
import { MELT_OPERATIONS } from '../../../src/store/collections.ts';
import { tokensOf } from '../../../src/store/documents.ts';
import { meltArgs } from '../../support/melt_cli.ts';
import type { MeltGround } from '../../support/melt_ground.ts';
import { type CliResult, type RunningCli, startCli } from '../../support/run_cli.ts';
import type { FaultCase } from './fault_case.ts';
import type { FaultGround } from './fault_ground.ts';

export const USUAL_COINS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
export const USUAL_AMOUNT_SAT = 300;

/** As the settings have it. */
export const SUPPORT_CONTACT = 'support@wallet.example';

/** Whoever looks again waits for a second only, instead of ten minutes. */
export const QUIET = { CASHU_OPS_QUIET_PERIOD: '1s' };

const NAMED = /"operation_id": "([\w-]+)"/;

/** A wallet of the case's own, on a ground that it shares with cases before and after it. */
export interface CaseGround extends MeltGround {
  proxy: FaultProxy;
  invoice: Invoice;
  /** The mint's ledger before this wallet had its first coin. */
  since: LedgerReport;
  /** Starts the built command and keeps all that it says. */
  start(args: readonly string[], env?: Record<string, string>): RunningCli;
  run(args: readonly string[], env?: Record<string, string>): Promise<CliResult>;
  /** Pays the invoice of the case, or another one. */
  pay(env?: Record<string, string>, invoice?: Invoice): Promise<CliResult>;
  startPay(env?: Record<string, string>, invoice?: Invoice): RunningCli;
  /** `melt --resume` of the case's operation; where none is stored, of the one that was told. */
  resume(env?: Record<string, string>): Promise<CliResult>;
  /** The newest operation on the invoice, from the raw database. */
  operation(): Promise<MeltOperation | null>;
  /** Rules of the proxy. */
  fault(...rules: FaultRule[]): void;
}

/** A wallet with coins and an invoice to pay. */
export async function caseGround(
  shared: FaultGround,
  { coins = USUAL_COINS, amount_sat = USUAL_AMOUNT_SAT, env: ownEnv }: FaultCase,
): Promise<CaseGround> {
  const { ops, mint, proxy } = shared;
  const since = await mint.control.ledger();
  const wallet = await createPracticeWallet(ops.wallets, proxy.url);
  const { npub } = wallet;
  const env = { ...shared.env, ...ownEnv };
  const request: MeltGround['request'] = async (amount, more) => ({
    ...(await shared.request(amount)),
    npub,
    ...more,
  });
  const { invoice } = await request(amount_sat);
  let told = 'no-operation';
  const start: CaseGround['start'] = (args, more) => {
    const running = startCli(args, { ...env, ...more });
    const ended = running.ended.then((result) => {
      shared.transcript.heard({ args, stdout: result.stdout, stderr: result.stderr });
      told = NAMED.exec(result.stdout)?.[1] ?? told;
      return result;
    });
    return { ...running, ended };
  };
  const startPay: CaseGround['startPay'] = (more, other = ground.invoice) =>
    start(meltArgs({ npub }, other), more);
  const operation: CaseGround['operation'] = () =>
    ops.store.db
      .collection<MeltOperation>(MELT_OPERATIONS)
      .findOne({ npub, payment_hash: ground.invoice.payment_hash }, { sort: { created_at: -1 } });
  const ground: CaseGround = {
    ...shared,
    wallet,
    npub,
    env,
    invoice,
    since,
    request,
    start,
    startPay,
    operation,
    run: (args, more) => start(args, more).ended,
    pay: (more, other) => startPay(more, other).ended,
    resume: async (more) => {
      const id = (await operation())?._id ?? told;
      return start(['melt', '--resume', id, '--json'], { ...QUIET, ...more }).ended;
    },
    fault: (...rules) => proxy.setFaults(rules),
    addCoins: (...amounts) => deposit(ops.wallets, wallet, amounts),
    tokens: () => tokensOf(ops.store.db).find({ npub }).toArray(),
  };
  if (coins.length > 0) await ground.addCoins(...coins);
  return ground;
}
