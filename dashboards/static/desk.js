// @ts-check
/** The desk's list follows the stream; without this module the page is the same, only not live. */

import { one } from "./dom.js";
import { refresh } from "./refresh.js";
import { Stream } from "./stream.js";
import { tickAll } from "./takeover.js";
import { say } from "./words.js";

const LEAST = 1000; // ms between two refreshes
const listUrl = location.pathname === "/desk" ? "/desk/list" : location.pathname;

/** @type {string | null} */
let shown = null;
let wanted = false;
let refreshedAt = 0;

const stream = new Stream(document.body.dataset.stream ?? "", (screen) => {
  const cards = Object.values(screen.cards).map(
    (card) => `${card.id} ${card.state} ${card.severity} ${card.occurrences} ${card.acked_by}`,
  );
  const now = cards.join("\n");
  if (now === shown) return;
  wanted = true; // with the first snapshot too: much may have happened since the page was made
  shown = now;
});

setInterval(async () => {
  tickAll(stream.now());
  const stale = document.querySelector("#stale");
  if (stale instanceof HTMLElement) {
    const { age, cause } = stream.staleness();
    stale.hidden = cause === "";
    const seconds = Number.isFinite(age) ? Math.floor(age) : "–";
    if (cause) one("#stale").textContent = say(`stale.${cause}`, { s: seconds });
  }
  if (!wanted || performance.now() - refreshedAt < LEAST) return;
  wanted = false;
  refreshedAt = performance.now();
  if (!(await refresh(listUrl))) wanted = true;
}, 500);
