import { type Config, requireMongodbUri } from '../config/config.ts';
import { type Io, warn } from '../io/io.ts';
import { assertReplicaSet, openStore, type Store } from '../store/connection.ts';

/** The database as the settings say. @param command for the server's log */
export async function openStoreFromConfig(config: Config, command: string, io: Io): Promise<Store> {
  const store = await openStore({
    uri: requireMongodbUri(config),
    appName: `cashu-ops/${command}`,
    log: (message) => warn(io, message),
  });
  await assertReplicaSet(store);
  return store;
}
