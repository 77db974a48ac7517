// @ts-check
/** The phone page: says plainly whether an answer was sent, confirmed, or not sent. */

import { one } from "./dom.js";
import { countDown, tickAll } from "./takeover.js";
import { LANG, say } from "./words.js";

const link = location.pathname.replace(/\/+$/, "").split("/").slice(0, 3).join("/");
const alert = document.body.dataset.alert ?? "";
const KEY = `answering ${alert}`; // an answer that could not be sent waits under this key
const AGAIN = 3000; // ms

setInterval(() => {
  tickAll(Date.now());
  countDown(Date.now());
}, 500);

for (const form of document.querySelectorAll("form[data-answer]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const path = new URL(/** @type {HTMLFormElement} */ (form).action).pathname;
    void send({ path, key: newKey() });
  });
}

sayOpened();
addEventListener("online", sendWaiting);
sendWaiting();

/** Only somebody who looks at the page for a second has opened it; a link preview has not. */
function sayOpened() {
  if (document.visibilityState !== "visible") {
    document.addEventListener("visibilitychange", sayOpened, { once: true });
    return;
  }
  setTimeout(() => void fetch(`${link}/opened`, { method: "POST" }).catch(() => undefined), 1000);
}

function sendWaiting() {
  const waiting = localStorage.getItem(KEY);
  if (waiting) void send(JSON.parse(waiting));
}

/** One press of a button is one answer, however often it has to be sent. */
function newKey() {
  return [...crypto.getRandomValues(new Uint32Array(4))].map((n) => n.toString(36)).join("");
}

/** @param {{path: string, key: string}} answering */
async function send(answering) {
  localStorage.setItem(KEY, JSON.stringify(answering));
  buttons(true);
  tell("answer.sending", "");
  try {
    const answer = await fetch(answering.path, {
      method: "POST",
      headers: { accept: "application/json", "idempotency-key": answering.key },
    });
    if (answer.status >= 500) throw new Error(String(answer.status));
    localStorage.removeItem(KEY);
    if (!answer.ok) return location.reload(); // the page says why
    const said = await answer.json();
    if (!said.confirmed) return tell("answer.recorded", "confirmed");
    tell("answer.confirmed", "confirmed");
    setTimeout(() => location.replace(link), 1500);
  } catch {
    tell("answer.not_sent", "failed");
    buttons(false);
    setTimeout(sendWaiting, AGAIN);
  }
}

/**
 * @param {string} key
 * @param {string} className
 */
function tell(key, className) {
  const at = new Date().toLocaleTimeString(LANG === "zh" ? "zh-CN" : "en-GB", { hour12: false });
  one("#line").textContent = say(key, { at });
  one("#line").className = className;
}

/** @param {boolean} disabled */
function buttons(disabled) {
  for (const button of document.querySelectorAll("button")) button.disabled = disabled;
}
