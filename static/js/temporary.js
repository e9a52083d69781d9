// A temporary password: made here, sealed here to the organisation's agents, and shown here once it is set. It is sent nowhere in the clear.

import { suggest } from "./rules.js";
import { Problem, Untrusted, requestTicket, seal, submit, verifyRecipients } from "./seal.js";
import { word } from "./words.js";

const place = document.querySelector("#temporary");
const button = document.querySelector("#make");
const complaint = document.querySelector("#temporary-error");
const state = document.querySelector("#temporary-state");
const shown = document.querySelector("#temporary-shown");
const EVERY_MS = 700;
const rules = { min: Number(place.dataset.min), names: [place.dataset.name, ...place.dataset.words.split("\n")] };
let password = "";

document.querySelector("#needs-script").hidden = true;
button.disabled = false;
button.addEventListener("click", make);
// Not into the back-forward cache, not into a restored tab.
addEventListener("pagehide", () => show("", ""));

async function make() {
  button.disabled = true;
  complain("");
  show("", "");
  say("making");
  try {
    password = suggest(rules);
    const { ticket, recipients, now } = await requestTicket(place.dataset.ticket);
    const trusted = await verifyRecipients(ticket, recipients, now, "temporary");
    const envelopes = await seal(password, ticket, trusted);
    const answer = await submit({ job: ticket.job, envelopes }, [], place.dataset.jobs);
    say("waiting");
    await follow((await answer.json()).state);
  } catch (error) {
    password = "";
    say("");
    button.disabled = false;
    complain(reason(error));
  }
}

/** Ask until the job has ended, then say how. */
async function follow(url) {
  for (;;) {
    const status = await fetch(url, { headers: { accept: "application/json" }, cache: "no-store", signal: AbortSignal.timeout(5000) })
      .then((answer) => (answer.ok ? answer.json() : null))
      .catch(() => null);
    if (status?.final) return end(status);
    await new Promise((next) => setTimeout(next, EVERY_MS));
  }
}

function end({ state: ended, code }) {
  say("");
  if (ended === "applied" || (ended === "reconciled" && (code === "applied" || code === "not_read_back"))) {
    return show(password, word(code === "must_change_not_set" ? "set-open" : "set"));
  }
  // It may have been set: whoever needs it then has no other way to learn it.
  if (ended === "unknown") return show(password, word("unknown"));
  password = "";
  button.disabled = false;
  complain(word(ended) || word("refused"));
}

function reason(error) {
  if (error instanceof Problem) return word(`problem-${error.code.replaceAll("_", "-")}`) || word("problem-other");
  // What fetch throws when it got no answer at all, or too late.
  if (error instanceof TypeError || error?.name === "TimeoutError") return word("network");
  // Untrusted, and whatever else keeps us from being sure.
  if (!(error instanceof Untrusted)) console.error(error?.name);
  return word("untrusted");
}

function show(text, outcome) {
  shown.querySelector("code").textContent = text;
  document.querySelector("#temporary-outcome").textContent = outcome;
  shown.hidden = text === "";
  if (text === "") password = "";
}

function complain(text) {
  complaint.querySelector("span").textContent = text;
  complaint.hidden = text === "";
}

function say(name) {
  state.textContent = name && word(name);
}
