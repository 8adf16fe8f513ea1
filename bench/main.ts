import { startPracticeGround } from '../src/practice/practice_ground.ts';
import { benchMelt } from './melt_vs_bare.ts';
import { benchReconcile } from './reconcile.ts';
import { benchRecovery } from './recovery.ts';
import { benchBalance, benchVersion } from './startup.ts';

const say = (line: string) => void process.stdout.write(`${line}\n`);
const note = (line: string) => void process.stderr.write(`${line}\n`);

const ground = await startPracticeGround({ log: note });
try {
  await benchMelt(ground, say);
  await benchRecovery(ground, say);
  benchVersion(say);
  benchBalance(ground, say);
  await benchReconcile(ground, say, note);
} finally {
  await ground.stop();
}
