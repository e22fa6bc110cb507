// Retries: after which errors and when a request is sent again, and which banner is shown meanwhile.

import { ApiError, UnreachableError } from "./api.js";
import { sleep } from "./latest-request.js";

const MIN_DELAY = 500, MAX_DELAY = 5000; // milliseconds between two checks whether the server is back

/** Waits until requests can be sent again. */
export class Retry {
  #banners;
  #api;
  #onReconnect;
  #reconnection = null;

  /**
   * @param {import("./banners.js").Banners} banners
   * @param {import("./api.js").Api} api
   * @param {() => void} onReconnect called when an unreachable server is back
   */
  constructor(banners, api, onReconnect) {
    this.#banners = banners;
    this.#api = api;
    this.#onReconnect = onReconnect;
  }

  /**
   * Return what to wait for before a request is sent again.
   * @param {Error} error
   * @returns {Promise<void>|null} null if a retry is pointless
   */
  after(error) {
    if (error instanceof UnreachableError) {
      this.#reconnection ??= this.#reconnect();
      return this.#reconnection;
    }
    if (error instanceof ApiError && error.isTemporary) return this.#wait(error.retryAfter);
    return null;
  }

  /**
   * Send a request until it succeeds or a retry is pointless.
   * @template T
   * @param {() => Promise<T>} send
   * @returns {Promise<T>}
   */
  async run(send) {
    for (;;) {
      try {
        return await send();
      } catch (error) {
        const retry = this.after(error);
        if (!retry) throw error;
        await retry;
      }
    }
  }

  async #wait(seconds) {
    this.#banners.show("busy", `The server is busy. Retrying in ${Math.ceil(seconds)} s.`);
    await sleep(1000 * seconds);
  }

  async #reconnect() {
    this.#banners.show("offline", "The server is not reachable. Reconnecting; everything on this page is kept.");
    for (let delay = MIN_DELAY; ; delay = Math.min(2 * delay, MAX_DELAY)) {
      await sleep(delay);
      if (await this.#api.isReady()) break;
    }
    this.#reconnection = null;
    this.#banners.hide("offline");
    this.#onReconnect();
  }
}
