// Finding people while one types. Without this script the button does the same.

import { fill, word } from "./words.js";

const form = document.querySelector("#find");
const field = document.querySelector("#q");
const rows = document.querySelector("#rows");
const row = document.querySelector("#row");
const PAUSE_MS = 160;
const LOOKS = { "people-state-active": "is-good", "people-state-frozen": "is-bad" };
let turn = 0;
let pause;

field.addEventListener("input", () => {
  clearTimeout(pause);
  pause = setTimeout(find, PAUSE_MS);
});

async function find() {
  const asked = field.value.trim();
  const own = (turn += 1);
  const query = asked === "" ? "" : `?${new URLSearchParams({ q: asked })}`;
  try {
    const answer = await fetch(`${form.dataset.found}${query}`, { headers: { accept: "application/json" }, cache: "no-store", signal: AbortSignal.timeout(8000) });
    // A newer question is on its way.
    if (own !== turn) return;
    // Signed out meanwhile: the page itself leads on.
    if (!answer.ok) return location.assign(`${form.action}${query}`);
    show(await answer.json(), asked);
    // One comes back to what one was looking for.
    history.replaceState(null, "", `${location.pathname}${query}`);
  } catch {
    // The button is still there.
  }
}

function show({ people, more }, asked) {
  rows.replaceChildren(...people.map(line));
  const looked = [...asked].length > 1 || people.length > 0;
  document.querySelector("#found").hidden = people.length === 0;
  document.querySelector("#nobody").hidden = !looked || people.length > 0;
  document.querySelector("#begin").hidden = looked;
  const some = people.length === 1 ? word("one") : fill(word("count"), { count: people.length });
  const count = people.length === 0 ? "" : more ? word("more") : some;
  document.querySelector("#count").textContent = count;
}

function line({ href, name, sign_in, connector, state }) {
  const made = row.content.cloneNode(true);
  const link = made.querySelector("a");
  link.href = href;
  link.textContent = name;
  made.querySelector("[data-part=sign_in]").textContent = sign_in;
  made.querySelector("[data-part=connector]").textContent = connector;
  const dot = made.querySelector(".dot");
  dot.classList.add(LOOKS[state] ?? "is-off");
  dot.textContent = word(state);
  return made;
}
