// Sealing: the password leaves this file only as HPKE ciphertext for the organisation's own agents.
//
// The other side is src/wire (ticket.rs, keys.rs, seal.rs); the bytes must agree, and tests/vectors/seal.json holds both to it.
// Nothing here trusts the server's answer: whatever is not exactly as it must be is refused, and then nothing is sent.

import { Aes256Gcm, CipherSuite, HkdfSha256, XWing, verifyEd25519 } from "../vendor/hpke.js";

const PROTOCOL = "sspr/1";
const SUITE = "xwing-hkdfsha256-aes256gcm";
const PUBLIC_KEY_LEN = 1216;
const PLAINTEXT_LEN = 1600;
export const PASSWORD_MAX_UTF16 = 256;
const EPOCH_MAX = 24 * 3600;
// More agents than any connector has; a longer list is not an organisation's but an attack or a bug.
const RECIPIENTS_MAX = 32;
const TIMEOUT_MS = 20_000;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TICKET = ["job", "seq", "tenant", "connector", "user", "kind", "issued_at", "expires_at"];
const STATEMENT = ["agent", "connector", "suite", "key", "epoch", "not_before", "not_after"];

const text = new TextEncoder();

/** The server said no: its stable `code`, and the support code to ask for. */
export class Problem extends Error {
  constructor(code, support) {
    super(code);
    this.code = code;
    this.support = support;
  }
}

/** The ticket or a recipient is not what it must be. `message` is for developers' eyes. */
export class Untrusted extends Error {}

/** The password cannot be sealed: `code` is "empty", "long" or "characters". */
export class Unusable extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/** One permission for one job, and the agents it may be sealed to: `{ticket, recipients, now}`, unverified. Where other accounts of the
 * same person follow: `linked`, a list of `{ticket, recipients}`. */
export function requestTicket(url = "/reset/ticket") {
  return post(url, {}).then((answer) => answer.json());
}

/** Hand in what [`seal`] made: `{job, envelopes}` of the first account, and of those that follow it. Gives the answer. */
export async function submit(first, following, url = "/reset/jobs") {
  return post(url, following.length > 0 ? { ...first, linked: following } : first);
}

async function post(url, body) {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json, application/problem+json" },
    body: JSON.stringify(body),
    cache: "no-store",
    redirect: "error",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  throw new Problem(String(problem?.code ?? "other"), String(problem?.support ?? ""));
}

// Lists that verifyRecipients made: seal takes no others, so no caller can forget the check.
const verified = new WeakSet();

/** Check everything about `ticket` and `recipients` at `now` (the server's clock, seconds) and give the list that `seal` takes. `kind`: what
 * the page is for; a ticket for something else is refused, so that nobody's current password is taken for a new one. */
export async function verifyRecipients(ticket, recipients, now, kind = "reset") {
  must(isTime(now), "now");
  checkTicket(ticket, now, kind);
  must(Array.isArray(recipients) && recipients.length > 0 && recipients.length <= RECIPIENTS_MAX, "recipients: none, or too many");
  const list = [];
  for (const recipient of recipients) list.push(await verifyRecipient(ticket, recipient, now));
  must(new Set(list.map((one) => one.id)).size === list.length, "recipients: the same key twice");
  verified.add(list);
  return Object.freeze(list);
}

function checkTicket(ticket, now, kind) {
  must(hasExactly(ticket, TICKET), "ticket: fields");
  for (const name of ["job", "tenant", "connector", "user"]) must(isUuid(ticket[name]), `ticket: ${name}`);
  for (const name of ["seq", "issued_at", "expires_at"]) must(isTime(ticket[name]), `ticket: ${name}`);
  must(ticket.kind === kind, "ticket: kind");
  must(ticket.issued_at < ticket.expires_at && now < ticket.expires_at, "ticket: expired");
}

async function verifyRecipient(ticket, recipient, now) {
  must(hasExactly(recipient, ["identity", "statement", "signature"]), "recipient: fields");
  const { statement } = recipient;
  must(hasExactly(statement, STATEMENT), "statement: fields");
  must(isUuid(statement.agent) && isUuid(statement.connector), "statement: agent, connector");
  must(statement.connector === ticket.connector, "statement: another connector");
  must(statement.suite === SUITE, "statement: suite");
  for (const name of ["epoch", "not_before", "not_after"]) must(isTime(statement[name]), `statement: ${name}`);
  must(statement.epoch > 0, "statement: epoch");
  must(statement.not_before < statement.not_after, "statement: times");
  must(statement.not_after - statement.not_before <= EPOCH_MAX, "statement: lives too long");
  must(statement.not_before <= now, "statement: not yet valid");
  must(now < statement.not_after, "statement: expired");
  const key = unb64(statement.key);
  const identity = unb64(recipient.identity);
  const signature = unb64(recipient.signature);
  must(key?.length === PUBLIC_KEY_LEN, "statement: key");
  must(identity?.length === 32 && signature?.length === 64, "recipient: identity, signature");
  // zip215 off: RFC 8032's strict rules, as the Rust side has them.
  const signed = await verifyEd25519(signature, statementBytes(statement), identity, { zip215: false }).catch(() => false);
  must(signed === true, "recipient: not signed by its identity");
  return Object.freeze({ id: await keyId(key), key });
}

/** Seal `password`, and `old`, the current one, where the ticket's kind has one, for `ticket`, once for each of `recipients`, which
 * `verifyRecipients` gave. */
export async function seal(password, ticket, recipients, old = "") {
  must(verified.has(recipients), "recipients: not verified");
  const plaintext = pad(password, old);
  try {
    const envelopes = [];
    for (const { id, key } of recipients) {
      const { enc, ct } = await sealTo(key, plaintext, ticketBytes(ticket, id));
      envelopes.push({ key: id, enc: b64(enc), ct: b64(ct) });
    }
    return envelopes;
  } finally {
    // A string cannot be wiped, bytes can.
    plaintext.fill(0);
  }
}

// A context seals once and is dropped: no nonce is ever used twice.
async function sealTo(key, plaintext, aad) {
  const suite = hpke();
  const recipientPublicKey = await suite.kem.deserializePublicKey(key);
  const sender = await suite.createSenderContext({ recipientPublicKey, info: info() });
  const ct = await sender.seal(plaintext, aad);
  return { enc: new Uint8Array(sender.enc), ct: new Uint8Array(ct) };
}

/** KEM 0x647A, KDF 0x0001, AEAD 0x0002. */
export function hpke() {
  return new CipherSuite({ kem: new XWing(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });
}

export function info() {
  return text.encode(`${PROTOCOL} seal`);
}

/** `u16be len(new) ‖ new ‖ u16be len(old) ‖ old ‖ zeros`: one size for all, so that a length says nothing. Never normalised. `new` is empty
 * only where `old` is all there is to seal. */
export function pad(password, old = "") {
  const code = (old === "" || password !== "" ? whyUnusable(password) : null) ?? (old === "" ? null : whyUnusable(old));
  if (code) throw new Unusable(code);
  const plaintext = new Uint8Array(PLAINTEXT_LEN);
  let at = 0;
  for (const secret of [password, old]) {
    const { written } = text.encodeInto(secret, plaintext.subarray(at + 2));
    plaintext[at] = written >> 8;
    plaintext[at + 1] = written & 255;
    at += 2 + written;
  }
  return plaintext;
}

/** Why no directory can take `password`, or null. A lone half of a surrogate pair would silently become another character. */
export function whyUnusable(password) {
  if (password === "") return "empty";
  if (password.length > PASSWORD_MAX_UTF16) return "long";
  if (/[\p{Cc}\p{Cs}]/u.test(password)) return "characters";
  return null;
}

/** HPKE `aad`: wire/ticket.rs. */
export function ticketBytes(ticket, key) {
  const { job, seq, tenant, connector, user, kind, issued_at, expires_at } = ticket;
  return lines("job", { job, seq, tenant, connector, user, kind, issued: issued_at, expires: expires_at, key });
}

/** What an identity key signs: wire/keys.rs. */
export function statementBytes(statement) {
  return lines("sealing-key", Object.fromEntries(STATEMENT.map((name) => [name, statement[name]])));
}

function lines(label, values) {
  const fields = Object.entries(values).map(([name, value]) => `${name}=${value}\n`);
  return text.encode(`${PROTOCOL} ${label}\n${fields.join("")}`);
}

/** base64url SHA-256 of a public key. */
export async function keyId(key) {
  return b64(new Uint8Array(await crypto.subtle.digest("SHA-256", key)));
}

export function b64(bytes) {
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Strict inverse of `b64`: null for padding, white space or stray bits. */
export function unb64(encoded) {
  if (typeof encoded !== "string" || !/^[\w-]*$/.test(encoded) || encoded.length % 4 === 1) return null;
  const binary = atob(encoded.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  return b64(bytes) === encoded ? bytes : null;
}

function must(holds, what) {
  if (!holds) throw new Untrusted(what);
}

// Every value goes into signed or bound bytes line by line: only shapes that cannot hold a line break get there.
function isUuid(value) {
  return typeof value === "string" && UUID.test(value) && value.length === 36;
}

function isTime(value) {
  return Number.isSafeInteger(value) && value >= 0;
}

function hasExactly(value, names) {
  if (typeof value !== "object" || value === null) return false;
  const own = Object.keys(value);
  return own.length === names.length && names.every((name) => Object.hasOwn(value, name));
}
