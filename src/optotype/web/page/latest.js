// Requests while somebody draws: one at a time, always for the newest state, never an old answer after a newer one.
//
// A request that a further stroke outgrows is let finish, for its answer is nearly right and drawing would otherwise
// starve the bars; one whose picture was replaced is cancelled by `forget`.

/** @param {number} ms */
export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Asks for the newest wish. */
export class Latest {
  #plan;
  #wishes = [];
  #running = false;
  #controller = new AbortController();

  /**
   * @param {{
   *   ask: (wish: any, signal: AbortSignal) => Promise<any>,
   *   shown: (answer: any, wish: any) => void,
   *   failed: (error: Error, wish: any) => void,
   *   patience: (error: Error) => Promise<void>|null,
   *   every: number,
   * }} plan ask: sends a request. shown: gets its answer. patience: says what to wait for before an error's wish, or
   *   a newer one, is asked again; null where that is no use, and then `failed` is told. every: the least
   *   milliseconds between two requests.
   */
  constructor(plan) {
    this.#plan = plan;
  }

  /** Wish for something; it takes the place of what waits. */
  want(wish) {
    this.#wishes = [wish];
    if (!this.#running) this.#run();
  }

  /** Cancel what is under way, and what waits. */
  forget() {
    this.#wishes = [];
    this.#controller.abort();
    this.#controller = new AbortController();
  }

  async #run() {
    this.#running = true;
    while (this.#wishes.length) {
      // What comes meanwhile is asked for together.
      await pause(this.#plan.every);
      const [wish] = this.#wishes.splice(0);
      if (wish !== undefined) await this.#one(wish, this.#controller.signal);
    }
    this.#running = false;
  }

  async #one(wish, signal) {
    let answer;
    try {
      answer = await this.#plan.ask(wish, signal);
    } catch (error) {
      if (!signal.aborted) await this.#after(error, wish);
      return;
    }
    if (!signal.aborted) this.#plan.shown(answer, wish);
  }

  async #after(error, wish) {
    const again = this.#plan.patience(error);
    if (!again) return this.#plan.failed(error, wish);
    if (!this.#wishes.length) this.#wishes = [wish];
    await again;
  }
}
