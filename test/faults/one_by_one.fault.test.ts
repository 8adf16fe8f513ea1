import { DATABASE_CASES } from './cases/database.ts';
import { MACHINE_CASES } from './cases/machine.ts';
import { PROCESS_CASES } from './cases/process.ts';
import { runCases } from './support/run_case.ts';

// Many of them set a fail point or hold commands back, and the server knows a client by its name only.
runCases([...DATABASE_CASES, ...PROCESS_CASES, ...MACHINE_CASES], { concurrent: false });
