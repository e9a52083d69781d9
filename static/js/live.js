// The status page: the server pushes each state of the job; when it cannot, we ask every second.

const steps = [...document.querySelectorAll("#steps > [data-step]")];
const list = document.querySelector("#steps");
const live = document.querySelector("#live");
const lost = document.querySelector("#lost");
// Which step is under way in each state. In all others the story ends elsewhere, on the page that the server names.
const UNDER_WAY = { submitted: 1, leased: 2, applied: 4 };
let over = false;
setTimeout(() => (document.querySelector("#slow").hidden = over), 10_000);

const events = new EventSource("/reset/status/events");
events.addEventListener("message", (event) => show(JSON.parse(event.data)));
events.addEventListener("error", () => {
  // A proxy in between may not let streams through, so do not wait for the browser to try again.
  events.close();
  poll();
});
addEventListener("pagehide", () => events.close());
// Out of the back-forward cache the stream is dead, and the job long since over.
addEventListener("pageshow", (event) => event.persisted && location.reload());

async function poll() {
  if (over) return;
  try {
    const answer = await fetch("/reset/status.json", { headers: { accept: "application/json" }, cache: "no-store", signal: AbortSignal.timeout(5000) });
    // Not ours any more: the flow has ended. The server knows where to.
    if ([401, 403, 404, 409, 410].includes(answer.status)) return location.replace("/reset/status");
    if (!answer.ok) throw new Error(String(answer.status));
    write(lost, "");
    show(await answer.json());
  } catch {
    write(lost, lost.dataset.text);
  }
  if (!over) setTimeout(poll, 1000);
}

const places = document.querySelector("#places");

/** `{state, code, final, next, targets}` */
function show(status) {
  if (over) return;
  (status.targets ?? []).forEach((target, n) => place(n, target.is));
  const follow = (status.targets ?? []).some((target) => target.is === "waits" || target.is === "now");
  const at = follow && status.state === "applied" ? 3 : UNDER_WAY[status.state];
  if (at !== undefined) steps.forEach((step) => mark(step, Number(step.dataset.step), at));
  if (!status.final) return;
  over = true;
  events.close();
  if (at === undefined) say(live.dataset.ending);
  // Reloading a page that shows this very end already would never stop.
  const next = status.next ?? (list.dataset.state === status.state ? null : "/reset/status");
  // Long enough to see the last step turn green, too short to wait for.
  if (next) setTimeout(() => location.replace(next), status.state === "applied" ? 450 : 0);
}

/** How it goes in the n-th directory. */
function place(n, is) {
  const item = places?.children[n];
  if (!item || item.dataset.is === is) return;
  item.dataset.is = is;
  item.querySelector("span").textContent = places.dataset[is];
  say(item.textContent);
}

function mark(step, own, at) {
  const is = own < at ? "done" : own === at ? "now" : "waiting";
  if (step.className === is) return;
  step.className = is;
  step.toggleAttribute("aria-current", false);
  if (is === "now") step.setAttribute("aria-current", "step");
  const label = step.querySelector("[data-label]");
  label.textContent = step.dataset[is];
  if (is === "now" || (is === "done" && own === steps.length - 1)) say(step.dataset[is]);
}

/** For screen readers: the list itself would be read out as a whole at every change. */
function say(text) {
  write(live, text);
}

function write(place, text) {
  if (place.textContent !== text) place.textContent = text;
}
