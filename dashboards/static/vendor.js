// @ts-check
/** The inspector asks again every two seconds, until it is told to pause. */

import { one } from "./dom.js";
import { refresh } from "./refresh.js";
import { say } from "./words.js";

let paused = false;
const pause = one("#pause");
pause.hidden = false;
pause.addEventListener("click", () => {
  paused = !paused;
  pause.textContent = say(paused ? "vendor.go_on" : "vendor.pause");
});
setInterval(() => {
  if (!paused && !document.hidden) void refresh(`/vendor/list${location.search}`);
}, 2000);
