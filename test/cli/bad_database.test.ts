import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mongo } from 'mongoose';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { freePort } from '../../src/practice/replica_set/free_port.ts';
import { startStandalone } from '../../src/practice/replica_set/index.ts';
import { ALL_COLLECTIONS } from '../../src/store/collections.ts';
import { type CliGround, cliGround, expectNoLeaks } from '../support/cli_ground.ts';
import { expectRefusal, onlyDocument } from '../support/cli_refusal.ts';
import { freshDatabaseName, testUri } from '../support/test_store.ts';

const PASSWORD = 'correct-horse/battery@staple';

/** Databases that are not there, refuse, or must not be used; settings that make no sense. */
describe('a database that is of no use', () => {
  let ground: CliGround;
  let melt: string[];
  let folder: string;
  beforeAll(async () => {
    ground = await cliGround();
    folder = await mkdtemp(join(tmpdir(), 'cashu-ops-test-'));
    afterAll(() => rm(folder, { recursive: true }));
    ground.keepSecret(PASSWORD, encodeURIComponent(PASSWORD), 'battery@staple');
    const { invoice } = await ground.invoice({ amount_sat: 100 });
    melt = ['melt', invoice, ...ground.owner, '--yes'];
  });

  it('is not there', async () => {
    const { human } = await expectRefusal(ground, {
      args: melt,
      env: {
        CASHU_OPS_MONGODB_URI: `mongodb://ops:${encodeURIComponent(PASSWORD)}@127.0.0.1:${await freePort()}/wallets`,
      },
      code: 'DATABASE_UNREACHABLE',
      exit: 25,
      says: [/did not answer/, /has a primary/, /try again/],
      next: /^cashu-ops doctor$/,
    });
    expect(human.stderr).not.toContain('warning');
  });

  it('accepts connections and says nothing', async () => {
    const server = createServer(() => {}).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await expectRefusal(ground, {
      args: melt,
      env: { CASHU_OPS_MONGODB_URI: `mongodb://127.0.0.1:${port}/wallets` },
      code: 'DATABASE_UNREACHABLE',
      exit: 25,
      says: /did not answer/,
    });
    server.close();
  });

  it('refuses the password', async () => {
    const url = new URL(ground.env.CASHU_OPS_MONGODB_URI ?? '');
    url.username = 'ops';
    url.password = encodeURIComponent(PASSWORD);
    await expectRefusal(ground, {
      args: melt,
      env: { CASHU_OPS_MONGODB_URI: url.href },
      code: 'INVALID_CONFIGURATION',
      exit: 2,
      says: /refused the user name or the password/,
    });
  });

  it.each([
    ['nonsense', `ops:${PASSWORD}`, /CASHU_OPS_MONGODB_URI/],
    ['another scheme', `postgres://ops:${PASSWORD}@db/wallets`, /mongodb:\/\//],
    [
      'a port that is none',
      `mongodb://ops:${encodeURIComponent(PASSWORD)}@db:99999999/wallets`,
      /no usable MongoDB address/,
    ],
    ['a password that was not encoded', `mongodb://ops:${PASSWORD}@db/wallets`, /address/],
    [
      'no database in it',
      `mongodb://ops:${encodeURIComponent(PASSWORD)}@db:27017/`,
      /names no database/,
    ],
    ['nothing', undefined, /No database is named: set CASHU_OPS_MONGODB_URI/],
  ])('its address is wrong: %s', async (_, uri, says) => {
    const { machine, human } = await expectRefusal(ground, {
      args: [...melt, '--debug'],
      env: { CASHU_OPS_MONGODB_URI: uri },
      code: 'INVALID_CONFIGURATION',
      exit: 2,
      says,
      stack: true,
    });
    expect(machine.stdout + machine.stderr + human.stderr).not.toContain('staple');
  });

  it('a settings file with a mistake, or with what is no setting', async () => {
    const file = join(folder, 'settings.json');
    for (const [text, says] of [
      [`{"mongodb_uri": "mongodb://ops:${PASSWORD}@db/wallets",}`, /is not valid JSON/],
      [`{"mongodb_url": "mongodb://ops:${PASSWORD}@db/wallets"}`, /no setting: "mongodb_url"/],
    ] as const) {
      await writeFile(file, text, { mode: 0o600 });
      await expectRefusal(ground, {
        args: [...melt, '--config', file],
        code: 'INVALID_CONFIGURATION',
        exit: 2,
        says,
      });
    }
  });

  it('is a standalone mongod: refused before the mint is asked anything', async () => {
    const standalone = await startStandalone({ log: () => {} });
    try {
      await ground.mint.control.resetRequests();
      await expectRefusal(ground, {
        args: melt,
        env: { CASHU_OPS_MONGODB_URI: `${standalone.uri}wallets` },
        code: 'NOT_A_REPLICA_SET',
        exit: 2,
        says: [/standalone mongod/, /no transactions/, /rs\.initiate\(\)/],
      });
      expect((await ground.mint.control.requests()).total).toBe(0);
    } finally {
      await standalone.stop();
    }
  });

  it('has no indexes: refused, and the next command makes them', async () => {
    const bare = freshDatabaseName();
    const env = { CASHU_OPS_MONGODB_URI: testUri(bare) };
    const client = await mongo.MongoClient.connect(inject('mongodbUri'));
    try {
      const db = client.db(bare);
      for (const name of ['cashu_wallets', 'cashu_tokens']) {
        const documents = await ground.db.collection(name).find().toArray();
        await db.collection(name).insertMany(documents);
      }
      const before = await db.command({ dbHash: 1 });
      const { error } = await expectRefusal(ground, {
        args: melt,
        env,
        code: 'STORE_NOT_READY',
        exit: 2,
        says: [/is not prepared/, /could be paid twice/, /Nothing was paid/],
        next: /^cashu-ops doctor --fix$/,
      });
      expect((await db.command({ dbHash: 1 })).collections).toEqual(before.collections);
      const fix = await ground.run(error.next_command.split(' ').slice(1), { env });
      expect([fix.code, fix.stdout]).toEqual([0, expect.stringMatching(/^indexes +✓ ok +made /m)]);
      const names = (await db.listCollections({}, { nameOnly: true }).toArray()).map(
        ({ name }) => name,
      );
      expect(names.toSorted()).toEqual(ALL_COLLECTIONS.toSorted());
      const rehearsal = await ground.run([...melt, '--dry-run', '--json'], { env });
      expect([rehearsal.code, onlyDocument(rehearsal.stdout).status]).toEqual([0, 'dry_run']);
    } finally {
      await client.db(bare).dropDatabase();
      await client.close();
    }
  });

  it('holds more than can be counted exactly (2^53-1 sat)', async () => {
    const [token] = await ground.tokens();
    if (token === undefined) throw new Error('the wallet has no token');
    const owner = 'npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg';
    const huge = [1, 2].map((number) => {
      const { _id, ...fields } = token;
      const proofs = [
        { id: 'x', amount: Number.MAX_SAFE_INTEGER, secret: `huge secret ${number}`, C: 'x' },
      ];
      const own = { npub: owner, transaction_id: `huge-${number}`, proofs };
      return { ...fields, ...own, total_amount: Number.MAX_SAFE_INTEGER };
    });
    await ground.db.collection('cashu_tokens').insertMany(huge);
    await expectRefusal(ground, {
      args: ['balance', '--npub', owner],
      code: 'AMOUNT_TOO_LARGE',
      exit: 21,
      says: [/18,014,398,509,481,982/, /counted exactly \(9,007,199,254,740,991\)/],
    });
    await ground.db.collection('cashu_tokens').deleteMany({ npub: owner });
  });

  it('the folder of the rescue journal cannot be written', async () => {
    const file = join(folder, 'file');
    await writeFile(file, 'a file where a folder should be');
    await expectRefusal(ground, {
      args: melt,
      env: { CASHU_OPS_JOURNAL_DIR: join(file, 'journal') },
      code: 'JOURNAL_UNWRITABLE',
      exit: 2,
      says: [/rescue journal/, /ENOTDIR/, /CASHU_OPS_JOURNAL_DIR/],
      next: /^cashu-ops doctor$/,
    });
  });

  it('nobody learned a secret', () => expectNoLeaks(ground));
});
