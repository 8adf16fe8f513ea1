import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { meltGround } from './support/melt_ground.ts';
import { runCli } from './support/run_cli.ts';

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

interface Example {
  words: string[];
  exit: number;
}

/** The commands of the README's `sh` blocks; `# exit N` says how one ends when it is not 0. */
function examples(): Example[] {
  const blocks = [...README.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
  return blocks
    .flatMap((block) => block.split('\n'))
    .filter((line) => line.startsWith('npx cashu-ops '))
    .map((line) => {
      const [command = '', comment = ''] = line.split('#');
      const exit = Number(/exit (\d+)/.exec(comment)?.[1] ?? 0);
      return { words: command.trim().split(/\s+/).slice(2), exit };
    });
}

describe('the README', () => {
  it('shows commands that work, in its order', async () => {
    const ground = await meltGround();
    const { invoice } = await ground.mint.control.createInvoice({ amount_sat: 100 });
    const variables: Record<string, string> = { $INVOICE: invoice, $NPUB: ground.npub };
    const shown = examples();
    expect(shown.length).toBeGreaterThan(7);
    for (const { words, exit } of shown) {
      const result = await runCli(
        words.map((word) => variables[word] ?? word),
        ground.env,
      );
      expect(`${words.join(' ')}: exit ${result.code}`).toBe(`${words.join(' ')}: exit ${exit}`);
    }
  });

  it('names every exit code of the program', async () => {
    const { EXIT } = await import('../src/cli/exit_codes.ts');
    for (const code of Object.values(EXIT)) {
      expect(README).toMatch(new RegExp(`^\\| (\\d+, )?${code}(, \\d+)? \\|`, 'm'));
    }
  });

  it('names every setting', async () => {
    const { SETTING_RULES } = await import('../src/config/rules.ts');
    for (const { name, env } of Object.values(SETTING_RULES)) {
      expect(README).toContain(`\`${name}\``);
      expect(README).toContain(`\`${env}\``);
    }
  });
});
