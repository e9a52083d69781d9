// What a text message costs, counted while it is typed: as src/domain/texts/segments.rs counts it, which has the last word.

const BASIC = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const EXTENDED = "\f^{}\\[~]|€";

function size(text) {
  const odd = [...text].some((c) => !BASIC.includes(c) && !EXTENDED.includes(c));
  const [whole, part] = odd ? [70, 67] : [160, 153];
  const units = [...text].map((c) => (odd ? c.length : EXTENDED.includes(c) ? 2 : 1));
  const characters = units.reduce((sum, n) => sum + n, 0);
  if (characters <= whole) return { characters, messages: 1 };
  let [messages, room] = [0, 0];
  for (const n of units) {
    if (n > room) [messages, room] = [messages + 1, part];
    room -= n;
  }
  return { characters, messages };
}

for (const body of document.querySelectorAll("textarea[data-count]")) {
  const place = document.getElementById(body.dataset.count);
  // What is filled in, by an example, and what we put behind it.
  const [values, ending] = JSON.parse(place.dataset.around);
  body.addEventListener("input", () => {
    const filled = body.value.trim().replace(/\{\{\s*(\w+)\s*\}\}/g, (typed, name) => values[name] ?? typed);
    const { characters, messages } = size(filled + ending);
    place.textContent = place.dataset.text.replace("%characters%", characters).replace("%messages%", messages);
  });
}
