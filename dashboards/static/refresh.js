// @ts-check
/** Fetch a page's list again and put it in its place; what the reader has opened stays open. */

import { one } from "./dom.js";

/**
 * @param {string} url an address whose answer holds the list, alone or as the page's `#list`
 * @returns {Promise<boolean>} whether it came
 */
export async function refresh(url) {
  try {
    const answer = await fetch(url, { headers: { accept: "text/html" } });
    if (!answer.ok || answer.redirected) return false;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("#list") ?? page.body;
    const list = one("#list");
    if (list.contains(document.activeElement) || list.querySelector("details[open]")) return true;
    list.replaceChildren(...fresh.childNodes);
    return true;
  } catch {
    return false;
  }
}
