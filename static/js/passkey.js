// A passkey is used or made: the server gives a challenge, the browser has it signed, the page's form brings the answer back.

import { word } from "./words.js";

const form = document.querySelector("#passkey-form");
const button = form.querySelector("button");
const [said, text] = [...document.querySelectorAll("#passkey-said > [hidden], #passkey-said > [hidden] > span")];

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const base64 = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

form.addEventListener("submit", (event) => {
  event.preventDefault();
  run();
});

async function run() {
  say("");
  if (!window.PublicKeyCredential) return say("unsupported");
  button.disabled = true;
  try {
    const options = await challenge();
    form.elements.answer.value = JSON.stringify(form.dataset.passkey === "get" ? await get(options) : await create(options));
    form.submit();
  } catch (error) {
    say(reason(error));
    button.disabled = false;
  }
}

async function challenge() {
  const answer = await fetch(form.dataset.challenge, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: "{}",
    signal: AbortSignal.timeout(15_000),
  });
  // The page is not ours any more: the server knows which is.
  if (answer.redirected || [401, 403, 404, 409, 410].includes(answer.status)) {
    location.reload();
    await new Promise(() => {});
  }
  if (answer.status === 429) throw new DOMException("", "QuotaExceededError");
  if (!answer.ok) throw new TypeError(String(answer.status));
  return answer.json();
}

async function get(options) {
  const found = await navigator.credentials.get({ publicKey: { ...options, challenge: bytes(options.challenge) } });
  const { authenticatorData, clientDataJSON, signature, userHandle } = found.response;
  return answerOf(found, {
    authenticatorData: base64(authenticatorData),
    clientDataJSON: base64(clientDataJSON),
    signature: base64(signature),
    userHandle: userHandle && base64(userHandle),
  });
}

async function create(options) {
  const made = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: (options.excludeCredentials ?? []).map((known) => ({ ...known, id: bytes(known.id) })),
    },
  });
  const { attestationObject, clientDataJSON } = made.response;
  return answerOf(made, {
    attestationObject: base64(attestationObject),
    clientDataJSON: base64(clientDataJSON),
    transports: made.response.getTransports?.() ?? [],
  });
}

/** As `PublicKeyCredential.toJSON()` has it, which not every browser has. */
function answerOf(credential, response) {
  const { credProps } = credential.getClientExtensionResults();
  return { id: credential.id, rawId: base64(credential.rawId), type: credential.type, response, clientExtensionResults: credProps ? { credProps } : {} };
}

/** Browsers tell apart on purpose neither "cancelled" nor "there is none", so that no site learns which keys there are. */
function reason(error) {
  switch (error.name) {
    case "NotAllowedError":
    case "AbortError":
      return "cancelled";
    case "InvalidStateError":
      return "registered";
    case "NotSupportedError":
      return "unsupported";
    case "QuotaExceededError":
      return "limit";
    case "SecurityError":
      return "insecure";
    case "TypeError":
    case "TimeoutError":
      return "network";
    default:
      return "failed";
  }
}

function say(name) {
  for (const older of document.querySelectorAll("#passkey-said > :not([hidden])")) if (older !== said) older.remove();
  text.textContent = name && word(name);
  said.hidden = !name;
}
