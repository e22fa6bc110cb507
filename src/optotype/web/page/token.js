// The server's token: from the address' fragment, which no server ever sees, or asked for; kept until the tab closes.

import { byId } from "./elements.js";
import { Refused } from "./server.js";

const KEY = "optotype-token";

/** The token that the server was started with. */
export class Token {
  /** The token, or "" where none was needed so far. */
  text = "";
  #asking = null;

  constructor() {
    if (!this.#taken()) {
      try { this.text = sessionStorage.getItem(KEY) ?? ""; } catch { /* storage may be forbidden: then asked again */ }
    }
    // The address given to the tab that shows the page already loads nothing by itself.
    addEventListener("hashchange", () => {
      if (!this.#taken()) return;
      if (byId("token").open) byId("token").close("given");
      else location.reload();
    });
  }

  /** Take the token from the address, if it is there. */
  #taken() {
    const given = new URLSearchParams(location.hash.slice(1)).get("token");
    if (!given) return false;
    this.#keep(given);
    // So that it is not in a bookmark, a screenshot or what is copied from the address bar.
    history.replaceState(null, "", location.pathname + location.search);
    return true;
  }

  /**
   * Ask the person for the token, once for all requests that wait for it.
   * @param {string} refused the token that the server did not take
   * @throws {Refused} the person gave none
   */
  async ask(refused) {
    if (this.text !== refused) return;
    this.#asking ??= this.#dialog(refused).finally(() => { this.#asking = null; });
    await this.#asking;
  }

  #dialog(refused) {
    const dialog = byId("token"), text = byId("token-text"), form = byId("token-form");
    byId("token-wrong").textContent = refused ? "That token is not the server's." : "";
    text.value = "";
    dialog.returnValue = "";
    dialog.showModal();
    return new Promise((done, fail) => {
      form.onsubmit = (event) => {
        event.preventDefault();
        this.#keep(text.value.trim());
        dialog.close("given");
      };
      dialog.onclose = () => {
        if (dialog.returnValue) done();
        else fail(new Refused(401, "Without its token this server answers nothing. Load the page again to give it.", 1));
      };
    });
  }

  #keep(text) {
    this.text = text;
    try { sessionStorage.setItem(KEY, text); } catch { /* as above */ }
  }
}
