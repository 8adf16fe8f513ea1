import { parseArgs } from 'node:util';
import { startPracticeGround } from '../src/practice/practice_ground.ts';
import { benchAudit } from './audit.ts';
import { benchMelt } from './melt_vs_bare.ts';
import { benchReconcile } from './reconcile.ts';
import { benchRecovery } from './recovery.ts';
import { benchBalance, benchVersion } from './startup.ts';

const say = (line: string) => void process.stdout.write(`${line}\n`);
const note = (line: string) => void process.stderr.write(`${line}\n`);

/** `--only audit` runs one part; `--full` makes the audit log ten times as large. */
const { values } = parseArgs({
  options: { only: { type: 'string', multiple: true }, full: { type: 'boolean', default: false } },
});

const ground = await startPracticeGround({ log: note });
const parts: Record<string, () => unknown> = {
  melt: () => benchMelt(ground, say),
  recovery: () => benchRecovery(ground, say),
  version: () => benchVersion(say),
  balance: () => benchBalance(ground, say),
  reconcile: () => benchReconcile(ground, say, note),
  audit: () => benchAudit(ground, say, note, values.full),
};
try {
  for (const name of values.only ?? Object.keys(parts)) {
    const part = parts[name];
    if (part === undefined) throw new Error(`there is no part ${name}`);
    await part();
  }
} finally {
  await ground.stop();
}
