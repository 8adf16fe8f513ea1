import { groupDigits } from './amount.ts';
import { type FieldChange, namesBeyond } from './policy_change.ts';

const TITLES: Readonly<Record<FieldChange['field'], string>> = {
  document: 'document',
  enabled: 'melts',
  stopped_mints: 'stopped mints',
  stopped_npubs: 'stopped wallets',
  allowed_npubs: 'list',
  rollout_percent: 'rollout',
};

/** What a changed field is called. */
export function titleOf({ field }: FieldChange): string {
  return TITLES[field];
}

/** A change as one phrase: `rollout: 10 % → 25 %`. @param namesMax so many names are spelled out */
export function changeWords(change: FieldChange, namesMax: number): string {
  return `${titleOf(change)}: ${valuesOf(change, namesMax)}`;
}

/** Before → after; of a list what came and what went. */
export function valuesOf(change: FieldChange, namesMax: number): string {
  const { field, before, after } = change;
  if (!Array.isArray(before) && !Array.isArray(after)) {
    return `${scalarText(field, before)} → ${scalarText(field, after)}`;
  }
  if (field === 'allowed_npubs' && (before === null || after === null)) {
    return `${listText(before, namesMax)} → ${listText(after, namesMax)}`;
  }
  const [from, to] = [namesOf(before), namesOf(after)];
  const parts = [
    ...signed('+', namesBeyond(to, from), namesMax),
    ...signed('−', namesBeyond(from, to), namesMax),
  ];
  return `${parts.join(', ')} (${groupDigits(from.length)} → ${groupDigits(to.length)})`;
}

function scalarText(field: FieldChange['field'], value: FieldChange['before']): string {
  if (field === 'enabled') return value === true ? 'on' : 'off';
  return field === 'rollout_percent' ? `${value} %` : String(value);
}

function listText(value: FieldChange['before'], namesMax: number): string {
  if (!Array.isArray(value)) return 'everybody';
  if (value.length === 0) return 'nobody';
  const shown = value.length <= namesMax ? ` ${value.join(', ')}` : '';
  return `only ${groupDigits(value.length)} ${value.length === 1 ? 'wallet' : 'wallets'}${shown}`;
}

function signed(sign: string, names: readonly string[], namesMax: number): string[] {
  if (names.length <= namesMax) return names.map((name) => `${sign} ${name}`);
  return [`${sign} ${groupDigits(names.length)} of them`];
}

function namesOf(value: FieldChange['before']): string[] {
  return Array.isArray(value) ? value : [];
}
