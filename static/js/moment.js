// Moments by the clock of whoever reads them: the server knows the language, and neither the country nor the time zone.

const language = document.documentElement.lang;
const spoken = navigator.languages.find((tag) => tag.split("-")[0] === language) ?? language;
const here = new Intl.DateTimeFormat(spoken, { dateStyle: "long", timeStyle: "short" });

for (const place of document.querySelectorAll("[data-moment]")) {
  place.textContent = place.textContent.replace(place.dataset.shown, here.format(new Date(place.dataset.moment)));
}
