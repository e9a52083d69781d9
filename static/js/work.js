// Proof of work (ALTCHA, protocol v2), while one reads and types: the form's hidden field gets the answer to the challenge that it bears.
// Whoever is faster than their browser is told to wait a moment, and it goes on by itself. Nothing here decides anything: the server does.

// The server takes an answer for ten minutes.
const FRESH = 9 * 60_000;
// Enough for any phone to be done soon, and no more than leaves it responsive.
const WORKERS = Math.max(1, Math.min(4, (navigator.hardwareConcurrency || 2) - 1));

const field = document.querySelector("input[data-work]");
const form = field.form;
const button = form.querySelector("button.primary");
const state = form.querySelector("[data-work-state]");
const words = button.textContent;
// A worker's address counts as a script; ours is the only one that this page may give.
const trusted = globalThis.trustedTypes?.createPolicy("sspr-work", {
  createScriptURL: (url) => {
    if (url !== field.dataset.worker) throw new TypeError("no other worker");
    return url;
  },
});

let challenge = JSON.parse(field.dataset.work);
let since = Date.now();
let working = work();
let waiting = false;

for (const note of document.querySelectorAll("[data-needs-script]")) note.hidden = true;

form.addEventListener("submit", async (event) => {
  if (field.value && Date.now() - since < FRESH) return;
  event.preventDefault();
  if (waiting) return;
  wait(true);
  if (Date.now() - since >= FRESH) working = renew();
  // Whatever comes of it: without an answer the server says what to do, and gives a new challenge.
  await working;
  since = Date.now();
  field.value ||= "none";
  wait(false);
  form.requestSubmit(event.submitter);
});
// An answer is good once: whoever comes back to this page needs another.
addEventListener("pageshow", (event) => event.persisted && (working = renew()));

/** The button says so, and so is it said aloud. */
function wait(now) {
  waiting = now;
  button.toggleAttribute("aria-disabled", now);
  if (now) button.setAttribute("aria-disabled", "true");
  state.textContent = now ? state.dataset.text : "";
  button.textContent = words;
}

async function renew() {
  field.value = "";
  try {
    const answer = await fetch("/work", { headers: { accept: "application/json" }, cache: "no-store" });
    if (!answer.ok) return;
    challenge = await answer.json();
    since = Date.now();
  } catch {
    return;
  }
  await work();
}

/** Solve the challenge: each worker tries every so-manieth counter, and the first that finds one ends the others. */
async function work() {
  const own = challenge;
  const workers = [];
  try {
    const solution = await new Promise((resolve, reject) => {
      for (let at = 0; at < WORKERS; at++) {
        const worker = new Worker(trusted ? trusted.createScriptURL(field.dataset.worker) : field.dataset.worker);
        workers.push(worker);
        worker.addEventListener("message", ({ data }) => (data && !data.error ? resolve(data) : reject(data?.error ?? new Error("too long"))));
        worker.addEventListener("error", reject);
        worker.postMessage({ type: "work", challenge: own, counterStart: at, counterStep: WORKERS });
      }
    });
    if (own === challenge) field.value = btoa(JSON.stringify({ challenge: own, solution }));
  } catch (error) {
    console.warn("no proof of work", error);
  } finally {
    for (const worker of workers) worker.terminate();
  }
}
