// The code page: what is typed or pasted becomes digits.

import "./countdown.js";

const field = document.querySelector("#code");

// Spaces and dashes are how people and mail programs group digits. The server strips them as well. A recovery code keeps them: without
// groups nobody finds their place in it.
if (field.inputMode === "numeric") field.addEventListener("input", () => {
  const digits = field.value.replace(/[\s\u00ad\u2010-\u2015\u2212-]/g, "");
  if (digits !== field.value) field.value = digits;
});
