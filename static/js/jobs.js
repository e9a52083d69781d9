// The jobs at this moment, asked anew every two seconds while somebody is there. Without this script one loads the page again.

const place = document.querySelector("#jobs");
const row = document.querySelector("#row");
const stopped = document.querySelector("#stopped");
const EVERY_MS = 2000;
// Asking keeps one signed in, so it ends where nobody has moved for a while.
const PATIENCE_MS = 5 * 60_000;
let moved = Date.now();

for (const kind of ["pointermove", "pointerdown", "keydown", "scroll", "focus"]) {
  addEventListener(kind, () => (moved = Date.now()), { passive: true });
}

async function ask() {
  if (Date.now() - moved > PATIENCE_MS) {
    stopped.hidden = false;
    return addEventListener("pointerdown", () => location.reload(), { once: true });
  }
  if (document.visibilityState === "visible") {
    try {
      const answer = await fetch(place.dataset.now, { headers: { accept: "application/json" }, cache: "no-store", signal: AbortSignal.timeout(8000) });
      // Signed out: the page itself leads on.
      if (!answer.ok) return location.reload();
      const lines = await answer.json();
      show("under_way", lines.under_way);
      show("ended", lines.ended);
    } catch {
      // Asked again.
    }
  }
  setTimeout(ask, EVERY_MS);
}

function show(name, lines) {
  const body = document.querySelector(`tbody[data-part=${name}]`);
  // Nothing is taken from under somebody who is about to follow a link.
  if (body.contains(document.activeElement)) return;
  body.replaceChildren(...lines.map(line));
  body.closest(".scroll").hidden = lines.length === 0;
  document.querySelector(`[data-none=${name}]`).hidden = lines.length > 0;
}

function line(one) {
  const made = row.content.cloneNode(true);
  for (const part of ["what", "connector", "agent", "age"]) made.querySelector(`[data-part=${part}]`).textContent = one[part];
  const link = made.querySelector("a");
  link.href = one.href;
  link.textContent = one.person;
  const dot = made.querySelector(".dot");
  dot.classList.add(one.dot);
  dot.textContent = one.state;
  return made;
}

setTimeout(ask, EVERY_MS);
