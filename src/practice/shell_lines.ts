import { fileURLToPath } from 'node:url';

/** Holds `cashu-ops` for a PATH, in a checkout and where the package is installed. */
const BIN_FOLDER = fileURLToPath(new URL('../../bin', import.meta.url));

/** Variables as lines that a shell can read. */
export function shellLines(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}=${quoted(value)}`)
    .join('\n');
}

/** What to paste to use a practice ground: its settings, and where `cashu-ops` is found. */
export function practiceLines(variables: Readonly<Record<string, string>>): string {
  return `${shellLines(variables)}\nexport PATH=${quoted(BIN_FOLDER)}:"$PATH"`;
}

function quoted(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}
