import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { groupDigits } from '../domain/amount.ts';
import { messageOf } from '../domain/errors.ts';
import { createIo, type Io } from '../io/io.ts';
import { tokensOf } from '../store/documents.ts';
import { type PracticeGround, startPracticeGround } from './practice_ground.ts';
import { practiceLines } from './shell_lines.ts';

const BIN = fileURLToPath(new URL('../../bin/cashu-ops.js', import.meta.url));

/** Exit codes of the commands that the tour runs. */
const DONE = 0;
const BLOCKED = 20;

/** The guided tour: each step is a real command, and each is checked from outside the tool. */
async function tour(io: Io, ground: PracticeGround): Promise<void> {
  const { mint, npub } = ground;
  const owner = ['--npub', npub];

  step(io, 1, 'What the wallet holds');
  const before = await balance(io, ground);

  step(io, 2, 'Paying an invoice over 1,000 sat');
  const first = await mint.control.createInvoice({ amount_sat: 1000, description: 'demo' });
  await cashuOps(io, ground, ['melt', first.invoice, ...owner, '--yes'], DONE);
  const after = await balance(io, ground);
  expect(await mint.control.paymentCount(first.payment_hash), 1, 'payments the mint counted');
  const fees = before - after - 1000;
  expect(fees >= 0 && fees < 20, true, 'the balance fell by the amount and small fees');

  step(io, 3, 'Asking for the same payment again: nothing is paid twice');
  const CONFLICT = 24;
  await cashuOps(io, ground, ['melt', first.invoice, ...owner, '--yes'], CONFLICT);
  expect(await mint.control.paymentCount(first.payment_hash), 1, 'payments the mint counted');

  step(io, 4, 'Somebody else spends a coin of this wallet behind the database');
  const coin = await biggestCoin(ground);
  await mint.control.setState([coin.Y], 'SPENT');
  io.err(
    `the mint now calls a coin of ${groupDigits(coin.amount)} sat spent; the database does not know`,
  );

  step(io, 5, 'A payment that needs this coin is blocked, and the database corrected');
  const amount_sat = after - Math.floor(coin.amount / 2);
  const second = await mint.control.createInvoice({ amount_sat, description: 'demo, blocked' });
  await cashuOps(io, ground, ['melt', second.invoice, ...owner, '--yes'], BLOCKED);
  expect(await mint.control.paymentCount(second.payment_hash), 0, 'payments the mint counted');
  const corrected = await balance(io, ground, ['--verify']);
  expect(after - corrected, coin.amount, 'sat taken off the balance');

  step(io, 6, 'What is left can be spent');
  const third = await mint.control.createInvoice({ amount_sat: 500, description: 'demo' });
  await cashuOps(io, ground, ['melt', third.invoice, ...owner, '--yes'], DONE);
  expect(await mint.control.paymentCount(third.payment_hash), 1, 'payments the mint counted');
  await balance(io, ground, ['--verify']);

  step(io, 7, 'Another coin is spent elsewhere: a reconciliation finds it, and changes nothing');
  const lost = await biggestCoin(ground);
  await mint.control.setState([lost.Y], 'SPENT');
  const standing = await ground.ops.wallets.calculateBalance(npub);
  await cashuOps(io, ground, ['reconcile', ...owner], BLOCKED);
  expect(await ground.ops.wallets.calculateBalance(npub), standing, 'sat in the database');

  step(io, 8, 'With --apply it marks that coin spent, and no other; after that nothing differs');
  await cashuOps(io, ground, ['reconcile', ...owner, '--apply'], BLOCKED);
  const left = await ground.ops.wallets.calculateBalance(npub);
  expect(standing - left, lost.amount, 'sat taken off the balance');
  await cashuOps(io, ground, ['reconcile', ...owner], DONE);

  step(io, 9, 'What became of the first payment? And does the record hold?');
  await cashuOps(io, ground, ['audit', 'explain', first.invoice], DONE);
  await cashuOps(io, ground, ['audit', 'verify', ...owner], DONE);
}

function step(io: Io, number: number, title: string): void {
  io.err(`\n${io.color.err.bold(`${number}. ${title}`)}`);
}

/** A step that did not hold ends the tour. */
function expect<T>(seen: T, wanted: T, what: string): void {
  if (seen !== wanted) throw new Error(`${what}: ${seen} instead of ${wanted}`);
}

async function balance(io: Io, ground: PracticeGround, flags: string[] = []): Promise<number> {
  await cashuOps(io, ground, ['balance', '--npub', ground.npub, ...flags], DONE);
  return ground.ops.wallets.calculateBalance(ground.npub);
}

async function biggestCoin({ ops, npub }: PracticeGround): Promise<{ Y: string; amount: number }> {
  const tokens = await tokensOf(ops.store.db).find({ npub, status: 'unspent' }).toArray();
  const [coin] = tokens.flatMap((token) => token.proofs).sort((a, b) => b.amount - a.amount);
  if (coin?.Y === undefined) throw new Error('the wallet has no coin left');
  return { Y: coin.Y, amount: coin.amount };
}

/** Runs the real command as a process of its own, as a person would. */
async function cashuOps(
  io: Io,
  ground: PracticeGround,
  args: string[],
  wanted: number,
): Promise<void> {
  io.err(`$ cashu-ops ${args.map(shortened).join(' ')}`);
  const child = spawn(process.execPath, [BIN, ...args], {
    env: { ...process.env, ...ground.env },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = await once(child, 'exit');
  io.err(`(exit ${code})`);
  expect(code, wanted, 'exit code');
}

function shortened(argument: string): string {
  return argument.length > 40 ? `${argument.slice(0, 16)}…` : argument;
}

async function waitForCtrlC(io: Io, ground: PracticeGround): Promise<void> {
  const { invoice } = await ground.mint.control.createInvoice({
    amount_sat: 1000,
    expiry_s: 86_400,
  });
  io.out(practiceLines({ ...ground.env, NPUB: ground.npub, INVOICE: invoice }));
  io.err('Paste these lines into another terminal, then: cashu-ops balance --npub $NPUB');
  io.err('Ctrl-C ends it.');
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
}

async function demo(): Promise<number> {
  const io = createIo(process);
  const { values } = parseArgs({ options: { keep: { type: 'boolean', default: false } } });
  const started = performance.now();
  io.err(
    'Starting the practice ground: a replica set, a mint, a wallet. Nothing here is real money.',
  );
  let ground: PracticeGround | null = null;
  const stopEarly = async () => {
    await ground?.stop();
    process.exit(130);
  };
  if (!values.keep) process.once('SIGINT', stopEarly).once('SIGTERM', stopEarly);
  try {
    ground = await startPracticeGround({ log: (line) => io.err(`  ${line}`) });
    io.err(`  wallet: ${ground.npub}`);
    await tour(io, ground);
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    io.err(`\n${io.color.err.green('Every step held.')} ${seconds} s`);
    if (values.keep) await waitForCtrlC(io, ground);
    return 0;
  } catch (error) {
    io.err(`\n${io.color.err.red('The demo failed:')} ${messageOf(error)}`);
    return 1;
  } finally {
    io.err('stopping the practice ground');
    await ground?.stop();
    await io.flush();
  }
}

process.exit(await demo());
