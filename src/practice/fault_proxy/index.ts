/**
 * A small reverse proxy that stands between a wallet and any mint, practice mint or real one, and
 * breaks things on purpose. It speaks the fault rules of the practice mint.
 */

import type { FaultRule } from '../mint/fault_rules.ts';
import type { ProxiedRequest } from './record.ts';

export type { FaultRule } from '../mint/fault_rules.ts';
export type { ProxiedRequest } from './record.ts';

export interface FaultProxyOptions {
  /** Address of the mint behind it, as wallets would use it; its path is kept. */
  target: string;
  /** Gets every line that the proxy says: its own defects, and nothing else. */
  log: (line: string) => void;
}

export interface FaultProxy {
  /** What wallets use instead of the mint's address. */
  readonly url: string;
  /** Replaces all rules; counting starts anew. @throws ZodError for a rule that cannot be */
  setFaults(rules: readonly FaultRule[]): void;
  clearFaults(): void;
  /** What came through since the start or the last `forget`, in its order; never its contents. */
  passed(): readonly ProxiedRequest[];
  forget(): void;
  /** Cuts all connections and takes no more, as a mint that is restarted. */
  goAway(): Promise<void>;
  /** Listens again at the same address. */
  comeBack(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts a proxy in this process. Its heavier parts are loaded here and not before.
 *
 * @throws Error when it cannot listen or the optional packages are missing
 */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const { startProxy } = await import('./proxy.ts');
  return startProxy(options);
}
