// The last images with their predictions, kept in memory only.

import { byId, createElement, isImageUri } from "./elements.js";

const MAX_IMAGES = 24;

/** The last images, newest first. */
export class ImageHistory {
  #items = new Map();
  #onSelect;

  /** @param {(image: any) => void} onSelect called with the image to show again */
  constructor(onSelect) {
    this.#onSelect = onSelect;
  }

  /**
   * Add an image, or update its prediction.
   * @param {any} image
   * @param {string} label the prediction
   * @param {string} inputImage the model input
   */
  add(image, label, inputImage) {
    if (!isImageUri(inputImage)) return;
    const existing = this.#items.get(image);
    const item = existing ?? this.#createItem(image);
    const [thumbnail, caption] = item.firstChild.children;
    thumbnail.src = inputImage;
    caption.textContent = label;
    item.firstChild.setAttribute("aria-label", `${label}: show this image again`);
    if (!existing) byId("history-images").prepend(item);
    byId("history").hidden = false;
    this.select(image);
    this.#removeOldest();
  }

  /** Mark the current image; null for none. */
  select(current) {
    for (const [image, item] of this.#items) item.firstChild.setAttribute("aria-pressed", String(image === current));
  }

  #createItem(image) {
    const button = createElement("button", { type: "button" }, createElement("img", { alt: "" }), createElement("span"));
    button.addEventListener("click", () => this.#onSelect(image));
    const item = createElement("li", {}, button);
    this.#items.set(image, item);
    return item;
  }

  #removeOldest() {
    for (const [image, item] of this.#items) {
      if (this.#items.size <= MAX_IMAGES) return;
      item.remove();
      this.#items.delete(image);
    }
  }
}
