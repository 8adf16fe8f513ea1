import { readFileSync } from 'node:fs';

const packageFile = new URL('../package.json', import.meta.url);

/** The version in package.json, which lies above both `src` and `dist`. */
export const VERSION: string = JSON.parse(readFileSync(packageFile, 'utf8')).version;
