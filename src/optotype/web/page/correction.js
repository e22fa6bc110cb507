// Corrections: an image with a wrong prediction is saved on the server under its true label.

import { byId, createElement } from "./elements.js";
import { formatCount } from "./text.js";

/**
 * Show the form if the server accepts corrections.
 * @param {any} model the response of /v1/model
 */
export function showCorrectionForm(model) {
  byId("correction").hidden = !model.corrections_folder;
  if (!model.corrections_folder) return;
  const options = model.class_names.map((name) => createElement("option", { value: name }, name));
  byId("true-class").replaceChildren(createElement("option", { value: "" }, "True class…"), ...options);
  byId("corrections-folder").textContent = model.corrections_folder;
  setCanCorrect();
  const source = model.source ? quoteForShell(model.source) : "SOURCE";
  byId("train-command").textContent = `optotype train ${source} --add ${quoteForShell(model.corrections_folder)}`;
}

/**
 * Set up the form.
 * @param {(label: string) => Promise<{file: string, count: number}>} save sends the current image
 * @param {(error: Error) => void} onError
 */
export function setUpCorrections(save, onError) {
  const select = byId("true-class"), button = byId("save-correction"), result = byId("correction-result");
  select.addEventListener("change", () => setCanCorrect());
  byId("correction").addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      const { file, count } = await save(select.value);
      result.textContent = `Saved as ${file}. The folder contains ${formatCount(count)} correction${count === 1 ? "" : "s"}.`;
      select.value = "";
      // The button had the focus and is now disabled.
      select.focus();
    } catch (error) {
      onError(error);
      setCanCorrect();
    }
  });
}

/**
 * Enable the button if there is an image and a true class.
 * @param {boolean} [hasImage]
 */
export function setCanCorrect(hasImage = byId("correction").dataset.hasImage === "true") {
  byId("correction").dataset.hasImage = String(hasImage);
  byId("save-correction").disabled = !hasImage || !byId("true-class").value;
}

/** Reset the form for another image. */
export function resetCorrection() {
  byId("correction-result").textContent = "";
  byId("true-class").value = "";
  setCanCorrect();
}

function quoteForShell(path) {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
