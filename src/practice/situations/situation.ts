import type { CashuOps } from '../../cashu_ops.ts';
import type { PracticeMint } from '../mint/client.ts';

/** Where a situation is made: a practice ground, or that of a test. */
export interface SituationGround {
  ops: CashuOps;
  mint: PracticeMint;
  /** What a shell needs to use the ground. */
  env: Readonly<Record<string, string>>;
}

/** A situation as it stands, with everything that its page needs. */
export interface MadeSituation {
  /** What the commands of the page name, such as `NPUB`; also settings that differ from the ground's. */
  variables: Record<string, string>;
  /** What the commands printed that ran into it. */
  seen: string;
  /** Done by somebody else in the midst of the page, such as whoever keeps the mint. */
  mend?(): Promise<void>;
  /** Lets go of what was started or mounted for it. */
  stop?(): Promise<void>;
}

/** One situation of `docs/runbooks/`, to be rehearsed before the bad day. */
export interface Situation {
  /** Also the name of its page. */
  name: string;
  title: string;
  /** What somebody else has to do in the midst of the page; null where its commands are enough. */
  mended_when: string | null;
  /** Brings a ground into it, with real parts. */
  make(ground: SituationGround): Promise<MadeSituation>;
}
