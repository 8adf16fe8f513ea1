import type { CashuOps } from '../../cashu_ops.ts';
import type { MintAsker } from '../../services/audit/ask_mint.ts';

/** Asks mints by the services. @param melt_timeout_ms how long a mint may take to pay */
export function mintAsker({ melt, mintOf, clock }: CashuOps, melt_timeout_ms: number): MintAsker {
  return {
    examine: (operation) => melt.examine(operation),
    examineReleased: (operation) => melt.examineReleased(operation),
    lookAt: (operation) => melt.lookAt(operation),
    checkStates: (mintUrl, ys) => mintOf(mintUrl).checkStates([...ys]),
    melt_timeout_ms,
    clock,
  };
}
