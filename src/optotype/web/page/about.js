// What the model is, and how far it can be trusted.

import { byId, made } from "./elements.js";
import { count, measured } from "./words.js";

/**
 * Describe the model.
 * @param {any} model as the server describes it
 */
export function showModel(model) {
  const isDigit = model.drawing_fit === "digit";
  document.title = `${model.name} · optotype`;
  byId("model-line").textContent = line(model.name, model.accuracy);
  byId("draw-heading").textContent = isDigit ? "Draw a digit" : "Show a picture, or draw";
  byId("hint").textContent = isDigit ? "Draw here" : "Drop a picture here, or draw";
  byId("accuracy").textContent = accuracy(model.accuracy);
  byId("facts").replaceChildren(...facts(model).map(([name, text]) => made("div", {}, made("dt", {}, name), made("dd", {}, text))));
  // Where drawing is not what the model was made for, pictures come first.
  if (!isDigit) byId("frame").before(byId("sources"));
  else byId("tools").after(byId("sources"));
  byId("choose").textContent = isDigit ? "Picture…" : "Choose a picture";
  byId("choose").classList.toggle("is-main", !isDigit);
}

function line(name, score) {
  return score ? `${name}: ${measured(score.value)} [${measured(score.low)}, ${measured(score.high)}] of ${images(score)} right` : name;
}

function images({ split, n }) {
  return `${count(n)} ${split} images`;
}

function accuracy(score) {
  if (!score) return "How often it is right is not known: it was not judged. optotype judge RUN does that.";
  const beware = score.split === "validation" ? " They may have chosen when its training stopped, so new images may be a little harder." : "";
  return `It is right on ${measured(score.value)} of ${images(score)}; the 95\u00a0% interval is ${measured(score.low)} to ${measured(score.high)}.${beware}`
    + " What is drawn here may be harder for it.";
}

function facts(model) {
  const [height, width, channels] = model.input_shape;
  const rows = [
    ["Looks at", `${width} × ${height} pixels, ${channels === 1 ? "grey" : `${channels} channels`}`],
    ["Classes", classes(model.class_names)],
    ["Parameters", count(model.parameters)],
  ];
  if (model.data) rows.push(["Trained on", model.data]);
  if (model.run) rows.push(["Run", model.run]);
  rows.push(["Fingerprint", model.fingerprint]);
  return rows;
}

function classes(names) {
  return names.length <= 12 ? names.join(", ") : `${count(names.length)}: ${names.slice(0, 10).join(", ")} and more`;
}
