// @ts-check
/** One alert's page: its times tick, its buttons can't be pressed twice. */

import { countDown, tickAll } from "./takeover.js";

setInterval(() => {
  tickAll(Date.now());
  countDown(Date.now());
}, 500);

// A page that comes back out of the browser's memory has spent its buttons and its keys.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

for (const form of document.forms) {
  form.addEventListener("submit", () => {
    for (const button of form.querySelectorAll("button")) button.disabled = true;
  });
}
