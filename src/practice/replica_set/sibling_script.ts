import { fileURLToPath } from 'node:url';

/**
 * Path of a script beside the calling module. The sources run as `.ts` (vitest, Node's own type
 * stripping) and the build as `.js`; unlike an import, a path is not rewritten by the compiler.
 *
 * @param moduleUrl `import.meta.url` of the caller
 * @param name file name without its ending
 */
export function siblingScript(moduleUrl: string, name: string): string {
  const ending = moduleUrl.endsWith('.ts') ? 'ts' : 'js';
  return fileURLToPath(new URL(`./${name}.${ending}`, moduleUrl));
}

/**
 * The environment for helper processes: without the settings of this tool, which hold secrets, and
 * without `NODE_OPTIONS`, which belong to the process that was started with them.
 */
export function helperEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(
    ([name]) => name !== 'NODE_OPTIONS' && !name.startsWith('CASHU_OPS_'),
  );
  return Object.fromEntries(kept);
}
