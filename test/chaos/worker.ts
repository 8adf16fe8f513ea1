/**
 * A process that has loaded the built command already and runs it as the installed entry does, one
 * command after the other: most of a command's time is the loading.
 *
 * Only an orderly end is followed by another command. A process that heard a signal, or ended with
 * anything but an answer of the tool, ends for good, as the real one does: what it left half done
 * in its memory must not go on.
 */

import { setImmediate as turn } from 'node:timers/promises';
import { END_MARK, ORDERLY_EXITS, type Order } from './worker_orders.ts';

const entry = new URL('../../dist/main.js', import.meta.url).href;
const { main } = (await import(entry)) as typeof import('../../src/main.ts');
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
const STREAMS = [process.stdout, process.stderr];

process.on('message', (order: Order) => void obey(order));
process.send?.('ready');

async function obey({ args, env }: Order): Promise<void> {
  process.exitCode = 1;
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  const listeners = STREAMS.map((stream) => new Set(stream.listeners('error')));
  let signalled = false;
  const note = () => {
    signalled = true;
  };
  for (const signal of SIGNALS) process.on(signal, note);
  const code = await main(args, process);
  // A signal that came at the very end is heard in the next turn.
  await turn();
  if (signalled || !ORDERLY_EXITS.includes(code)) process.exit(code);
  for (const signal of SIGNALS) process.removeAllListeners(signal);
  for (const [index, stream] of STREAMS.entries()) {
    for (const listener of stream.listeners('error')) {
      if (!listeners[index]?.has(listener)) stream.off('error', listener as () => void);
    }
    stream.write(`${END_MARK}${code}\n`);
  }
}
