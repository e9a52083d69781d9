// The token of a notice stands behind the "#" of its link, where no server sees it. It moves into the form, and out of the address and
// the browser's history; the other language's link keeps it.

const token = location.hash.slice(1);
const field = document.querySelector("#code");

if (token && field) {
  for (const link of document.querySelectorAll("nav a")) link.hash = token;
  history.replaceState(null, "", location.pathname + location.search);
  field.value = token;
  document.querySelector("#typed").hidden = true;
}
