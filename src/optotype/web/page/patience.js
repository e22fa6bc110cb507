// After which errors it is worth asking again, when, and what is said meanwhile.

import { pause } from "./latest.js";
import { Gone, Refused } from "./server.js";

const FIRST = 500, LONGEST = 5000; // milliseconds between two looks for the server

/** Waits for the server. */
export class Patience {
  #notices;
  #server;
  #returned;
  #looking = null;

  /**
   * @param {import("./notices.js").Notices} notices
   * @param {import("./server.js").Server} server
   * @param {() => void} returned told when a server that was gone is there again
   */
  constructor(notices, server, returned) {
    this.#notices = notices;
    this.#server = server;
    this.#returned = returned;
  }

  /**
   * Say what to wait for before asking again.
   * @param {Error} error
   * @returns {Promise<void>|null} null where asking again is no use
   */
  after(error) {
    if (error instanceof Gone) return (this.#looking ??= this.#look());
    if (error instanceof Refused && error.passes) return this.#busy(error.wait);
    return null;
  }

  /**
   * Ask again and again, as long as it is worth it.
   * @template T
   * @param {() => Promise<T>} ask
   * @returns {Promise<T>}
   */
  async persist(ask) {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        const again = this.after(error);
        if (!again) throw error;
        await again;
      }
    }
  }

  async #busy(wait) {
    this.#notices.show("busy", `The server is busy. Asking again in ${Math.ceil(wait)} s.`);
    await pause(1000 * wait);
  }

  async #look() {
    this.#notices.show("gone", "The server does not answer. Looking for it; what is on this page stays.");
    for (let wait = FIRST; ; wait = Math.min(2 * wait, LONGEST)) {
      await pause(wait);
      if (await this.#server.isReady()) break;
    }
    this.#looking = null;
    this.#notices.clear("gone");
    this.#returned();
  }
}
