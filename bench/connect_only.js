import { openStore } from '../dist/store/connection.js';

// What every command that needs the database pays for: the driver and one connection.
const store = await openStore({ uri: process.env.CASHU_OPS_MONGODB_URI, appName: 'bench' });
await store.db.command({ ping: 1 });
await store.close();
