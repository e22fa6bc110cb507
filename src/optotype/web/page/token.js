// The server's token: from the URL fragment, which browsers do not send, or entered by the user; kept for this tab.

import { ApiError } from "./api.js";
import { byId } from "./elements.js";

const KEY = "optotype-token";

/** The token with which the server was started. */
export class Token {
  /** The token, or "" if none was needed so far. */
  text = "";
  #question = null;

  constructor() {
    if (!this.#readFragment()) {
      try { this.text = sessionStorage.getItem(KEY) ?? ""; } catch { /* Storage may be forbidden; the token is then asked for again. */ }
    }
    // A URL entered in the tab that already shows the page does not load it again.
    addEventListener("hashchange", () => {
      if (!this.#readFragment()) return;
      if (byId("token").open) byId("token").close("given");
      else location.reload();
    });
  }

  /** Read the token from the URL; return whether there was one. */
  #readFragment() {
    const token = new URLSearchParams(location.hash.slice(1)).get("token");
    if (!token) return false;
    this.#store(token);
    // Removed so that bookmarks, screenshots and copied URLs do not contain the token.
    history.replaceState(null, "", location.pathname + location.search);
    return true;
  }

  /**
   * Ask the user for the token, once for all requests that wait for it.
   * @param {string} rejected the token that the server rejected
   * @throws {ApiError} if the user enters none
   */
  async ask(rejected) {
    if (this.text !== rejected) return;
    this.#question ??= this.#showDialog(rejected).finally(() => { this.#question = null; });
    await this.#question;
  }

  #showDialog(rejected) {
    const dialog = byId("token"), input = byId("token-text"), form = byId("token-form");
    byId("token-error").textContent = rejected ? "The server rejected this token." : "";
    input.value = "";
    dialog.returnValue = "";
    dialog.showModal();
    return new Promise((resolve, reject) => {
      form.onsubmit = (event) => {
        event.preventDefault();
        this.#store(input.value.trim());
        dialog.close("given");
      };
      dialog.onclose = () => {
        if (dialog.returnValue) resolve();
        else reject(new ApiError(401, "This server requires a token. Reload the page to enter it.", 1));
      };
    });
  }

  #store(token) {
    this.text = token;
    try { sessionStorage.setItem(KEY, token); } catch { /* as above */ }
  }
}
