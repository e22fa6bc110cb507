// What was shown in this visit: the last pictures with their answers, in memory only.

import { byId, isPicture, made } from "./elements.js";

const MOST = 24;

/** The pictures of this visit, newest first. */
export class Visit {
  #items = new Map();
  #recalled;

  /** @param {(picture: any) => void} recalled told which picture to bring back */
  constructor(recalled) {
    this.#recalled = recalled;
  }

  /**
   * Note a picture with its answer, or the new answer of one that grew.
   * @param {any} picture
   * @param {string} answer in a few words
   * @param {string} seen the picture as the model saw it
   */
  note(picture, answer, seen) {
    if (!isPicture(seen)) return;
    const known = this.#items.get(picture);
    const item = known ?? this.#item(picture);
    const [image, label] = item.firstChild.children;
    image.src = seen;
    label.textContent = answer;
    item.firstChild.setAttribute("aria-label", `${answer}: bring this picture back`);
    if (!known) byId("visited").prepend(item);
    byId("visit").hidden = false;
    this.mark(picture);
    this.#forget();
  }

  /** Mark the picture that is being looked at; null for none. */
  mark(picture) {
    for (const [each, item] of this.#items) item.firstChild.setAttribute("aria-pressed", String(each === picture));
  }

  #item(picture) {
    const button = made("button", { type: "button" }, made("img", { alt: "" }), made("span"));
    button.addEventListener("click", () => this.#recalled(picture));
    const item = made("li", {}, button);
    this.#items.set(picture, item);
    return item;
  }

  #forget() {
    for (const [picture, item] of this.#items) {
      if (this.#items.size <= MOST) return;
      item.remove();
      this.#items.delete(picture);
    }
  }
}
