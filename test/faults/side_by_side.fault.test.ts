import { SIDE_BY_SIDE } from './cases/all.ts';
import { runCases } from './support/run_case.ts';

runCases(SIDE_BY_SIDE);
