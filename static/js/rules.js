// What a new password needs, as far as a browser can tell, and a suggestion that has it. The directory has the last word.

// Active Directory's five kinds of characters: a capital, a small letter, a digit, one of its symbols (no space, no currency), a
// letter without case.
const KINDS = [/\p{Lu}/u, /\p{Ll}/u, /[0-9]/, /[-~!@#$%^&*_+=`|\\(){}[\]:;"'<>,.?/]/, /[\p{Lo}\p{Lm}\p{Lt}]/u];

/** How many of `rules` a `password` fulfils: `{length, kinds, words}`, each true or false, only those that apply. */
export function judge(password, rules) {
  const found = {};
  if (rules.min > 0) found.length = [...password].length >= rules.min;
  if (rules.kinds > 0) found.kinds = KINDS.filter((kind) => kind.test(password)).length >= rules.kinds;
  if (rules.names) found.words = password !== "" && !holdsName(password, rules);
  return found;
}

// The directory compares without case, and leaves parts of fewer than three letters alone.
function holdsName(password, { names }) {
  const lower = password.toLowerCase();
  return (names ?? []).some((part) => part.length >= 3 && lower.includes(part.toLowerCase()));
}

// Syllables can be read aloud, remembered for a minute and typed on a phone. No l, q, x, y: they are mistaken for others or sit
// elsewhere on other keyboards. 16 consonants and 5 vowels: 12.6 bits in a group of four.
const CONSONANTS = "bdfghjkmnprstvwz";
const VOWELS = "aeiou";
const DIGITS = "23456789";

/** A password of at least 69 bits that fulfils `rules`: `Kuvo-tare-mipe-zolu-hadi-58`. */
export function suggest(rules) {
  for (;;) {
    const groups = [];
    while (groups.length < 5 || groups.join("-").length + 3 < rules.min) groups.push(group());
    groups[0] = groups[0][0].toUpperCase() + groups[0].slice(1);
    const password = [...groups, pick(DIGITS) + pick(DIGITS)].join("-");
    if (!holdsName(password, rules)) return password;
  }
}

function group() {
  return pick(CONSONANTS) + pick(VOWELS) + pick(CONSONANTS) + pick(VOWELS);
}

/** One of `letters`, each equally likely: bytes that would favour the first ones are thrown away. */
function pick(letters) {
  const fair = 256 - (256 % letters.length);
  const byte = new Uint8Array(1);
  do crypto.getRandomValues(byte);
  while (byte[0] >= fair);
  return letters[byte[0] % letters.length];
}
