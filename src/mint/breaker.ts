export interface BreakerSettings {
  /** So many batches in a row without an answer, and the mint counts as down. */
  failures_max: number;
  /** So long, then one batch is tried again. */
  down_ms: number;
  /** A clock that only goes forward, in ms. */
  now: () => number;
}

/** Keeps a run from waiting for a mint that is down. */
export class Breaker {
  readonly #settings: BreakerSettings;
  #failuresInRow = 0;
  #isTrying = false;
  #nextTry = 0;

  constructor(settings: BreakerSettings) {
    this.#settings = settings;
  }

  /** Nothing may be asked now. */
  get isOpen(): boolean {
    return this.#isDown && (this.#isTrying || this.#settings.now() < this.#nextTry);
  }

  /** @returns whether this batch is the one that tries whether the mint is back */
  begin(): boolean {
    this.#isTrying = this.#isDown;
    return this.#isTrying;
  }

  succeeded(): void {
    this.#failuresInRow = 0;
    this.#isTrying = false;
  }

  failed(): void {
    this.#failuresInRow += 1;
    this.#isTrying = false;
    this.#nextTry = this.#settings.now() + this.#settings.down_ms;
  }

  get #isDown(): boolean {
    return this.#failuresInRow >= this.#settings.failures_max;
  }
}
