import { describe, expect, it, onTestFinished } from 'vitest';
import { TEST_ACTOR, testStore } from '../../test/support/test_store.ts';
import { eventHash, NO_EVENT } from '../domain/audit_chain.ts';
import type { AuditEventData } from '../domain/audit_event.ts';
import { type AuditEntry, auditLog } from './audit_log.ts';
import { AUDIT_LOG } from './collections.ts';
import { openStore, type Store } from './connection.ts';

const store = await testStore();
const entries = store.db.collection<AuditEntry>(AUDIT_LOG);
const logOf = (on: Store) => auditLog(on, { actor: TEST_ACTOR });
const eventOf = (npub: string): AuditEventData => ({
  type: 'tokens_stored',
  severity: 'INFO',
  npub,
  mint_url: 'https://mint.test',
});
const chainOf = (npub: string) => `${npub} https://mint.test`;

async function expectUnbroken(chain: string, length: number): Promise<void> {
  const stored = await entries.find({ chain }).sort({ seq: 1 }).toArray();
  expect(stored.map(({ seq }) => seq)).toEqual(Array.from({ length }, (_, at) => at + 1));
  let prev = NO_EVENT;
  for (const { _id, ...event } of stored) {
    expect(event.prev).toBe(prev);
    expect(event.hash).toBe(eventHash({ ...event, id: _id.toHexString() }));
    prev = event.hash;
  }
}

const WRITERS = 8;
const EVENTS_EACH = 12;

/** A writer with a connection of its own, as another process has; counts what the server refused. */
async function writer(): Promise<{ on: Store; refused: () => number }> {
  const uri = `${store.uri}${store.uri.includes('?') ? '&' : '?'}monitorCommands=true`;
  const on = await openStore({ uri, appName: 'cashu-ops/test' });
  onTestFinished(() => on.close());
  let refused = 0;
  on.client.on('commandFailed', ({ commandName }) => {
    if (commandName === 'insert') refused += 1;
  });
  return { on, refused: () => refused };
}

/** Each writes its events in transactions of their own; @returns how often the server refused one */
async function writeAll(npubOf: (writer: number) => string): Promise<number> {
  const all = await Promise.all(Array.from({ length: WRITERS }, writer));
  await Promise.all(
    all.map(async ({ on }, index) => {
      const log = logOf(on);
      for (let event = 0; event < EVENTS_EACH; event += 1) {
        await on.transactions.run((session) =>
          log.createAuditLogEntry(session, eventOf(npubOf(index))),
        );
      }
    }),
  );
  return all.reduce((sum, { refused }) => sum + refused(), 0);
}

describe('the chain of a wallet', () => {
  it('holds events of one and of many transactions, and those without one', async () => {
    const log = logOf(store);
    const write = () => log.createAuditLogEntry(null, eventOf('npub1mixed'));
    await write();
    await store.transactions.run(async (session) => {
      await log.createAuditLogEntry(session, eventOf('npub1mixed'));
      await log.createAuditLogEntry(session, eventOf('npub1mixed'));
    });
    await write();
    await expectUnbroken(chainOf('npub1mixed'), 4);
  });

  it('has no gap where a transaction was rolled back', async () => {
    const log = logOf(store);
    await log.createAuditLogEntry(null, eventOf('npub1back'));
    const failing = store.transactions.run(async (session) => {
      await log.createAuditLogEntry(session, eventOf('npub1back'));
      throw new Error('rolled back');
    });
    await expect(failing).rejects.toThrow('rolled back');
    await log.createAuditLogEntry(null, eventOf('npub1back'));
    await expectUnbroken(chainOf('npub1back'), 2);
  });

  it('is written to by 8 writers on 8 wallets without one conflict', async () => {
    expect(await writeAll((index) => `npub1own${index}`)).toBe(0);
    for (let index = 0; index < WRITERS; index += 1) {
      await expectUnbroken(chainOf(`npub1own${index}`), EVENTS_EACH);
    }
  });

  it('holds all events of 8 writers on one wallet, unbroken', async () => {
    expect(await writeAll(() => 'npub1shared')).toBeGreaterThan(0);
    await expectUnbroken(chainOf('npub1shared'), WRITERS * EVENTS_EACH);
  });
});
