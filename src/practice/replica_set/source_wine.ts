import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import {
  type MongodBinary,
  type MongodSource,
  PINNED_VERSION,
  type Unavailable,
} from './mongod_source.ts';
import { helperEnvironment } from './sibling_script.ts';
import { ensureMongodExe } from './wine_mongod_exe.ts';
import { ensureWine } from './wine_packages.ts';
import { makeWinePrefix, windowsPath, wineEnvironment } from './wine_prefix.ts';

/**
 * The Windows build of `mongod` under Wine: for machines that reach Debian's and npm's packages,
 * but not the MongoDB company's downloads.
 */
export function wineSource(env: NodeJS.ProcessEnv): MongodSource {
  return {
    name: 'Wine on Debian',
    async locate(log): Promise<MongodBinary | Unavailable> {
      if (process.platform !== 'linux' || process.arch !== 'x64') {
        return { unavailable: 'this is no 64-bit Intel Linux' };
      }
      const helperEnv = helperEnvironment(env);
      const cachePath = cachePathOf(env);
      await mkdir(cachePath, { recursive: true });
      const wine = await ensureWine(helperEnv, cachePath, log);
      if ('unavailable' in wine) return wine;
      const exe = await ensureMongodExe(helperEnv, cachePath, log);
      if ('unavailable' in exe) return exe;
      return mongodUnderWine(exe.path, wine.libraryPath, helperEnv);
    },
  };
}

/** The folder of this tool in the user's cache (XDG Base Directory Specification). */
function cachePathOf(env: NodeJS.ProcessEnv): string {
  const configured = env.XDG_CACHE_HOME;
  const base = configured && isAbsolute(configured) ? configured : join(homedir(), '.cache');
  return join(base, 'cashu-ops');
}

function mongodUnderWine(
  exePath: string,
  libraryPath: string,
  helperEnv: NodeJS.ProcessEnv,
): MongodBinary {
  return {
    source: `mongod.exe ${PINNED_VERSION} under Wine`,
    version: PINNED_VERSION,
    async command({ dataPath, scratchPath, args }) {
      await makeWinePrefix(scratchPath, libraryPath);
      const env = wineEnvironment(helperEnv, scratchPath);
      return {
        file: 'wine',
        args: [exePath, '--dbpath', windowsPath(dataPath), ...args],
        env,
        // The wineserver outlives its last program for a moment; this ends it and waits for that.
        cleanup: { file: 'wineserver', args: ['-k'], env },
      };
    },
  };
}
