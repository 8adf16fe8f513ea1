import { describe, expect, it } from 'vitest';
import type { MeltOperation } from '../../src/domain/melt_operation.ts';
import { practiceEnvironment } from '../../src/practice/practice_ground.ts';
import type { MadeSituation, SituationGround } from '../../src/practice/situations/index.ts';
import { SITUATIONS, situationNamed } from '../../src/practice/situations/index.ts';
import { MELT_OPERATIONS } from '../../src/store/collections.ts';
import { conservation, expectConserved } from '../support/conservation.ts';
import { alone } from '../support/fail_point.ts';
import { meltGround } from '../support/melt_ground.ts';
import { type Example, inShell, ON_THE_PATH } from '../support/shell.ts';
import { ENDINGS, type Ending } from './support/endings.ts';
import { collapsed, pageText, partsOf, quotesIn } from './support/page.ts';

/** Each page is followed as it stands there, in the situation that it is for. */
describe.each(SITUATIONS.map(({ name, title }) => ({ name, title })))('$name', ({ name }) => {
  it('is over when the page has been followed', async () => {
    const situation = situationNamed(name);
    const text = pageText(name);
    const parts = partsOf(text, situation.mended_when);
    const ending = endingOf(name);
    const ground = await groundOf();
    // The server's one fail point may be needed.
    const made = await alone(ground.ops.store.client, () => situation.make(ground));
    try {
      expect(made.mend !== undefined).toBe(situation.mended_when !== null);
      await expectMade(ground, ending);
      let said = made.seen;
      for (const [index, examples] of parts.entries()) {
        if (index > 0) await made.mend?.();
        expect(examples.length, 'commands on the page').toBeGreaterThan(0);
        said += await follow(examples, { ...ground.env, ...made.variables });
      }
      expectQuoted(text, said);
      expectVariablesUsed(text, made);
      await expectOver(name, ground, ending);
    } finally {
      await made.stop?.();
    }
  });
});

function endingOf(name: string): Ending {
  const ending = ENDINGS[name];
  if (ending === undefined) throw new Error(`nobody says how ${name} ends`);
  return ending;
}

/** The settings of a rehearsal: waiting is short. */
async function groundOf(): Promise<SituationGround> {
  const { ops, mint, env } = await meltGround({ coins: [] });
  const { CASHU_OPS_MONGODB_URI = '', CASHU_OPS_JOURNAL_DIR = '' } = env;
  return {
    ops,
    mint,
    env: practiceEnvironment(CASHU_OPS_MONGODB_URI, mint.url, CASHU_OPS_JOURNAL_DIR),
  };
}

/** @returns all that the commands printed */
async function follow(examples: readonly Example[], env: Record<string, string>): Promise<string> {
  let said = '';
  for (const { line, exit } of examples) {
    const run = inShell([ON_THE_PATH, line], env);
    expect(`${line}: exit ${await run.ended}\n${run.said()}`).toMatch(`${line}: exit ${exit}\n`);
    said += run.said();
  }
  return said;
}

/** What a page says that is seen was seen, word for word. */
function expectQuoted(text: string, said: string): void {
  const quotes = quotesIn(text);
  expect(quotes.length, 'quotes on the page').toBeGreaterThan(0);
  for (const quote of quotes) expect(collapsed(said)).toMatch(quote);
}

/** A variable that no command uses would be pasted for nothing. */
function expectVariablesUsed(text: string, { variables }: MadeSituation): void {
  for (const name of Object.keys(variables)) {
    if (!name.startsWith('CASHU_OPS_')) expect(text).toContain(`$${name}`);
  }
}

const judged = ({ ops, mint }: SituationGround) => ({ control: mint.control, db: ops.store.db });

async function expectMade(ground: SituationGround, { before, judge }: Ending): Promise<void> {
  // What a page ends with is no trouble of its situation; a second payment is.
  const { outside_sat } = judge?.({}) ?? {};
  const { problems } = await conservation(judged(ground), { ended: true, outside_sat });
  if (before === null) expect(problems).toEqual([]);
  else expect(problems.join('\n')).toMatch(before);
}

async function expectOver(name: string, ground: SituationGround, ending: Ending): Promise<void> {
  const payments = await ground.mint.control.payments();
  const count = Object.values(payments).reduce((sum, each) => sum + each, 0);
  const operations = await ground.ops.store.db
    .collection<MeltOperation>(MELT_OPERATIONS)
    .find()
    .sort({ created_at: 1 })
    .toArray();
  expect([count, operations.map(({ state }) => state)]).toEqual([
    ending.payments,
    ending.operations,
  ]);
  await expectConserved(name, judged(ground), { ...ending.judge?.(payments), ended: true });
}
