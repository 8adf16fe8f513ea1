import type { ChalkInstance } from 'chalk';
import { durationText } from '../config/duration.ts';
import { groupDigits } from '../domain/amount.ts';
import type { Severity } from '../domain/errors.ts';
import type { FindingAction } from '../domain/finding_action.ts';
import { type Npub, shortNpub } from '../domain/npub.ts';
import { printable } from '../domain/printable.ts';
import type { Finding, ReconcileScope } from '../domain/reconcile_run.ts';

/** What the words about a run are written for. */
export interface Surface {
  /** Characters that a line may have. */
  readonly width: number;
  readonly paint: ChalkInstance;
}

interface Deed {
  would: string;
  did: string;
}

/** Null where nothing is to be done. */
const DEEDS: Readonly<Record<FindingAction, Deed | null>> = {
  mark_spent: { would: 'would mark spent', did: 'marked spent' },
  remove_double: { would: 'would keep only one', did: 'kept only one' },
  give_back: { would: 'would give back', did: 'given back' },
  resolve_operation: { would: 'would ask the mint again', did: 'resolved' },
  release: { would: 'would look, then free', did: 'freed' },
  unreserve: { would: 'would unreserve', did: 'unreserved' },
  report: null,
  watch: null,
};

/** What was done about a finding, or would be. @param applied the run was to repair */
export function deedText({ action, done }: Finding, applied: boolean): string {
  const deed = DEEDS[action];
  if (deed === null) return action === 'watch' ? 'watched' : 'reported only';
  if (done) return deed.did;
  return applied ? 'not done' : deed.would;
}

/** Does the action change something, and is it still to be done? */
export function isToDo({ action, done }: Pick<Finding, 'action' | 'done'>): boolean {
  return DEEDS[action] !== null && !done;
}

const Y_SHOWN = 10;
const ID_SHOWN = 8;
const HOST_MAX = 60;

/** The beginning of a coin's public name. */
export function shortY(y: string | null): string {
  return y === null ? '-' : `${printable(y, Y_SHOWN + 1).slice(0, Y_SHOWN)}…`;
}

/** The beginning of an id: enough to find it by. */
export function shortId(id: string | null): string {
  return id === null ? '-' : printable(id, 200).slice(0, ID_SHOWN);
}

/** "npub1abcdef…wxyz  mint.example.com" */
export function walletText({ npub, mint_url }: Pick<Finding, 'npub' | 'mint_url'>): string {
  return `${ownerText(npub)}  ${hostOf(mint_url)}`;
}

/** Documents of others may hold any text as an owner. */
export function ownerText(npub: string): string {
  const shown = npub.length > 20 ? shortNpub(npub as Npub) : npub;
  return printable(shown, 20);
}

export function hostOf(mintUrl: string): string {
  return printable(mintUrl.replace(/^https?:\/\//, ''), HOST_MAX);
}

/** "1 coin", "12,000 coins" */
export function counted(count: number, noun: string): string {
  return `${groupDigits(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** Its word says the same as its colour. */
export function painted(severity: Severity, text: string, paint: ChalkInstance): string {
  if (severity === 'LOW') return paint.dim(text);
  return severity === 'MEDIUM' ? paint.yellow(text) : paint.red(text);
}

/** "all wallets, shard 3/16", for a person. */
export function scopeText({ npubs, mint_url, shard, deep, older_than_ms }: ReconcileScope): string {
  const [first, ...others] = npubs === 'all' ? [] : npubs;
  const who =
    first === undefined
      ? 'all wallets'
      : `${ownerText(first)}${others.length > 0 ? ` and ${others.length} more` : ''}`;
  return [
    who,
    ...(mint_url === null ? [] : [`at ${hostOf(mint_url)}`]),
    ...(shard === null ? [] : [`shard ${shard.index}/${shard.count}`]),
    ...(deep ? ['deep'] : []),
    ...(older_than_ms === null ? [] : [`older than ${durationText(older_than_ms)}`]),
  ].join(', ');
}
