#!/usr/bin/env node
/**
 * The entry of the program.
 *
 * It runs on every Node since 12, if only to say that it needs a newer one: no newer syntax, and
 * nothing is imported before the version is known.
 */

const NODE_NEEDED = [22, 12];

/** EXIT.bug and EXIT.usage of src/cli/exit_codes.ts, which cannot be loaded yet. */
const EXIT_BUG = 1;
const EXIT_USAGE = 2;

function isTooOld(version) {
  const [major, minor] = version.split('.').map(Number);
  return major < NODE_NEEDED[0] || (major === NODE_NEEDED[0] && minor < NODE_NEEDED[1]);
}

/** What goes wrong before or after `main` is told in the format that was asked for, too. */
function wantsJson(words, env) {
  const inOne = words.some((word) => word === '--log-format=json');
  const given = words[words.lastIndexOf('--log-format') + 1];
  const flag = words.includes('--log-format') ? given : '';
  return inOne || (flag || env.CASHU_OPS_LOG_FORMAT) === 'json';
}

function tell(sentence, exitCode) {
  const line = {
    level: 'error',
    time: new Date().toISOString(),
    exit_code: exitCode,
    msg: sentence,
  };
  const isJson = wantsJson(process.argv.slice(2), process.env);
  process.stderr.write(`${isJson ? JSON.stringify(line) : sentence}\n`);
}

/** The quickest answer there is: scripts ask for the version often, and need nothing else. */
function printVersion() {
  const { readFileSync } = process.getBuiltinModule('node:fs');
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  // A reader that has gone is no error.
  process.stdout.on('error', () => {});
  process.stdout.write(`cashu-ops ${version}\n`);
}

/**
 * An end by accident, such as a promise that never settles, must not look like a success, so the
 * exit code is that of a bug until `main` has given its own.
 */
async function start(args) {
  process.exitCode = EXIT_BUG;
  const entry = await import('../dist/main.js').catch(explainMissing);
  if (!entry) return;
  try {
    const exitCode = await entry.main(args, process);
    // A request that nobody waits for any more must not keep the process.
    if (Number.isInteger(exitCode)) process.exit(exitCode);
  } catch (error) {
    // `main` reports errors itself; what escapes it may hold a secret, so only its kind is told.
    const name = error instanceof Error ? error.name : typeof error;
    tell(`cashu-ops ended by an error that nobody foresaw (${name}).`, EXIT_BUG);
  }
}

/**
 * Messages about modules that are missing or broken hold paths and no data. What follows their
 * first line is Node's guess at another file.
 */
function explainMissing(error) {
  const [reason] = error.message.split('\n');
  tell(
    `cashu-ops could not be loaded: ${reason}. Install it again (in a checkout: npm run build).`,
    EXIT_BUG,
  );
}

const args = process.argv.slice(2);
if (isTooOld(process.versions.node)) {
  tell(
    `cashu-ops needs Node ${NODE_NEEDED.join('.')} or newer, but this is Node ${process.versions.node}: install a newer Node and run it again.`,
    EXIT_USAGE,
  );
  process.exitCode = EXIT_USAGE;
} else if (args.length === 1 && (args[0] === '--version' || args[0] === '-V')) {
  printVersion();
} else {
  start(args);
}
