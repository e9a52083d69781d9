// Texts for scripts. The page carries them, in the reader's language; no script holds a word of its own.

/** The text of `<p data-word="name">` in the page's `<template id="words">`, or in another one. */
export function word(name, template = "#words") {
  const found = document.querySelector(template)?.content.querySelector(`[data-word="${CSS.escape(name)}"]`);
  return found ? found.textContent : "";
}

/** `text` with `%name%` replaced by each of `values`. */
export function fill(text, values) {
  return text.replace(/%(\w+)%/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Seconds as m:ss: needs no plural in any language. */
export function minutes(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
