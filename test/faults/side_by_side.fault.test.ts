import { AMOUNT_CASES } from './cases/amounts.ts';
import { CHANGE_CASES } from './cases/change.ts';
import { DRIFT_CASES } from './cases/drift.ts';
import { GRID_CASES } from './cases/grid.ts';
import { MATRIX_CASES } from './cases/matrix.ts';
import { MINT_ERROR_CASES } from './cases/mint_errors.ts';
import { REQUEST_FATE_CASES } from './cases/request_fate.ts';
import { RESERVATION_CASES } from './cases/reservations.ts';
import { runCases } from './support/run_case.ts';

runCases([
  ...REQUEST_FATE_CASES,
  ...MINT_ERROR_CASES,
  ...RESERVATION_CASES,
  ...CHANGE_CASES,
  ...DRIFT_CASES,
  ...AMOUNT_CASES,
  ...MATRIX_CASES,
  ...GRID_CASES,
]);
