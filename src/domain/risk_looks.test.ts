import { describe, expect, it } from 'vitest';
import { type LookRow, lastLooks, riskOf } from './risk_looks.ts';

function look(run_id: string, minute: number, fields: Partial<LookRow> = {}): LookRow {
  return {
    bucket: 0,
    run_id,
    started_at: new Date(minute * 60_000),
    shard: null,
    deep: false,
    older_than_ms: null,
    partial: false,
    sat: { CRITICAL: 1, HIGH: 10, MEDIUM: 100, LOW: 1000 },
    ...fields,
  };
}
function ids(...rows: LookRow[]): Record<number, string[]> {
  const looks = [...lastLooks(rows)];
  return Object.fromEntries(looks.map(([bucket, all]) => [bucket, all.map((row) => row.run_id)]));
}
const shard = (index: number, count: number) => ({ shard: { index, count } });

describe('lastLooks', () => {
  it('takes the newest of each bucket', () => {
    expect(ids(look('a', 1), look('b', 2), look('c', 9, { bucket: 60 }))).toEqual({
      0: ['b'],
      60: ['c'],
    });
  });

  it('takes shards only where all of them are there', () => {
    const two = [look('a', 1, shard(0, 3)), look('b', 2, shard(1, 3))];
    expect(ids(...two)).toEqual({});
    expect(ids(...two, look('c', 3, shard(2, 3)))).toEqual({ 0: ['a', 'b', 'c'] });
    expect(ids(...two, look('c', 3, shard(2, 4)))).toEqual({});
    expect(ids(...two, look('c', 3, { ...shard(2, 3), deep: true }))).toEqual({});
    expect(ids(...two, look('c', 3, { ...shard(2, 3), bucket: 60 }))).toEqual({});
  });

  it('takes shards for as old as the oldest of them', () => {
    const shards = [look('a', 1, shard(0, 2)), look('b', 9, shard(1, 2))];
    expect(ids(...shards, look('whole', 5))).toEqual({ 0: ['whole'] });
    expect(ids(...shards, look('whole', 0))).toEqual({ 0: ['a', 'b'] });
  });
});

describe('riskOf', () => {
  it('adds the shards', () => {
    expect(riskOf([look('a', 1), look('b', 2)])).toEqual({
      run_ids: ['a', 'b'],
      sat: { CRITICAL: 2, HIGH: 20, MEDIUM: 200, LOW: 2000 },
      at_least: false,
    });
  });

  it('says where something was left out', () => {
    expect(riskOf([look('a', 1), look('b', 2, { partial: true })]).at_least).toBe(true);
    expect(riskOf([look('a', 1, { older_than_ms: 1 })]).at_least).toBe(true);
  });
});
