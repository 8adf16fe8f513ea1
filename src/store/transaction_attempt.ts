/** One attempt of a transaction: each time that the work is begun again is another one. */
export class TransactionAttempt {
  readonly #actions: (() => void)[] = [];
  #lostRace = false;

  /** Somebody was faster at what everybody writes in turn: it does not count as a failure. */
  get lostRace(): boolean {
    return this.#lostRace;
  }

  /** Says so, before the error is let through. */
  loseRace(): void {
    this.#lostRace = true;
  }

  /**
   * Does something in memory when this attempt is committed for certain; never when it was rolled
   * back, or its outcome is not known.
   */
  afterCommit(action: () => void): void {
    this.#actions.push(action);
  }

  committed(): void {
    for (const action of this.#actions) action();
  }
}
