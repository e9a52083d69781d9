// The password pages: rules as one types, show and hide, a suggestion, and the way from the field to the sealed job. A change has the current
// password besides the new one; signing in has nothing else.

import { judge, suggest } from "./rules.js";
import { Problem, Untrusted, Unusable, requestTicket, seal, submit, verifyRecipients, whyUnusable } from "./seal.js";
import { fill, word } from "./words.js";

const form = document.querySelector("#password-form");
const current = document.querySelector("#current");
// The one that is minded most.
const field = document.querySelector("#password") ?? current;
const kind = form.dataset.kind;
const isNew = kind !== "verify";
const showButton = document.querySelector("#show");
const suggestButton = document.querySelector("#generate");
const setButton = document.querySelector("#set");
const list = document.querySelector("#rules");
const complaint = document.querySelector("#password-error");
const suggestion = document.querySelector("#suggestion");
const state = document.querySelector("#password-state");
const rules = {
  min: Number(form.dataset.min),
  kinds: Number(form.dataset.kinds ?? 0),
  // The names that it must not contain; null where they do not matter.
  names: form.dataset.words === undefined ? null : [form.dataset.name, ...form.dataset.words.split("\n")],
};
let busy = false;
const fields = [...new Set([current, field])].filter(Boolean);

// The fields come to life only now: without this script nothing can be typed that could be sent in the clear.
for (const control of form.querySelectorAll("input, button")) control.disabled = false;
document.querySelector("#needs-script").hidden = true;
fields[0].focus();
showRules();

for (const one of fields) one.addEventListener("input", () => complain(""));
if (isNew) {
  field.addEventListener("input", () => {
    showSuggestion("");
    showRules();
    tellRulesSoon();
  });
}
showButton?.addEventListener("click", () => showPassword(field.type === "password"));
const showCurrent = document.querySelector("#show-current");
showCurrent?.addEventListener("click", () => show(current, showCurrent, current.type === "password"));
suggestButton?.addEventListener("click", () => {
  if (busy) return;
  field.value = suggest(rules);
  complain("");
  showPassword(true);
  showRules();
  showSuggestion(field.value);
  // Password managers listen for it.
  field.dispatchEvent(new Event("change", { bubbles: true }));
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  set();
});
// Not into the back-forward cache, not into a restored tab.
addEventListener("pagehide", forget);

function forget() {
  for (const one of fields) one.value = "";
  showSuggestion("");
}

function show(one, button, visible) {
  one.type = visible ? "text" : "password";
  button.setAttribute("aria-pressed", String(visible));
  button.firstChild.textContent = word(visible ? "hide" : "show");
}

function showPassword(visible) {
  show(field, showButton, visible);
  if (!visible) showSuggestion("");
}

function showSuggestion(password) {
  if (!suggestion) return;
  suggestion.querySelector("code").textContent = password;
  suggestion.hidden = password === "";
}

function showRules() {
  if (!isNew) return [];
  const found = judge(field.value, rules);
  for (const [name, met] of Object.entries(found)) {
    const item = list.querySelector(`[data-rule="${name}"]`);
    if (!item) continue;
    item.dataset.is = met ? "met" : "open";
    item.querySelector("[data-met]").textContent = word(met ? "met" : "open");
  }
  return Object.values(found);
}

// A screen reader hears the count when the typing pauses, not at every key.
let pause;
function tellRulesSoon() {
  clearTimeout(pause);
  pause = setTimeout(() => {
    const found = showRules();
    if (found.length > 0 && field.value !== "" && !busy) {
      state.textContent = fill(word("rules-met"), { met: found.filter(Boolean).length, all: found.length });
    }
  }, 900);
}

async function set() {
  if (busy) return;
  const old = current?.value ?? "";
  const missing = current && whyUnusable(old);
  if (missing) return refuse(missing === "empty" ? "error-current" : `error-${missing}`, current);
  const unusable = isNew && whyUnusable(field.value);
  if (unusable) return refuse(`error-${unusable}`);
  if (showRules().includes(false)) {
    list.dataset.pressed = "";
    return refuse("error-rules");
  }
  work(true);
  complain("");
  try {
    say("asking");
    const { ticket, recipients, now, linked = [] } = await requestTicket();
    // Another tab proved somebody else since: what was typed for this one goes to nobody else.
    if (ticket?.user !== form.dataset.user) throw new Problem("not_verified", "");
    const places = [];
    for (const [n, one] of [{ ticket, recipients }, ...linked].entries()) {
      // The others follow: they get the new password, and never the old one.
      places.push({ ticket: one.ticket, trusted: await verifyRecipients(one.ticket, one.recipients, now, n === 0 ? kind : "reset") });
    }
    say(isNew ? "sealing" : "checking");
    const sealed = [];
    for (const [n, { ticket: own, trusted }] of places.entries()) {
      const envelopes = await seal(isNew ? field.value : "", own, trusted, n === 0 ? old : "");
      sealed.push({ job: own.job, envelopes });
    }
    say("sending");
    await submit(sealed[0], sealed.slice(1), form.dataset.jobs);
    forget();
    say("sent");
    location.replace("/reset/status");
  } catch (error) {
    work(false);
    say("");
    explain(error);
  }
}

function explain(error) {
  if (error instanceof Problem) return follow(error);
  if (error instanceof Unusable) return refuse(`error-${error.code}`);
  if (error?.name === "TimeoutError") return refuse("error-slow");
  // What fetch throws when it got no answer at all.
  if (error instanceof TypeError) return refuse("error-network");
  // Untrusted, and whatever else keeps us from being sure.
  if (!(error instanceof Untrusted)) console.error(error?.name);
  refuse("error-recipients");
}

function follow({ code, support }) {
  // That page says why, and leads on.
  if (code === "flow_ended" || code === "frozen") return leave("/reset");
  // A job of this person is under way, perhaps from a press whose answer got lost: its page tells.
  if (code === "busy") return leave("/reset/status");
  const name = `problem-${code.replaceAll("_", "-")}`;
  const text = word(name) || word("problem-internal");
  complain(support ? `${text} ${word("support")} ${support}` : text);
  // Another tab took this browser elsewhere: nothing on this page will do any more.
  if (code === "not_verified") offerToBegin();
}

const beginnings = { reset: "/", change: "/change", verify: "/account/sign-in" };

function offerToBegin() {
  const link = document.createElement("a");
  link.href = beginnings[kind];
  link.textContent = word("begin-again");
  complaint.querySelector("span").append(" ", link);
  link.focus();
}

function leave(url) {
  forget();
  location.replace(url);
}

function work(now) {
  busy = now;
  // Not `disabled`: that would throw away the focus.
  setButton.setAttribute("aria-disabled", String(now));
  for (const one of fields) one.readOnly = now;
  if (suggestButton) suggestButton.disabled = now;
  clearTimeout(pause);
}

function refuse(name, where = field) {
  complain(word(name));
  where.setAttribute("aria-invalid", "true");
  where.focus();
}

function complain(text) {
  complaint.querySelector("span").textContent = text;
  complaint.hidden = text === "";
  if (text === "") for (const one of fields) one.removeAttribute("aria-invalid");
}

function say(name) {
  state.textContent = name && word(name);
}
