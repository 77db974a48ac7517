// @ts-check
/** A button beside each command puts it on the clipboard, and says so. */

import { say } from "./words.js";

for (const button of document.querySelectorAll("button[data-copy]")) {
  if (!(button instanceof HTMLButtonElement) || !navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const line = document.getElementById(button.dataset.copy ?? "")?.textContent ?? "";
    try {
      await navigator.clipboard.writeText(line);
      button.textContent = say("vendor.copied");
    } catch {
      button.textContent = say("vendor.not_copied");
    }
  });
}
