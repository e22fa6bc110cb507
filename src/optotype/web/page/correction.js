// A wrong answer put right: the picture goes, with its label, into the folder that the server was given for that.

import { byId, made } from "./elements.js";
import { count } from "./words.js";

/**
 * Offer corrections where the server takes them.
 * @param {any} model as the server describes it
 */
export function offerCorrection(model) {
  byId("correction").hidden = !model.collect;
  if (!model.collect) return;
  const choice = byId("correct-label");
  choice.replaceChildren(made("option", { value: "" }, "Choose what it was…"), ...model.class_names.map((name) => made("option", { value: name }, name)));
  byId("collect").textContent = model.collect;
  ready();
  byId("add-command").textContent = `optotype train ${model.source ? quoted(model.source) : "SOURCE"} --add ${quoted(model.collect)}`;
}

/**
 * Let pictures be kept.
 * @param {(label: string) => Promise<{file: string, count: number}>} keep sends the picture that is shown
 * @param {(error: Error) => void} failed
 */
export function takeCorrections(keep, failed) {
  const choice = byId("correct-label"), button = byId("keep"), kept = byId("kept");
  choice.addEventListener("change", () => ready());
  byId("correction").addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      const { file, count: n } = await keep(choice.value);
      kept.textContent = `Kept as ${file}. The folder holds ${count(n)} picture${n === 1 ? "" : "s"} now.`;
      choice.value = "";
      // The button, which had the focus, can be pressed no more.
      choice.focus();
    } catch (error) {
      failed(error);
      ready();
    }
  });
}

/**
 * Say whether there is a picture to keep.
 * @param {boolean} [isThere]
 */
export function ready(isThere = byId("correction").dataset.picture === "true") {
  byId("correction").dataset.picture = String(isThere);
  byId("keep").disabled = !isThere || !byId("correct-label").value;
}

/** Forget what was said of another picture. */
export function newPicture() {
  byId("kept").textContent = "";
  byId("correct-label").value = "";
  ready();
}

function quoted(path) {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
