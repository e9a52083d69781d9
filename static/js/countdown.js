// Waits count down where one can see them.

import { fill, minutes } from "./words.js";

for (const place of document.querySelectorAll("[data-countdown]")) countDown(place);

/** Show the time left in `place`, which is dead for as long if it is a button. */
function countDown(place) {
  // The clock, not a count of ticks: a phone in a pocket stops ticking.
  const end = performance.now() + 1000 * Number(place.dataset.countdown);
  // Said once when it begins and once when it is over, not each second in between.
  const spoken = place.closest('[role="alert"]');
  const tick = () => {
    const left = Math.ceil((end - performance.now()) / 1000);
    if (left > 0) {
      place.textContent = fill(place.dataset.text, { time: minutes(left) });
      place.disabled = true;
      setTimeout(() => {
        spoken?.setAttribute("aria-live", "off");
        tick();
      }, 250);
    } else {
      spoken?.setAttribute("aria-live", "assertive");
      place.textContent = place.dataset.over;
      place.disabled = false;
    }
  };
  if (end > performance.now()) tick();
}
