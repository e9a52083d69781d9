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
/** By whatever of these it ended, the password is set. */
const SET = ["applied", "not_read_back", "must_change_not_set", "locked_again"];
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
  let handed = false;
  try {
    password = suggest(rules);
    const { ticket, recipients, now } = await requestTicket(place.dataset.ticket);
    const trusted = await verifyRecipients(ticket, recipients, now, "temporary");
    const envelopes = await seal(password, ticket, trusted);
    handed = true;
    await handOver({ job: ticket.job, envelopes });
    say("waiting");
    await follow(`${place.dataset.state}/${ticket.job}/state`);
  } catch (error) {
    say("");
    // It may be under way: whoever needs it then has no other way to learn it.
    if (handed && !(error instanceof Problem && error.refused)) return show(password, word("unknown"));
    password = "";
    button.disabled = false;
    complain(reason(error));
  }
}

/** Sent once more where no answer came: it may have arrived, and the very same is taken once. */
async function handOver(body) {
  for (let left = 4; ; left--) {
    try {
      return await submit(body, [], place.dataset.jobs);
    } catch (error) {
      const refused = error instanceof Problem && error.code !== "try_again" && error.code !== "other";
      if (refused) error.refused = true;
      if (refused || left === 0) throw error;
    }
    await new Promise((next) => setTimeout(next, EVERY_MS));
  }
}

/** Ask until the job has ended, then say how. Whoever may not ask any more does not learn it. */
async function follow(url) {
  for (;;) {
    const status = await fetch(url, { headers: { accept: "application/json" }, cache: "no-store", signal: AbortSignal.timeout(5000) })
      .then((answer) => (answer.ok ? answer.json() : { gone: [401, 403, 404].includes(answer.status) }))
      .catch(() => null);
    if (status?.gone) throw new Error("gone");
    if (status?.final) return end(status);
    await new Promise((next) => setTimeout(next, EVERY_MS));
  }
}

function end({ state: ended, code }) {
  say("");
  if (ended === "applied" || (ended === "reconciled" && SET.includes(code))) {
    return show(password, word(code === "must_change_not_set" ? "set-open" : "set"));
  }
  // It may have been set: whoever needs it then has no other way to learn it.
  if (ended === "unknown") return show(password, word("unknown"));
  password = "";
  button.disabled = false;
  // With the verdict's stable code: its words speak to whoever chose the password, and here nobody did.
  complain(`${word(ended) || word("refused")}${code ? ` (${code})` : ""}`);
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
