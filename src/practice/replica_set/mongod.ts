import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CashuOpsError } from '../../domain/errors.ts';
import { withDirectClient } from './direct_client.ts';
import { acceptsConnections, freePort } from './free_port.ts';
import type { Keeper, KeptProcess, ProcessEnd } from './keeper.ts';
import type { MongodBinary, MongodCommand } from './mongod_source.ts';
import { waitUntilStopped } from './process_state.ts';
import { settlesWithin, waitUntil } from './wait.ts';

/** Exit code of a `mongod` whose port is taken (MongoDB manual, "Exit Codes and Statuses"). */
const EXIT_PORT_TAKEN = 48;
const START_ATTEMPTS = 5;
const ANSWER_TIMEOUT_MS = 90_000;
const KILL_TIMEOUT_MS = 10_000;
const PORT_FREE_TIMEOUT_MS = 5_000;
const LOG_LINES_SHOWN = 5;
const ENDING_SIGNALS: ReadonlySet<NodeJS.Signals> = new Set([
  'SIGKILL',
  'SIGTERM',
  'SIGINT',
  'SIGQUIT',
  'SIGABRT',
]);

/** What stays the same over all starts of one `mongod`. */
export interface MongodSettings {
  binary: MongodBinary;
  keeper: Keeper;
  /** Number of the member, part of the names of its files. */
  index: number;
  dataPath: string;
  /** Folder for its log and its helpers. */
  workPath: string;
  /** Name of the replica set; without one it runs standalone. */
  replicaSet?: string;
}

/** One `mongod` that can be ended and started again on the same port and data. */
export class Mongod {
  readonly #settings: MongodSettings;
  readonly #logPath: string;
  #starts = 0;
  #port = 0;
  #process: KeptProcess | undefined;

  constructor(settings: MongodSettings) {
    this.#settings = settings;
    this.#logPath = join(settings.workPath, `mongod-${settings.index}.log`);
  }

  get port(): number {
    return this.#port;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /**
   * Starts it for the first time, on a port that the system names, and waits until it answers.
   *
   * @throws CashuOpsError DATABASE_FAILED with the last lines of its log when it ends or stays silent
   */
  async startOnFreePort(): Promise<void> {
    // Between asking for a free port and using it, somebody else can take it.
    await this.#startWithRetries(async () => {
      this.#port = await freePort();
    });
  }

  /** Starts it again on its port and waits until it answers; errors as at the first start. */
  async startAgain(): Promise<void> {
    // The system can hold the port of a killed process for a moment longer than the process.
    await this.#startWithRetries(async () => {
      await waitUntil(async () => !(await acceptsConnections(this.#port)), PORT_FREE_TIMEOUT_MS);
    });
  }

  /**
   * Sends a signal; after one that ends processes it waits until this one is gone, after SIGSTOP
   * until it has stopped.
   *
   * @throws CashuOpsError DATABASE_FAILED when the process outlives the signal
   */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const running = this.#process;
    if (running === undefined) return;
    running.signal(signal);
    if (signal === 'SIGSTOP') return waitUntilStopped(running.pid);
    if (!ENDING_SIGNALS.has(signal) || (await settlesWithin(running.ended, KILL_TIMEOUT_MS)))
      return;
    const seconds = KILL_TIMEOUT_MS / 1000;
    throw new CashuOpsError(
      'DATABASE_FAILED',
      `mongod (process ${running.pid}) did not end within ${seconds} s of ${signal}; use SIGKILL.`,
    );
  }

  /** Asks it to close its files and end, and waits for that, but not for long. */
  async shutDown(): Promise<void> {
    const running = this.#process;
    if (running === undefined) return;
    const command = { shutdown: 1, force: true, timeoutSecs: 0 };
    // It answers by closing the connection; one that cannot answer is ended by the keeper.
    await withDirectClient(this.#port, (admin) => admin.command(command)).catch(() => undefined);
    await settlesWithin(running.ended, KILL_TIMEOUT_MS);
  }

  async #startWithRetries(choosePort: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      await choosePort();
      const end = await this.#startOnce();
      if (end === undefined) return;
      if (end.code !== EXIT_PORT_TAKEN || attempt === START_ATTEMPTS) throw await this.#ended(end);
    }
  }

  /** @returns how it ended, or `undefined` when it answers */
  async #startOnce(): Promise<ProcessEnd | undefined> {
    const command = await this.#command();
    const started = await this.#settings.keeper.start(command, this.#logPath);
    this.#process = started;
    let end: ProcessEnd | undefined;
    void started.ended.then((how) => {
      end = how;
      if (this.#process === started) this.#process = undefined;
    });
    const answers = async () => end !== undefined || (await this.#answersAs(command));
    if (await waitUntil(answers, ANSWER_TIMEOUT_MS)) return end;
    started.signal('SIGKILL');
    throw await this.#failure(`does not answer after ${ANSWER_TIMEOUT_MS / 1000} s`);
  }

  /** Any program could sit on the port, so the one that answers has to name our data folder. */
  async #answersAs(command: MongodCommand): Promise<boolean> {
    if (!(await acceptsConnections(this.#port))) return false;
    const dataPath = command.args[command.args.indexOf('--dbpath') + 1];
    try {
      const options = await withDirectClient(this.#port, (admin) =>
        admin.command({ getCmdLineOpts: 1 }),
      );
      return options.parsed?.storage?.dbPath === dataPath;
    } catch {
      return false;
    }
  }

  #command(): Promise<MongodCommand> {
    const { binary, dataPath, workPath, index, replicaSet } = this.#settings;
    const scratchPath = join(workPath, `run-${index}-${this.#starts++}`);
    const setArgs = replicaSet === undefined ? [] : ['--replSet', replicaSet, '--oplogSize', '64'];
    const args = [...commonArguments(this.#port), ...setArgs];
    return binary.command({ dataPath, scratchPath, args });
  }

  #ended(end: ProcessEnd): Promise<CashuOpsError> {
    const how = end.signal === null ? `exit code ${end.code}` : `signal ${end.signal}`;
    return this.#failure(`ended while it was starting (${how})`);
  }

  async #failure(what: string): Promise<CashuOpsError> {
    const log = await readFile(this.#logPath, 'utf8').catch(() => '');
    const lines = log.trim().split('\n').slice(-LOG_LINES_SHOWN).join('\n');
    const text = lines === '' ? 'It wrote no log.' : `The end of its log:\n${lines}`;
    return new CashuOpsError('DATABASE_FAILED', `The practice mongod ${what}. ${text}`);
  }
}

/** Small caches, no telemetry, fail points allowed: it serves practice and tests. */
function commonArguments(port: number): string[] {
  return [
    ...['--port', String(port), '--bind_ip', '127.0.0.1', '--quiet'],
    ...['--wiredTigerCacheSizeGB', '0.25'],
    ...['--setParameter', 'enableTestCommands=1'],
    ...['--setParameter', 'diagnosticDataCollectionEnabled=false'],
    // Files of what was dropped are kept open for this history, by default five minutes: tests that
    // make and drop databases would reach the number of files that a process may have open.
    ...['--setParameter', 'minSnapshotHistoryWindowInSeconds=5', '--syncdelay', '10'],
  ];
}
