// The sample in the colour that is typed or picked, at once. Which shades come of it only the server says.

const text = document.querySelector("#accent");
const picker = document.querySelector("#picker");
const sheet = document.querySelector("#sample-sheet");
const usual = text.placeholder;
let waiting;

const show = () => {
  const colour = /^#?[0-9a-f]{6}$/i.test(text.value.trim()) ? text.value.trim().replace(/^#?/, "#").toLowerCase() : text.value.trim() ? "" : usual;
  if (!colour) return;
  picker.value = colour;
  clearTimeout(waiting);
  waiting = setTimeout(() => { sheet.href = `/console/branding/preview.css?accent=${encodeURIComponent(colour)}`; }, 150);
};

text.addEventListener("input", show);
picker.addEventListener("input", () => { text.value = picker.value; show(); });
picker.hidden = false;
