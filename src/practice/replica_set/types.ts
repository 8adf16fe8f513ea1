/** What a caller may choose when a practice database is started. */
export interface StandaloneOptions {
  /** Told what happens, one line at a time: what is tried, installed, started. */
  log: (line: string) => void;
  /** Folder for the data, kept at stop. Default: a fresh temporary folder, removed at stop. */
  dataDir?: string;
  /** Environment to read `CASHU_OPS_MONGOD`, `PATH` and the cache folder from. Default: the own one. */
  env?: NodeJS.ProcessEnv;
}

/** What a caller may choose when a practice replica set is started. */
export interface ReplicaSetOptions extends StandaloneOptions {
  /** Number of members; 1 starts fastest, 3 can lose its primary. Default: 1. */
  members?: 1 | 3;
}

/** One `mongod` of a practice replica set. */
export interface Member {
  readonly port: number;
  /** Process id while it runs, `undefined` while it does not. */
  readonly pid: number | undefined;
  /**
   * Sends a signal, `SIGKILL` by default. After a signal that ends processes it waits until the
   * process is gone; after `SIGSTOP` when it has stopped; after any other one it returns at once.
   *
   * @throws CashuOpsError DATABASE_FAILED when the process outlives the signal by 10 s
   */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /**
   * Starts it again (ends it first if it still runs) on the same port and data, and waits until it
   * answers as primary or secondary.
   *
   * @throws CashuOpsError DATABASE_FAILED when it ends or does not answer in time
   */
  restart(): Promise<void>;
}

/** A running practice replica set. */
export interface ReplicaSet {
  /** `mongodb://127.0.0.1:<port>,…/?replicaSet=rs0` */
  readonly uri: string;
  readonly members: readonly Member[];
  /** Version of the `mongod` that runs, for example `7.0.15`. */
  readonly version: string;
  /** Which way the `mongod` came, in words. */
  readonly source: string;
  /** Ends every process and removes the temporary folder. May be called more than once. */
  stop(): Promise<void>;
}

/** A running `mongod` that belongs to no replica set. */
export interface Standalone {
  /** `mongodb://127.0.0.1:<port>/` */
  readonly uri: string;
  readonly version: string;
  readonly source: string;
  /** Ends the process and removes the temporary folder. May be called more than once. */
  stop(): Promise<void>;
}
