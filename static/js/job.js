// Waits for the end of a job, and shows the page anew then.

const place = document.querySelector("#job");
const EVERY_MS = 1000;

async function ask() {
  try {
    const answer = await fetch(place.dataset.state, { headers: { accept: "application/json" }, cache: "no-store", signal: AbortSignal.timeout(5000) });
    // Signed out, or nothing of ours any more: the page itself leads on.
    if (!answer.ok || (await answer.json()).final) return location.reload();
  } catch {
    // Asked again.
  }
  setTimeout(ask, EVERY_MS);
}

setTimeout(ask, EVERY_MS);
