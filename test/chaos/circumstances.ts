import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultRule } from '../../src/practice/mint/client.ts';
import { ENDPOINTS, type EndpointName } from '../../src/practice/mint/endpoints.ts';
import type { ChaosGround } from './ground.ts';
import type { Circumstance, PlannedFailPoint, StandStill } from './program.ts';
import type { Tally } from './tally.ts';

/** What one run brings about around its commands. */
export class Surroundings {
  readonly #ground: ChaosGround;
  readonly #hashes: readonly string[];
  readonly #tally: Tally;
  #rules: readonly FaultRule[] = [];
  #untilStepEnds: (() => Promise<unknown>)[] = [];

  /** @param hashes payment hashes of the run's invoices */
  constructor(ground: ChaosGround, hashes: readonly string[], tally: Tally) {
    this.#ground = ground;
    this.#hashes = hashes;
    this.#tally = tally;
  }

  /** Brings one about; what it sets going is over when `stepEnds` has returned. */
  async bring(circumstance: Circumstance): Promise<void> {
    this.#tally.add('circumstances', circumstance.kind);
    const { control } = this.#ground.mint;
    switch (circumstance.kind) {
      case 'mint_faults':
        return this.#setFaults(circumstance.rules);
      case 'payment':
        return control.setPaymentBehaviour(
          this.#hash(circumstance.invoice),
          circumstance.behaviour,
        );
      case 'payment_ends':
        return this.#endPayment(this.#hash(circumstance.invoice), circumstance.outcome);
      case 'keyset_rotates':
        return void (await control.rotateKeyset());
      case 'database_fails':
        return this.#failDatabase(circumstance.fail_point);
      case 'mint_stands_still':
      case 'database_stands_still':
        return this.#standStill(circumstance);
    }
  }

  /** Waits until what lasts for a step is over. */
  async stepEnds(): Promise<void> {
    for (const end of this.#untilStepEnds.splice(0)) await end();
  }

  /** Everything answers again, and every payment ends. */
  async heal(at_last: readonly ('succeed' | 'fail')[]): Promise<void> {
    await this.stepEnds();
    await this.#setFaults([]);
    // A transaction whose process was killed would otherwise be rolled back a little later.
    await this.#ground.client.db('admin').command({ killAllSessionsByPattern: [] });
    const { control } = this.#ground.mint;
    for (const [index, hash] of this.#hashes.entries()) {
      await control.setPaymentBehaviour(hash, { outcome: 'succeed' });
      await this.#endPayment(hash, at_last[index] ?? 'fail');
    }
  }

  #hash(invoice: number): string {
    return this.#hashes[invoice] ?? '';
  }

  async #endPayment(hash: string, outcome: 'succeed' | 'fail'): Promise<void> {
    const ends = this.#ground.mint.control.resolvePayment(hash, outcome);
    const ended = await ends.then(
      () => true,
      () => false,
    );
    if (ended) this.#tally.add('invoices', `ended by hand: ${outcome}`);
  }

  /** The mint counts requests by path, which says how many of them met a rule. */
  async #setFaults(rules: readonly FaultRule[]): Promise<void> {
    const { control } = this.#ground.mint;
    const { by_path } = await control.requests();
    for (const { endpoint, phase, occurrence = 1, times = 1, action } of this.#rules) {
      const seen = by_path[ENDPOINTS[endpoint as EndpointName][1]] ?? 0;
      const met = Math.max(0, Math.min(seen - occurrence + 1, times));
      if (met > 0) this.#tally.add('mint faults met', `${action.type} (${phase})`, met);
    }
    this.#rules = rules;
    await control.resetRequests();
    await control.setFaults(rules);
  }

  async #failDatabase(point: PlannedFailPoint): Promise<void> {
    const { client, commands, effect, lasts } = point;
    const admin = this.#ground.client.db('admin');
    await admin.command({
      configureFailPoint: 'failCommand',
      mode: 'times' in lasts ? lasts : 'alwaysOn',
      data: { failCommands: commands, appName: `cashu-ops/${client}`, ...effect },
    });
    const off = async () => {
      const { count } = await admin.command({ configureFailPoint: 'failCommand', mode: 'off' });
      if (count > 0) this.#tally.add('database faults met', nameOf(effect), Number(count));
    };
    if ('times' in lasts) this.#untilStepEnds.push(off);
    else this.#begin(sleep(lasts.for_ms).then(off));
  }

  #standStill({ kind, after_ms, for_ms }: StandStill): void {
    const { mint, replicaSet } = this.#ground;
    const [member] = replicaSet.members;
    const still = async () => {
      await sleep(after_ms);
      if (kind === 'mint_stands_still') mint.suspend();
      else await member?.kill('SIGSTOP');
      await sleep(for_ms);
      if (kind === 'mint_stands_still') mint.resume();
      else await member?.kill('SIGCONT');
    };
    this.#begin(still());
  }

  #begin(work: Promise<unknown>): void {
    this.#untilStepEnds.push(() => work);
  }
}

function nameOf(effect: Record<string, unknown>): string {
  if (effect.closeConnection) return 'connection closed';
  if (effect.blockConnection) return 'answer late';
  if (effect.writeConcernError) return 'write concern not met';
  const labels = (effect.errorLabels ?? []) as string[];
  return [`error ${effect.errorCode}`, ...labels].join(', ');
}
