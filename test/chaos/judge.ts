import { readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { AUDIT_LOG } from '../../src/store/collections.ts';
import { type Conservation, conservation, failureText } from '../support/conservation.ts';
import { leaksIn, secretsIn } from '../support/secret_scan.ts';
import type { Run } from './commands.ts';
import { ChaosFailure } from './failure.ts';
import type { Ran } from './processes.ts';

const SETTLES_WITHIN_MS = 5_000;
const LOOKS_AGAIN_AFTER_MS = 250;

/**
 * Asks the judge from outside. What the server still does for a process that was killed shows in
 * one book before it shows in the other, so it has a moment; a sat that is lost stays lost.
 *
 * @param ended everything should have come to its end
 * @throws ChaosFailure with all sums
 */
export async function expectSound(run: Run, when: string, ended: boolean): Promise<Conservation> {
  const end = performance.now() + SETTLES_WITHIN_MS;
  for (;;) {
    const judged = await verdictOf(run, ended);
    if (judged.problems.length === 0) return judged;
    if (performance.now() > end) throw new ChaosFailure(failureText(when, judged));
    await sleep(LOOKS_AGAIN_AFTER_MS);
  }
}

/** The same without waiting. */
export function verdictOf(run: Run, ended: boolean): Promise<Conservation> {
  const { ground, npub, since } = run;
  return conservation({ control: ground.mint.control, db: ground.db }, { npub, since, ended });
}

const EXITS = [0, 20, 21, 22, 23, 24, 25, 130, 143];

/**
 * What a process said must be in the form that is promised, and a payment that it reports must have
 * been made. A bug (1) and wrong usage (2) are no answers to chaos.
 */
export async function expectHonest(run: Run, ran: Ran, paymentHash: string | null): Promise<void> {
  const { args, code, signal, struck, stdout, stderr } = ran;
  const name = args.filter((word) => !word.startsWith('ln')).join(' ');
  const said = `${name} ended with ${code ?? signal}\n${stdout}\n${stderr}`;
  if (code === null) {
    if (struck) return;
    throw new ChaosFailure(`a process died by itself: ${said}`);
  }
  if (!EXITS.includes(code)) throw new ChaosFailure(`no exit of the contract: ${said}`);
  const document = documentOf(stdout);
  if (document === null) throw new ChaosFailure(`no JSON document: ${said}`);
  if (paymentHash === null || document.status !== 'paid') return;
  const count = await run.ground.mint.control.paymentCount(paymentHash);
  if (count === 0) throw new ChaosFailure(`it says paid, and nothing was paid: ${said}`);
}

function documentOf(stdout: string): { schema: string; status?: string } | null {
  try {
    const document = JSON.parse(stdout);
    return typeof document.schema === 'string' ? document : null;
  } catch {
    return null;
  }
}

/**
 * Looks for secrets in everything that the run's processes wrote: stdout, stderr, their arguments,
 * the audit log, the names of the journal's files.
 *
 * @returns how many secrets were looked for
 */
export async function expectNoSecrets(run: Run, heard: readonly string[]): Promise<number> {
  const { ground, npub } = run;
  const filter = { npub };
  const secrets = [
    ...(await secretsIn(ground.db, filter)),
    ...run.invoices.map(({ preimage }) => preimage),
    ground.password,
  ];
  const audit = await ground.db.collection(AUDIT_LOG).find(filter).toArray();
  const texts = [...heard, JSON.stringify(audit), ...(await readdir(run.journalDir))];
  const leaks = leaksIn(texts.join('\n'), secrets);
  if (leaks.length > 0) throw new ChaosFailure(`secrets were shown: ${leaks.join(', ')}`);
  return secrets.length;
}
