// The page: a picture is drawn or given, the server says what it is, the page shows it.
//
// A picture is {kind, blob, name, strokes, seen}. A drawing has no blob: it grows while it is the current picture, and
// leaves its strokes behind. Anything else is a file, whose bytes are sent as they came.

import { showModel } from "./about.js";
import { emptyBars, showBars } from "./bars.js";
import { takeByCamera } from "./camera.js";
import { newPicture, offerCorrection, ready, takeCorrections } from "./correction.js";
import { Drawing } from "./drawing.js";
import { byId } from "./elements.js";
import { Fit } from "./fit.js";
import { drawByKeyboard } from "./keyboard.js";
import { Latest } from "./latest.js";
import { Notices, say } from "./notices.js";
import { Patience } from "./patience.js";
import { emptyPhoto, showPhoto, sizeOf } from "./photo.js";
import { takePictures } from "./pictures.js";
import { drawByPointer } from "./pointer.js";
import { emptyReasons, noReasons, showReasons, showSeen, staleReasons } from "./reasons.js";
import { Server } from "./server.js";
import { Token } from "./token.js";
import { emptyVerdict, showVerdict, verdictOf } from "./verdict.js";
import { Visit } from "./visit.js";

const EVERY = 50; // milliseconds at least between two questions
const PAUSE = 400; // milliseconds without a change, after which the reasons are asked for
const AGAIN = 2000; // milliseconds after which similar images are asked for that were not there yet

const notices = new Notices();
const server = new Server(new Token());
const patience = new Patience(notices, server, learn);
const drawing = new Drawing(byId("surface"), drawn);
const fit = new Fit(refit);
const visit = new Visit(recall);
const after = (error) => patience.after(error);
const predicting = new Latest({ ask: send("predict"), shown: predicted, failed, patience: after, every: EVERY });
const explaining = new Latest({ ask: send("explain"), shown: explained, failed: unexplained, patience: after, every: 0 });

let model = null; // what the server said of it last
let current = null; // the picture that is shown
let trial = null; // a picture that was given and has no answer yet; one that is refused leaves the current one
let complaint = null; // the picture that the banner complains of
let timer = 0; // runs from an answer to what comes after a pause

function send(what) {
  return async (picture, signal) => server[what](await bodyOf(picture), fit.of(picture.kind), signal);
}

async function bodyOf(picture) {
  return picture.blob ?? drawing.png();
}

/** Ask what is shown, or is to be. Before the model is known, its arrival will ask. */
function ask() {
  const picture = trial ?? current;
  if (model && picture) predicting.want(picture);
}

/** What was said of the current picture is no longer true. */
function changed() {
  clearTimeout(timer);
  explaining.forget();
  staleReasons();
}

/** Ask no more about what was there. */
function leave() {
  trial = null;
  predicting.forget();
  changed();
  notices.clear("busy");
  byId("frame").removeAttribute("aria-busy");
}

/** A picture takes the place of what was shown. */
function turnTo(picture) {
  leave();
  complaint = null;
  current = picture;
  if (picture?.blob) showPhoto(picture.blob, picture.name, picture.seen);
  else emptyPhoto();
  newPicture();
  fit.show(picture?.kind ?? "drawing");
  visit.mark(picture);
  byId("hint").hidden = Boolean(picture);
  byId("clear").setAttribute("aria-disabled", String(!picture));
  byId("undo").setAttribute("aria-disabled", String(!drawing.canUndo));
}

/** The drawing was changed by somebody. */
function drawn() {
  if (drawing.isEmpty) return empty();
  if (!current || current.blob) turnTo({ kind: "drawing" });
  if (trial) leave();
  if (complaint !== current) {
    notices.clear("problem");
    complaint = null;
    fit.show(current.kind);
  }
  byId("undo").setAttribute("aria-disabled", "false");
  changed();
  ask();
}

/** Nothing is shown. */
function empty() {
  turnTo(null);
  emptyVerdict();
  emptyBars(model?.class_names ?? []);
  emptyReasons();
  ready(false);
  say("");
}

/** A file was given. It is shown once the server has read it. */
async function offered(blob, name) {
  notices.clear("problem");
  if (model && blob.size > model.limits.body_bytes) {
    return useless(`${name || "The picture"} has ${Math.ceil(blob.size / 1e6)} MB, expected at most ${Math.floor(model.limits.body_bytes / 1e6)}. Make it smaller.`);
  }
  const size = await sizeOf(blob);
  const isExact = size.height === model?.input_shape[0] && size.width === model?.input_shape[1];
  attempt({ kind: isExact ? "exact" : "photo", blob, name });
}

/** Ask about a file, which is shown when it is answered. */
function attempt(picture) {
  leave();
  trial = picture;
  byId("frame").setAttribute("aria-busy", "true");
  ask();
}

function recall(picture) {
  notices.clear("problem");
  drawing.restore(picture.strokes ?? []);
  turnTo(picture);
  ask();
}

function predicted(answer, picture) {
  const [prediction] = answer.predictions;
  notices.clear("busy");
  if (picture === complaint) notices.clear("problem");
  picture.seen = prediction.seen;
  if (picture === trial) {
    drawing.restore([]);
    turnTo(picture);
  }
  showVerdict(prediction);
  showBars(prediction.top, model.class_names);
  showSeen(prediction.seen, model.input_shape);
  ready(true);
  clearTimeout(timer);
  timer = setTimeout(() => paused(picture, prediction), PAUSE);
  if (answer.model !== model.fingerprint) learn();
}

/** Nobody has changed anything for a moment. */
function paused(picture, prediction) {
  const { label, doubt, kind } = verdictOf(prediction);
  if (!picture.blob) picture.strokes = drawing.strokes;
  visit.note(picture, kind === "unknown" ? "unknown" : prediction.label, prediction.seen);
  say(`${label}. ${doubt}`);
  explaining.want(picture);
}

function explained(answer, picture) {
  notices.clear("busy");
  showReasons(answer);
  if (model.similar !== "preparing" || answer.similar.images.length) return;
  timer = setTimeout(() => learn().then(() => { if (picture === current) explaining.want(picture); }), AGAIN);
}

function unexplained(error) {
  noReasons(error.message);
}

function failed(error, picture) {
  useless(error.message);
  complaint = picture;
  if (picture !== trial) return;
  leave();
  // Another fit may do.
  fit.show(picture.kind);
  // The former picture stays, and so does what was to be asked of it.
  ask();
}

function useless(sentence) {
  notices.clear("busy");
  complaint = null;
  fit.show(current?.kind ?? "drawing");
  notices.show("problem", sentence);
}

/** Ask the server about its model, as long as it takes. */
async function learn() {
  try {
    met(await patience.persist(() => server.model()));
  } catch (error) {
    useless(error.message);
  }
}

function met(newer) {
  const former = model;
  model = newer;
  notices.clear("busy");
  const isOther = former?.fingerprint !== newer.fingerprint;
  if (isOther || former.collect !== newer.collect) offerCorrection(newer);
  if (!isOther) return;
  const [height, width] = newer.input_shape;
  fit.suit(newer);
  drawing.suit(height, width, newer.drawing_fit === "digit");
  byId("frame").style.aspectRatio = `${width} / ${height}`;
  showModel(newer);
  if (former) notices.show("news", `The server has another model now: ${newer.name}. Answers are that one's.`);
  if (!current && !trial) empty();
  else changed();
  ask();
}

/** The person wants another fit, for the picture that was refused if the last one was. */
function refit() {
  if (complaint?.blob && complaint !== current) return attempt(complaint);
  if (!current) return;
  changed();
  ask();
}

async function keep(label) {
  const body = await bodyOf(current), how = fit.of(current.kind);
  return patience.persist(() => server.correct(body, how, label));
}

byId("main").hidden = false;
drawByPointer(byId("surface"), drawing);
drawByKeyboard(byId("surface"), byId("cursor"), drawing);
takePictures(offered, useless);
takeByCamera(offered, useless, () => ({ width: model?.input_shape[1] ?? 1, height: model?.input_shape[0] ?? 1 }));
takeCorrections(keep, (error) => useless(error.message));
byId("undo").addEventListener("click", () => { if (drawing.canUndo) drawing.undo(); });
byId("clear").addEventListener("click", () => drawing.clear());
learn();
