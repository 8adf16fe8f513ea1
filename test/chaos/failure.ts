/** What the judges found; its text says it all. */
export class ChaosFailure extends Error {
  override readonly name = 'ChaosFailure';
}
