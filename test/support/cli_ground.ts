import { readdir } from 'node:fs/promises';
import type { mongo } from 'mongoose';
import { expect } from 'vitest';
import { AUDIT_LOG } from '../../src/store/collections.ts';
import { type MeltGround, type MeltGroundOptions, meltGround } from './melt_ground.ts';
import { type CliResult, type RunningCli, startCli } from './run_cli.ts';
import { leaksIn, secretsIn } from './secret_scan.ts';

export interface RunOptions {
  /** On top of the ground's; undefined takes a variable away. */
  env?: Record<string, string | undefined>;
  /** Null for a pipe that stays open and says nothing. */
  stdin?: string | null;
}

export type Invoice = Awaited<ReturnType<MeltGround['mint']['control']['createInvoice']>>;
type InvoiceOptions = Parameters<MeltGround['mint']['control']['createInvoice']>[0];

/** A ground on which the built command is run, and everything it says is kept. */
export interface CliGround extends MeltGround {
  db: mongo.Db;
  invoice(options: InvoiceOptions): Promise<Invoice>;
  start(args: readonly string[], options?: RunOptions): RunningCli;
  run(args: readonly string[], options?: RunOptions): Promise<CliResult>;
  /** The wallet's owner as flags. */
  owner: readonly string[];
  /** Adds to what must never be shown. */
  keepSecret(...secrets: string[]): void;
  /** Adds to what was shown, for runs that `run` did not start. */
  heard(...texts: string[]): void;
  /** What a refused command must leave as it is. */
  standing(): Promise<Standing>;
  /** Secrets of the database and the invoices that were shown, or that stand in the audit log. */
  leaks(): Promise<{ searched_for: number; runs: number; shown: string[]; audit: string[] }>;
}

/** The database by the server's own hash of each collection, and the mint's books. */
export interface Standing {
  collections: Record<string, string>;
  operations: number;
  ledger: unknown;
  payments: Record<string, number>;
  /** Files of the rescue journal. */
  journal: string[];
}

/** As `meltGround`. */
export async function cliGround(options: MeltGroundOptions = {}): Promise<CliGround> {
  const ground = await meltGround(options);
  const { db } = ground.ops.store;
  const transcript: string[] = [];
  const extraSecrets: string[] = [];
  const start = (args: readonly string[], { env, stdin }: RunOptions = {}): RunningCli => {
    const running = startCli(args, environment({ ...ground.env, ...env }), stdin);
    const ended = running.ended.then((result) => {
      transcript.push(args.join('\n'), result.stdout, result.stderr);
      return result;
    });
    return { ...running, ended };
  };
  return {
    ...ground,
    db,
    owner: ['--npub', ground.npub],
    async invoice(wanted) {
      const invoice = await ground.mint.control.createInvoice(wanted);
      extraSecrets.push(invoice.preimage);
      return invoice;
    },
    start,
    run: (args, more) => start(args, more).ended,
    keepSecret: (...secrets) => void extraSecrets.push(...secrets),
    heard: (...texts) => void transcript.push(...texts),
    standing: () => standingOf(ground, db),
    async leaks() {
      const secrets = [...(await secretsIn(db)), ...extraSecrets];
      const audit = JSON.stringify(await db.collection(AUDIT_LOG).find().toArray());
      return {
        searched_for: secrets.length,
        runs: transcript.length,
        shown: leaksIn(transcript.join('\n'), secrets),
        audit: leaksIn(audit, secrets),
      };
    },
  };
}

function environment(env: Record<string, string | undefined>): Record<string, string> {
  const set = Object.entries(env).filter((entry): entry is [string, string] => entry[1] != null);
  return Object.fromEntries(set);
}

async function standingOf({ mint, journalDir }: MeltGround, db: mongo.Db): Promise<Standing> {
  const [{ collections }, operations, ledger, payments, journal] = await Promise.all([
    db.command({ dbHash: 1 }),
    db.collection('melt_operations').countDocuments(),
    mint.control.ledger(),
    mint.control.payments(),
    readdir(journalDir),
  ]);
  return { collections, operations, ledger, payments, journal };
}

/** The end of every test file of the command: whatever it ran, nobody learned a secret. */
export async function expectNoLeaks(ground: CliGround): Promise<void> {
  const { searched_for, runs, shown, audit } = await ground.leaks();
  expect(searched_for).toBeGreaterThan(4);
  expect(runs).toBeGreaterThan(3);
  expect({ shown, audit }).toEqual({ shown: [], audit: [] });
}
