// The code page: what is typed or pasted becomes digits, and waits count down where one can see them.

import { fill, minutes } from "./words.js";

const field = document.querySelector("#code");

// Spaces and dashes are how people and mail programs group digits. The server strips them as well.
field.addEventListener("input", () => {
  const digits = field.value.replace(/[\s\u00ad\u2010-\u2015\u2212-]/g, "");
  if (digits !== field.value) field.value = digits;
});

for (const place of document.querySelectorAll("[data-countdown]")) countDown(place);

/** Show the time left in `place`, which is dead for as long if it is a button. */
function countDown(place) {
  // The clock, not a count of ticks: a phone in a pocket stops ticking.
  const end = performance.now() + 1000 * Number(place.dataset.countdown);
  const tick = () => {
    const left = Math.ceil((end - performance.now()) / 1000);
    if (left > 0) {
      place.textContent = fill(place.dataset.text, { time: minutes(left) });
      place.disabled = true;
      setTimeout(tick, 250);
    } else {
      place.textContent = place.dataset.over;
      place.disabled = false;
    }
  };
  if (end > performance.now()) tick();
}
