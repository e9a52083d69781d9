// Whoever is about to run out of time is told so in good time, and may ask for more by one press; nothing that was typed is lost
// (WCAG 2.2.1). Each sentence is said once: no clock ticks in anybody's ear.

import { word } from "./words.js";

const place = document.querySelector("#ends");
/** Seconds before the end at which one is warned. */
const NOTICE = 120;
let end = 0;
let more = place.dataset.more;
let said = "";
let timer = 0;

lasts(Number(place.dataset.seconds));
// Timers sleep with the tab or the machine; the clock does not.
document.addEventListener("visibilitychange", look);

function lasts(seconds) {
  end = Date.now() + 1000 * seconds;
  look();
}

function look() {
  clearTimeout(timer);
  const left = (end - Date.now()) / 1000;
  if (left <= 0) return say("over");
  if (left <= NOTICE) say(more ? "more" : "last");
  timer = setTimeout(look, 1000 * Math.min(left <= NOTICE ? left : left - NOTICE, 60) + 50);
}

function say(name) {
  if (said === name) return;
  said = name;
  const note = document.createElement("div");
  note.className = "note told";
  note.append(paragraph(name));
  if (name === "more" || name === "failed") note.append(button());
  if (name === "over") note.append(link());
  place.replaceChildren(note);
}

function paragraph(name) {
  const text = document.createElement("p");
  text.textContent = word(name, "#ends-words");
  return text;
}

function link() {
  const made = document.createElement("a");
  made.className = "secondary";
  made.href = place.dataset.again;
  made.textContent = word("again", "#ends-words");
  return made;
}

function button() {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "secondary";
  made.textContent = word("stay", "#ends-words");
  // Where they were: that is where they go on.
  let before = null;
  made.addEventListener("focus", (event) => (before = event.relatedTarget));
  made.addEventListener("click", async () => {
    await stay(made);
    if (!made.isConnected) (before ?? document.querySelector("#main")).focus();
  });
  return made;
}

async function stay(pressed) {
  pressed.disabled = true;
  try {
    const answer = await fetch(more, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: "{}",
      signal: AbortSignal.timeout(10_000),
    });
    // Gone, or another tab had it: the server knows where this page belongs.
    if ([401, 403, 404, 409, 410].includes(answer.status)) {
      more = undefined;
      return look();
    }
    if (!answer.ok) throw new Error(String(answer.status));
    const { seconds, more: again } = await answer.json();
    if (!again) more = undefined;
    say("longer");
    lasts(seconds);
  } catch {
    say("failed");
  }
}
