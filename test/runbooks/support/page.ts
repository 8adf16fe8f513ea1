import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Example, examplesIn, ROOT } from '../../support/shell.ts';

const FOLDER = join(ROOT, 'docs', 'runbooks');
export const INDEX = 'README';

/** Every page of the runbooks, by name, the index left out. */
export function pageNames(): string[] {
  return readdirSync(FOLDER)
    .map((file) => file.replace(/\.md$/, ''))
    .filter((name) => name !== INDEX);
}

export function pageText(name: string): string {
  return readFileSync(join(FOLDER, `${name}.md`), 'utf8');
}

/** How a page says that somebody else has to act before its next commands. */
export function mendedLine(mendedWhen: string): string {
  return `**When ${mendedWhen}:**`;
}

/** The commands of a page: all, or those before and those after somebody else has acted. */
export function partsOf(text: string, mendedWhen: string | null): Example[][] {
  if (mendedWhen === null) return [examplesIn(text)];
  const parts = text.split(mendedLine(mendedWhen));
  if (parts.length !== 2) throw new Error(`"${mendedLine(mendedWhen)}" has to stand there once`);
  return parts.map(examplesIn);
}

/** What a page quotes of the tool, as patterns for what it printed; `…` stands for anything. */
export function quotesIn(text: string): RegExp[] {
  const blocks = [...text.matchAll(/```text\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
  return blocks.map((block) => {
    const words = collapsed(block).split('…').map(literal);
    return new RegExp(words.join('.*?'));
  });
}

/** A text as a pattern for itself. */
function literal(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** Lines are broken where the page or the terminal ends, which says nothing. */
export function collapsed(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
