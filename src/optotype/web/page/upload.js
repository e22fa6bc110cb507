// Image files that the user chooses, pastes or drops. Their bytes are sent unchanged.

import { byId } from "./elements.js";

/**
 * Set up uploads.
 * @param {(file: Blob, name: string) => void} onImage called with each file
 * @param {(message: string) => void} onError called if there is no image file
 */
export function setUpUpload(onImage, onError) {
  const upload = (file) => { onImage(file, file.name ?? ""); };
  byId("choose").addEventListener("click", () => byId("file").click());
  byId("file").addEventListener("change", (event) => {
    const [file] = event.target.files;
    if (file) upload(file);
    // Otherwise the same file could not be chosen again.
    event.target.value = "";
  });
  document.addEventListener("paste", (event) => {
    if (event.target instanceof HTMLInputElement) return;
    const [file] = event.clipboardData?.files ?? [];
    if (file) upload(file);
    else onError("The clipboard contains no image. Copy an image and paste again.");
  });
  setUpDrop(upload, onError);
}

function setUpDrop(upload, onError) {
  const body = document.body;
  let depth = 0; // elements under the dragged file: it enters one before it leaves the other
  document.addEventListener("dragenter", () => { depth += 1; body.classList.add("is-dropping"); });
  document.addEventListener("dragleave", () => {
    depth = Math.max(0, depth - 1);
    if (!depth) body.classList.remove("is-dropping");
  });
  // Without these two handlers the browser would leave the page and open the file.
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    body.classList.remove("is-dropping");
    const files = event.dataTransfer?.files ?? [];
    if (files.length === 1) upload(files[0]);
    else if (files.length) onError(`${files.length} files were dropped, expected one image. Drop one file at a time, or use optotype predict for many.`);
    else onError("The dropped item is not a file. Save the image first, or copy and paste it.");
  });
}
