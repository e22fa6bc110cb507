// The description of the model, with its accuracy.

import { byId, createElement } from "./elements.js";
import { formatCount, formatProportion } from "./text.js";

/**
 * Show the description of the model.
 * @param {any} model the response of /v1/model
 */
export function showModel(model) {
  const isDigitModel = model.drawing_fit === "digit";
  document.title = `${model.name} · optotype`;
  byId("model-summary").textContent = summarize(model.name, model.accuracy);
  byId("draw-heading").textContent = isDigitModel ? "Draw a digit" : "Upload or draw an image";
  byId("hint").textContent = isDigitModel ? "Draw here" : "Drop an image here, or draw";
  byId("accuracy").textContent = describeAccuracy(model.accuracy);
  const rows = describeModel(model).map(([name, text]) =>
    createElement("div", {}, createElement("dt", {}, name), createElement("dd", {}, text)));
  byId("model-facts").replaceChildren(...rows);
  // If the model is not made for drawings, uploads come first.
  if (!isDigitModel) byId("frame").before(byId("upload-tools"));
  else byId("drawing-tools").after(byId("upload-tools"));
  byId("choose").classList.toggle("is-primary", !isDigitModel);
}

function summarize(name, accuracy) {
  if (!accuracy) return name;
  const { value, low, high } = accuracy;
  return `${name}: accuracy ${formatProportion(value)} [${formatProportion(low)}, ${formatProportion(high)}] on ${formatImages(accuracy)}`;
}

function formatImages({ split, n }) {
  return `${formatCount(n)} ${split} images`;
}

function describeAccuracy(accuracy) {
  if (!accuracy) return "The accuracy of this model is unknown. Measure it with: optotype judge RUN";
  const { value, low, high, split } = accuracy;
  const validationNote = split === "validation"
    ? " Training may have stopped at the best epoch for these images, so accuracy on new images may be slightly lower." : "";
  return `Accuracy: ${formatProportion(value)} of ${formatImages(accuracy)}, 95\u00a0% interval ${formatProportion(low)} to ${formatProportion(high)}.${validationNote}`
    + " Accuracy on your images may be lower.";
}

function describeModel(model) {
  const [height, width, channels] = model.input_shape;
  const rows = [
    ["Input", `${width} × ${height} pixels, ${channels === 1 ? "greyscale" : `${channels} channels`}`],
    ["Classes", formatClasses(model.class_names)],
    ["Parameters", formatCount(model.parameters)],
  ];
  if (model.data) rows.push(["Training data", model.data]);
  if (model.run) rows.push(["Run", model.run]);
  rows.push(["Fingerprint", model.fingerprint]);
  return rows;
}

function formatClasses(names) {
  return names.length <= 12 ? names.join(", ") : `${formatCount(names.length)}: ${names.slice(0, 10).join(", ")} and more`;
}
