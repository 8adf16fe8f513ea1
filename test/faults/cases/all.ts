import type { FaultCase } from '../support/fault_case.ts';
import { AMOUNT_CASES } from './amounts.ts';
import { CHANGE_CASES } from './change.ts';
import { DATABASE_CASES } from './database.ts';
import { DRIFT_CASES } from './drift.ts';
import { GRID_CASES } from './grid.ts';
import { MACHINE_CASES } from './machine.ts';
import { MATRIX_CASES } from './matrix.ts';
import { MINT_ERROR_CASES } from './mint_errors.ts';
import { PROCESS_CASES } from './process.ts';
import { REQUEST_FATE_CASES } from './request_fate.ts';
import { RESERVATION_CASES } from './reservations.ts';

/** Cases that disturb nobody beside them. */
export const SIDE_BY_SIDE: readonly FaultCase[] = [
  ...REQUEST_FATE_CASES,
  ...MINT_ERROR_CASES,
  ...RESERVATION_CASES,
  ...CHANGE_CASES,
  ...DRIFT_CASES,
  ...AMOUNT_CASES,
  ...MATRIX_CASES,
  ...GRID_CASES,
];

/** Every case, in the order of the table. */
export const ALL_CASES: readonly FaultCase[] = [
  ...SIDE_BY_SIDE,
  ...DATABASE_CASES,
  ...PROCESS_CASES,
  ...MACHINE_CASES,
];
