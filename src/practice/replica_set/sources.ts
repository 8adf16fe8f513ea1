import type { MongodSource } from './mongod_source.ts';
import { downloadSource } from './source_download.ts';
import { installedSource } from './source_installed.ts';
import { wineSource } from './source_wine.ts';

/** Every way to get a `mongod`, in the order in which they are tried. */
export function allSources(env: NodeJS.ProcessEnv): MongodSource[] {
  return [installedSource(env), downloadSource(env), wineSource(env)];
}
