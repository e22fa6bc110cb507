// Requests for a state that keeps changing: one at a time, always for the newest state, never an old response after a
// newer one.
//
// While the user draws, the running request is completed: its response is nearly right, and cancelling each one would
// leave the bars without updates. If the image is replaced, `cancel` aborts it.

/** @param {number} ms */
export const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** Sends requests for the newest input. */
export class LatestRequest {
  #options;
  #pending = [];
  #isRunning = false;
  #controller = new AbortController();

  /**
   * @param {{
   *   send: (input: any, signal: AbortSignal) => Promise<any>,
   *   onResponse: (response: any, input: any) => void,
   *   onError: (error: Error, input: any) => void,
   *   waitToRetry: (error: Error) => Promise<void>|null,
   *   minInterval: number,
   * }} options waitToRetry: returns what to wait for before the input, or a newer one, is sent again; null if a retry
   *   is pointless, and then `onError` is called. minInterval: milliseconds between two requests.
   */
  constructor(options) {
    this.#options = options;
  }

  /** Request an input; it replaces the input that waits. */
  request(input) {
    this.#pending = [input];
    if (!this.#isRunning) this.#run();
  }

  /** Cancel the running request and the input that waits. */
  cancel() {
    this.#pending = [];
    this.#controller.abort();
    this.#controller = new AbortController();
  }

  async #run() {
    this.#isRunning = true;
    while (this.#pending.length) {
      // Changes in this interval are combined into one request.
      await sleep(this.#options.minInterval);
      const [input] = this.#pending.splice(0);
      if (input !== undefined) await this.#send(input, this.#controller.signal);
    }
    this.#isRunning = false;
  }

  async #send(input, signal) {
    let response;
    try {
      response = await this.#options.send(input, signal);
    } catch (error) {
      if (!signal.aborted) await this.#handleError(error, input);
      return;
    }
    if (!signal.aborted) this.#options.onResponse(response, input);
  }

  async #handleError(error, input) {
    const retry = this.#options.waitToRetry(error);
    if (!retry) {
      this.#options.onError(error, input);
      return;
    }
    if (!this.#pending.length) this.#pending = [input];
    await retry;
  }
}
