// @ts-check
/** One alert's page: its times tick, its buttons can't be pressed twice. */

import { countDown, tickAll } from "./takeover.js";

setInterval(() => {
  tickAll(Date.now());
  countDown(Date.now());
}, 500);

for (const form of document.forms) {
  form.addEventListener("submit", () => {
    for (const button of form.querySelectorAll("button")) button.disabled = true;
  });
}
