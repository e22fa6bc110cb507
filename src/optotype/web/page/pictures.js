// Pictures that are given: chosen, pasted or dropped. Their bytes stay as they are.

import { byId } from "./elements.js";

/**
 * Let pictures be given.
 * @param {(file: Blob, name: string) => void} offered told of each
 * @param {(sentence: string) => void} useless told where what was given holds no picture
 */
export function takePictures(offered, useless) {
  const offer = (file) => offered(file, file.name ?? "");
  byId("choose").addEventListener("click", () => byId("file").click());
  byId("file").addEventListener("change", (event) => {
    const [file] = event.target.files;
    if (file) offer(file);
    // So that the same file can be chosen again.
    event.target.value = "";
  });
  document.addEventListener("paste", (event) => {
    if (event.target instanceof HTMLInputElement) return;
    const [file] = event.clipboardData?.files ?? [];
    if (file) offer(file);
    else useless("The clipboard holds no picture. Copy one, and paste again.");
  });
  takeDropped(offer, useless);
}

function takeDropped(offer, useless) {
  const body = document.body;
  let depth = 0; // elements that the drag is in: it enters one before it leaves the other
  document.addEventListener("dragenter", () => { depth += 1; body.classList.add("is-dropping"); });
  document.addEventListener("dragleave", () => {
    depth = Math.max(0, depth - 1);
    if (!depth) body.classList.remove("is-dropping");
  });
  // Without these two the browser would leave the page for the picture.
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    body.classList.remove("is-dropping");
    const files = event.dataTransfer?.files ?? [];
    if (files.length === 1) offer(files[0]);
    else if (files.length) useless(`${files.length} files were dropped, expected one picture. Drop them one by one; optotype predict takes many.`);
    else useless("What was dropped is no file. Save the picture, or copy and paste it.");
  });
}
