import type { OperationState } from '../../../src/domain/melt_operation.ts';
import type { JudgeOptions } from '../../support/conservation.ts';
import type { CliResult } from '../../support/run_cli.ts';
import type { CaseGround } from './case_ground.ts';

/** Where the operation of the invoice stands in the raw database; `none`: there is none. */
export type StoredState = OperationState | 'none';

/** How a command ended, as whoever ran it sees it. */
export interface Ending {
  /** `killed`: it got no chance to say anything. */
  exit: number | 'killed';
  /** Must occur in the one message; what it matches stands in the table. */
  says?: RegExp;
  /** In the raw database right then. */
  state: StoredState;
}

/** How money and records stand when everything that can be brought to an end is. */
export interface End extends Ending {
  /** How often the mint's Lightning side paid the invoice. */
  payments: 0 | 1;
  /** Why no command can end it, where that is so. */
  person?: string;
}

/** What an operator does after the failure, once the cause is gone. */
export type Recovery =
  /** `melt --resume` until it has ended. */
  | 'resume'
  /** `melt --resume-all`, likewise. */
  | 'resume_all'
  /** `reconcile --apply`, then a look. */
  | 'reconcile'
  /** The same command once more: nothing was left behind, so it pays. */
  | 'again'
  /** It has ended already. */
  | 'nothing';

/** One way to break, and what has to come of it. */
export interface FaultCase {
  /** Stable, unique, and shown in the table. */
  id: string;
  /** Number of section 3, `2.4` for a cell of the matrix, `grid`, `database`, `process`, `machine`. */
  group: string;
  /** What breaks, in a few words. */
  title: string;
  /** Coins of the wallet (sat). */
  coins?: readonly number[];
  /** The invoice (sat). */
  amount_sat?: number;
  env?: Readonly<Record<string, string>>;
  /** A mint and a database of its own: for what looks at the whole of them. */
  fresh?: boolean;
  /** `mount`: the right to mount a file system; where that is missing, the case is skipped by name. */
  needs?: 'mount';
  /** Sets the stage. */
  given?: (ground: CaseGround) => Promise<unknown>;
  /** Default: pays the invoice. */
  act?: (ground: CaseGround) => Promise<CliResult>;
  expected: Ending;
  /** Looks (`melt --resume`) while the fault still stands, a quiet period apart. */
  looks?: readonly Ending[];
  /** What has to be set right besides the faults of proxy and mint, which are taken away. */
  heal?: (ground: CaseGround) => Promise<unknown>;
  recovery: Recovery;
  end: End;
  judge?: JudgeOptions;
  /** The database is wrong before the tool comes, so only the end is judged. */
  wrong_before?: boolean;
  /** Further questions at the end. */
  also?: (ground: CaseGround) => Promise<unknown>;
}

/** A case as it came out. */
export interface CaseResult {
  id: string;
  group: string;
  title: string;
  exit: string;
  told: string;
  state: string;
  end: string;
  verdict: 'held' | 'FAILED';
  /** For whoever looks into a failure; not in the table. */
  why?: string;
}
