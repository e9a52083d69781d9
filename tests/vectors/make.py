#!/usr/bin/env python3
"""Makes protocol.json from docs/agent-protocol.md alone, with nothing of the Rust code: what agrees is agreed by two.

    python3 tests/vectors/make.py          # wants the package `cryptography` 48

The keys, the ticket and two envelopes are those of seal.json. Everything here is deterministic: the further envelopes take up the
encapsulation of an old one (a real sender must not: a key and a nonce are for one message).
"""
import base64, hashlib, hmac, json, pathlib, struct
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519, mlkem, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HERE = pathlib.Path(__file__).parent
OLD = json.loads((HERE / "seal.json").read_text())
NOW = OLD["now"]
URL = "https://reset.example"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def sha(data):
    return hashlib.sha256(data).digest()


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


# --- keys (§2)
SEED = bytes.fromhex(OLD["identity"]["seed"])
ME = ed25519.Ed25519PrivateKey.from_private_bytes(SEED)
OTHER_SEED = sha(b"another identity")
OTHER = ed25519.Ed25519PrivateKey.from_private_bytes(OTHER_SEED)
PUBLIC = ME.public_key().public_bytes_raw()


def jwk(key):
    return {"kty": "OKP", "crv": "Ed25519", "x": b64(key.public_key().public_bytes_raw())}


def fingerprint(public):
    text = base64.b32encode(sha(public)[:10]).decode()
    return "-".join(text[at : at + 4] for at in range(0, 16, 4))


def thumbprint(public):
    return b64(sha(('{"crv":"Ed25519","kty":"OKP","x":"%s"}' % b64(public)).encode()))


SEALING_SEED = bytes.fromhex(OLD["recipient"]["seed"])
EXPANDED = hashlib.shake_256(SEALING_SEED).digest(96)
ML = mlkem.MLKEM768PrivateKey.from_seed_bytes(EXPANDED[:64])
X = x25519.X25519PrivateKey.from_private_bytes(EXPANDED[64:])
SEALING_PUBLIC = ML.public_key().public_bytes_raw() + X.public_key().public_bytes_raw()
KEY_ID = b64(sha(SEALING_PUBLIC))
assert b64(PUBLIC) == OLD["identity"]["public"] and KEY_ID == OLD["recipient"]["id"]


# --- canonical encodings (§1, §3, §4)
def lines(label, fields):
    return ("sspr/1 %s\n" % label + "".join("%s=%s\n" % field for field in fields)).encode()


def statement_bytes(s):
    names = ["agent", "connector", "suite", "key", "epoch", "not_before", "not_after"]
    return lines("sealing-key", [(name, s[name]) for name in names])


def aad(t, key):
    names = [("job", "job"), ("seq", "seq"), ("tenant", "tenant"), ("connector", "connector"), ("user", "user"), ("kind", "kind")]
    names += [("issued", "issued_at"), ("expires", "expires_at")]
    return lines("job", [(name, t[field]) for name, field in names] + [("key", key)])


STATEMENT, TICKET = OLD["statement"], OLD["ticket"]
AGENT = STATEMENT["agent"]


def signed(key=ME, **change):
    """What differs from the good statement, and a signature that is good for it."""
    statement = {**STATEMENT, **change}
    return {"statement": change, "signature": b64(key.sign(statement_bytes(statement)))}


# --- HPKE (§5, and step by step in the appendix)
SUITE_ID = b"HPKE" + bytes.fromhex("647a00010002")


def extract(salt, ikm):
    return hmac.new(salt or bytes(32), ikm, hashlib.sha256).digest()


def expand(prk, info, length):
    out, block, count = b"", b"", 1
    while len(out) < length:
        block = hmac.new(prk, block + info + bytes([count]), hashlib.sha256).digest()
        out, count = out + block, count + 1
    return out[:length]


def labeled_extract(salt, label, ikm):
    return extract(salt, b"HPKE-v1" + SUITE_ID + label + ikm)


def labeled_expand(prk, label, info, length):
    return expand(prk, struct.pack(">H", length) + b"HPKE-v1" + SUITE_ID + label + info, length)


def key_schedule(enc):
    ss_ml = ML.decapsulate(enc[:1088])
    ss_x = X.exchange(x25519.X25519PublicKey.from_public_bytes(enc[1088:]))
    shared = hashlib.sha3_256(ss_ml + ss_x + enc[1088:] + SEALING_PUBLIC[1184:] + b"\\.//^\\").digest()
    context = b"\0" + labeled_extract(b"", b"psk_id_hash", b"") + labeled_extract(b"", b"info_hash", b"sspr/1 seal")
    secret = labeled_extract(shared, b"secret", b"")
    return ss_ml, ss_x, shared, labeled_expand(secret, b"key", context, 32), labeled_expand(secret, b"base_nonce", context, 12)


def unpad(plain):
    assert len(plain) == 1600
    (n,) = struct.unpack(">H", plain[:2])
    (m,) = struct.unpack(">H", plain[2 + n : 4 + n])
    assert not any(plain[4 + n + m :])
    return plain[2 : 2 + n].decode(), plain[4 + n : 4 + n + m].decode()


def pad(new, old=b""):
    return (struct.pack(">H", len(new)) + new + struct.pack(">H", len(old)) + old).ljust(1600, b"\0")


ENVELOPES = []
for sealed in OLD["sealed"]:
    envelope = sealed["envelope"]
    enc, ct = unb64(envelope["enc"]), unb64(envelope["ct"])
    ss_ml, ss_x, shared, key, nonce = key_schedule(enc)
    plain = AESGCM(key).decrypt(nonce, ct, aad(TICKET, KEY_ID))
    assert unpad(plain) == (sealed["password"], "")
    ENVELOPES.append({
        "by": sealed["by"], "password": sealed["password"], "envelope": envelope, "hash": b64(sha(enc + ct)),
        "steps": {"ml_kem_shared_secret": ss_ml.hex(), "x25519_shared_secret": ss_x.hex(), "shared_secret": shared.hex(),
                  "key": key.hex(), "nonce": nonce.hex(), "plaintext_start": plain[:64].hex()},
    })
GOOD = ENVELOPES[0]
ENC, CT = unb64(GOOD["envelope"]["enc"]), unb64(GOOD["envelope"]["ct"])


def sealed_as(plain, bound=None):
    *_, key, nonce = key_schedule(ENC)
    return b64(AESGCM(key).encrypt(nonce, plain, bound or aad(TICKET, KEY_ID)))


def flipped(data, at):
    return b64(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


def refused_envelopes():
    ids = "00000000-0000-0000-0000-000000000001"
    for name, value in [("job", ids), ("seq", TICKET["seq"] + 1), ("tenant", ids), ("connector", ids), ("user", ids),
                        ("issued_at", TICKET["issued_at"] + 1), ("expires_at", TICKET["expires_at"] + 1)]:
        yield f"another {name} than it was sealed for", "open", {name: value}, {}
    yield "another key id than it was sealed for", "open", {}, {"key": b64(sha(b"another key"))}
    yield "a bit of the ML-KEM part flipped", "open", {}, {"enc": flipped(ENC, 0)}
    yield "a bit of the X25519 part flipped", "open", {}, {"enc": flipped(ENC, 1100)}
    yield "a bit of the ciphertext flipped", "open", {}, {"ct": flipped(CT, 40)}
    yield "a bit of the tag flipped", "open", {}, {"ct": flipped(CT, 1615)}
    yield "an enc that is one byte short", "form", {}, {"enc": b64(ENC[:-1])}
    yield "a ct that is one byte short", "form", {}, {"ct": b64(CT[:-1])}
    yield "a ct that is one byte too long", "form", {}, {"ct": b64(CT + b"\0")}
    yield "an enc with padding of base64", "form", {}, {"enc": base64.urlsafe_b64encode(ENC[:-1]).decode()}
    yield "a key id that is one byte short", "form", {}, {"key": b64(sha(b"x")[:-1])}
    yield "padding that is not zero at its start", "plaintext", {}, {"ct": sealed_as(pad(b"x")[:5] + b"\1" + bytes(1594))}
    yield "padding that is not zero at its end", "plaintext", {}, {"ct": sealed_as(pad(b"x")[:-1] + b"\1")}
    yield "a first length beyond the end", "plaintext", {}, {"ct": sealed_as(b"\xff\xff" + bytes(1598))}
    yield "a second length beyond the end", "plaintext", {}, {"ct": sealed_as(b"\0\1x\xff\xff" + bytes(1595))}
    yield "text that is not UTF-8", "plaintext", {}, {"ct": sealed_as(pad(b"\xff\xfe"))}
    yield "half a surrogate pair", "plaintext", {}, {"ct": sealed_as(pad(b"\xed\xa0\x80"))}
    yield "a plaintext of another size", "form", {}, {"ct": sealed_as(pad(b"x")[:-1])}
    yield "a new password of 257 UTF-16 units", "length", {}, {"ct": sealed_as(pad(b"a" * 257))}
    yield "an old password of 257 UTF-16 units", "length", {}, {"ct": sealed_as(pad(b"x", b"a" * 257))}


def refused_statements():
    day = 86400
    yield "a bit of the key flipped", "signature", {"statement": {"key": flipped(SEALING_PUBLIC, 7)}, "signature": OLD["signature"]}
    yield "signed by another identity", "signature", signed(OTHER)
    yield "a signature of zeros", "signature", {"statement": {}, "signature": b64(bytes(64))}
    yield "a signature that is one byte short", "signature", {"statement": {}, "signature": b64(unb64(OLD["signature"])[:-1])}
    yield "a later end under the old signature", "signature", {"statement": {"not_after": STATEMENT["not_after"] - 1}, "signature": OLD["signature"]}
    yield "another suite", "suite", signed(suite="x25519-hkdfsha256-aes256gcm")
    yield "a key that is one byte short", "key", short_key()
    yield "epoch 0", "epoch", signed(epoch=0)
    yield "a negative epoch", "epoch", signed(epoch=-1)
    yield "a life of more than a day", "life", signed(not_after=STATEMENT["not_before"] + day + 1)
    yield "an end before its beginning", "life", signed(not_after=STATEMENT["not_before"] - 1)
    yield "an end at its beginning", "life", signed(not_after=STATEMENT["not_before"])
    yield "another connector", "connector", signed(connector="00000000-0000-0000-0000-000000000001")
    yield "ended", "time", signed(not_before=NOW - day, not_after=NOW)
    yield "not begun", "time", signed(not_before=NOW + 1, not_after=NOW + day)


def short_key():
    change = {"key": b64(SEALING_PUBLIC[:-1])}
    return {"statement": change, "signature": b64(ME.sign(statement_bytes({**STATEMENT, **change})))}


# --- JWS (§6)
def part(value):
    return b64(value.encode() if isinstance(value, str) else compact(value).encode())


def jws(header, claims, key=ME, signature=None):
    text = f"{part(header)}.{part(claims)}"
    return f"{text}.{b64(key.sign(text.encode()) if signature is None else signature)}"


def hs256(header, claims, secret):
    text = f"{part(header)}.{part(claims)}"
    return f"{text}.{b64(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"


PROOF_HEADER = {"typ": "dpop+jwt", "alg": "EdDSA", "jwk": jwk(ME)}


def proof_claims(request, jti):
    claims = {"jti": jti, "htm": "POST", "htu": URL + request["path"], "iat": NOW}
    if request["access_token"] is not None:
        claims["ath"] = b64(sha(request["access_token"].encode()))
    return {**claims, "bd": b64(sha(request["body"].encode()))}


LEASE = {"method": "POST", "path": "/agent/v1/lease", "query": "wait=30", "access_token": "an.access.token", "body": '{"max":4}'}
ENROL = {"method": "POST", "path": "/agent/v1/enrolment", "query": None, "access_token": None,
         "body": compact({"token": "sspr_enrol_example-of-a-one-time-token", "name": "agent-1", "identity": b64(PUBLIC), "version": "1.0"})}
ENROL_JTI = "enrol-0123456789"


def proofs():
    for request, jti in [(LEASE, "lease-0123456789"), (ENROL, ENROL_JTI)]:
        claims = proof_claims(request, jti)
        yield {"request": request, "header": compact(PROOF_HEADER), "claims": compact(claims), "proof": jws(PROOF_HEADER, claims)}


def refused_proofs():
    good = proof_claims(ENROL, ENROL_JTI)
    token = jws(PROOF_HEADER, good)

    def header(**change):
        merged = {**PROOF_HEADER, **change}
        return {name: value for name, value in merged.items() if value is not None}

    def claims(of=good, **change):
        merged = {**of, **change}
        return {name: value for name, value in merged.items() if value is not None}

    def one(number, why, check, proof, request=ENROL, code="bad_proof"):
        headers = proof if isinstance(proof, list) else [proof]
        # The number of the check in the list of RFC 9449 §4.3; none for those that this protocol adds.
        return {"rfc9449": number, "why": why, "check": check, "code": code, "request": request, "dpop": headers}

    yield one(1, "no header", "count", [])
    yield one(1, "two headers, the same", "count", [token, token])
    yield one(1, "two headers, each good", "count", [token, jws(PROOF_HEADER, claims(jti="another-0123456789"))])
    yield one(2, "no JWS", "form", "garbage")
    yield one(2, "two in one header", "form", f"{token}, {token}")
    yield one(2, "two parts", "form", token.rsplit(".", 1)[0])
    yield one(2, "base64 with padding", "form", token + "==")
    yield one(2, "longer than 4096 bytes", "form", jws(PROOF_HEADER, claims(more="x" * 3000)))
    yield one(2, "critical members that nobody knows", "form", jws(header(crit=["b64"], b64=False), good))
    yield one(2, "claims that are a list", "form", jws(PROOF_HEADER, [good.get(name) for name in ["jti", "htm", "htu", "iat", "ath", "bd"]]))
    yield one(2, "a member twice", "form", jws('{"typ":"dpop+jwt",' + compact(PROOF_HEADER)[1:], good))
    for name in ["jti", "htm", "htu", "iat", "bd"]:
        yield one(3, f"no {name}", "form", jws(PROOF_HEADER, claims(**{name: None})))
    yield one(3, "an iat that is text", "form", jws(PROOF_HEADER, claims(iat=str(NOW))))
    yield one(4, "typ JWT", "form", jws(header(typ="JWT"), good))
    yield one(4, "no typ", "form", jws(header(typ=None), good))
    yield one(4, "the typ of a client assertion", "form", jws(header(typ="client-authentication+jwt"), good))
    yield one(5, "alg none", "form", jws(header(alg="none"), good, signature=b""))
    yield one(5, "alg none, with a signature", "form", jws(header(alg="none"), good))
    yield one(5, "HS256 with the public key as the secret", "form", hs256(header(alg="HS256"), good, PUBLIC))
    yield one(5, "ES256 in the header of an Ed25519 signature", "form", jws(header(alg="ES256"), good))
    yield one(6, "a signature of zeros", "signature", jws(PROOF_HEADER, good, signature=bytes(64)))
    yield one(6, "signed by another key than it shows", "signature", jws(PROOF_HEADER, good, key=OTHER))
    yield one(6, "no key", "form", jws(header(jwk=None), good))
    yield one(6, "a key that is one byte short", "form", jws(header(jwk={**jwk(ME), "x": b64(PUBLIC[:-1])}), good))
    yield one(6, "a key of another curve", "form", jws(header(jwk={**jwk(ME), "crv": "Ed448"}), good))
    yield one(6, "a kid instead of a key", "form", jws(header(jwk=None, kid=thumbprint(PUBLIC)), good))
    yield one(7, "the private key in the header", "form", jws(header(jwk={**jwk(ME), "d": b64(SEED)}), good))
    yield one(8, "htm GET", "htm", jws(PROOF_HEADER, claims(htm="GET")))
    yield one(8, "htm in small letters", "htm", jws(PROOF_HEADER, claims(htm="post")))
    yield one(9, "htu of another site", "htu", jws(PROOF_HEADER, claims(htu="https://evil.example/agent/v1/enrolment")))
    yield one(9, "htu of another path", "htu", jws(PROOF_HEADER, claims(htu=URL + "/agent/v1/token")))
    yield one(9, "htu with a slash more", "htu", jws(PROOF_HEADER, claims(htu=URL + "/agent/v1/enrolment/")))
    yield one(9, "htu with a query", "htu", jws(PROOF_HEADER, claims(htu=URL + "/agent/v1/enrolment?x=1")))
    yield one(9, "htu of another scheme", "htu", jws(PROOF_HEADER, claims(htu="http://reset.example/agent/v1/enrolment")))
    for why, at in [("61 s old", NOW - 61), ("61 s ahead", NOW + 61), ("at the end of time", 2**63 - 1), ("before 1970", -1)]:
        yield one(11, why, "iat", jws(PROOF_HEADER, claims(iat=at)), code="clock_skew")
    lease = proof_claims(LEASE, "lease-0123456789")
    yield one(12, "no ath, though there is a token", "ath", jws(PROOF_HEADER, claims(lease, ath=None)), LEASE)
    yield one(12, "ath of another token", "ath", jws(PROOF_HEADER, claims(lease, ath=b64(sha(b"another")))), LEASE)
    yield one(12, "ath, though there is no token", "ath", jws(PROOF_HEADER, claims(ath=b64(sha(b"x")))))
    yield one(None, "bd of another body", "bd", jws(PROOF_HEADER, claims(bd=b64(sha(b"{}")))))
    yield one(None, "a jti of 15 characters", "jti", jws(PROOF_HEADER, claims(jti="a" * 15)))
    yield one(None, "a jti of 65 characters", "jti", jws(PROOF_HEADER, claims(jti="a" * 65)))
    yield one(None, "a jti with a space", "jti", jws(PROOF_HEADER, claims(jti="0123456789 abcdef")))
    yield one(None, "a jti beyond ASCII", "jti", jws(PROOF_HEADER, claims(jti="0123456789abcdéf")))


ASSERTION_HEADER = {"typ": "client-authentication+jwt", "alg": "EdDSA", "kid": AGENT}
ASSERTION = {"iss": AGENT, "sub": AGENT, "aud": URL + "/agent/v1/token", "jti": "assert-0123456789", "iat": NOW, "exp": NOW + 60}


def token_request(assertion):
    kind = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
    return f"grant_type=client_credentials&client_assertion_type={kind}&client_assertion={assertion}"


def refused_assertions():
    def one(why, assertion):
        return {"why": why, "assertion": assertion}

    def header(**change):
        return {name: value for name, value in {**ASSERTION_HEADER, **change}.items() if value is not None}

    def claims(**change):
        # Each its own, so that none is refused for having come before.
        number = next(COUNT)
        merged = {**ASSERTION, "jti": f"refused-{number:08}", **change}
        return {name: value for name, value in merged.items() if value is not None}

    nobody = "00000000-0000-0000-0000-000000000001"
    yield one("for another audience", jws(ASSERTION_HEADER, claims(aud=URL)))
    yield one("of another issuer", jws(ASSERTION_HEADER, claims(iss=nobody)))
    yield one("of another subject", jws(ASSERTION_HEADER, claims(sub=nobody)))
    yield one("of an agent that is not known", jws(header(kid=nobody), claims(iss=nobody, sub=nobody)))
    yield one("without kid", jws(header(kid=None), claims()))
    yield one("over", jws(ASSERTION_HEADER, claims(exp=NOW)))
    yield one("more than 360 s ahead", jws(ASSERTION_HEADER, claims(exp=NOW + 361)))
    yield one("not yet good", jws(ASSERTION_HEADER, claims(nbf=NOW + 120)))
    yield one("without exp", jws(ASSERTION_HEADER, claims(exp=None)))
    yield one("a jti of 15 characters", jws(ASSERTION_HEADER, claims(jti="a" * 15)))
    yield one("a jti of 65 characters", jws(ASSERTION_HEADER, claims(jti="a" * 65)))
    yield one("of the type of a proof", jws(header(typ="dpop+jwt"), claims()))
    yield one("typ JWT", jws(header(typ="JWT"), claims()))
    yield one("alg none", jws(header(alg="none"), claims(), signature=b""))
    yield one("HS256 with the public key as the secret", hs256(header(alg="HS256"), claims(), PUBLIC))
    yield one("signed by another key", jws(ASSERTION_HEADER, claims(), key=OTHER))
    yield one("signed by another key that the header brings along", jws(header(jwk=jwk(OTHER)), claims(), key=OTHER))
    yield one("a list of its values", jws(ASSERTION_HEADER, list(claims().values())))
    yield one("critical members that nobody knows", jws(header(crit=["exp"]), claims()))


COUNT = iter(range(1, 1000))
RESULT_HEADER = {"typ": "sspr-result+jwt", "alg": "EdDSA", "kid": AGENT}
RESULT = {"job": TICKET["job"], "lease": "0193518c-5a00-7b3e-8f00-00000000e005", "seq": TICKET["seq"], "ciphertext": GOOD["hash"],
          "code": "applied", "dc": "dc1.corp.example", "started_at": NOW * 1000 + 250, "finished_at": NOW * 1000 + 391,
          "unlocked": True, "allowed_at": None}


def refused_results():
    def header(**change):
        return {**RESULT_HEADER, **change}

    yield {"why": "signed by another key", "jws": jws(RESULT_HEADER, RESULT, key=OTHER)}
    yield {"why": "a bit of the signature flipped", "jws": jws(RESULT_HEADER, RESULT)[:-3] + "AAA"}
    yield {"why": "the type of a proof", "jws": jws(header(typ="dpop+jwt"), RESULT)}
    yield {"why": "typ JWT", "jws": jws(header(typ="JWT"), RESULT)}
    yield {"why": "alg none", "jws": jws(header(alg="none"), RESULT, signature=b"")}
    yield {"why": "HS256 with the public key as the secret", "jws": hs256(header(alg="HS256"), RESULT, PUBLIC)}
    yield {"why": "a list of its values", "jws": jws(RESULT_HEADER, list(RESULT.values()))}
    yield {"why": "one member more", "jws": jws(RESULT_HEADER, {**RESULT, "more": 1})}
    yield {"why": "a member that is missing", "jws": jws(RESULT_HEADER, {name: value for name, value in RESULT.items() if name != "lease"})}
    yield {"why": "a code that is none", "jws": jws(RESULT_HEADER, {**RESULT, "code": "fine"})}


def main():
    TOKEN_BODY = token_request(jws(ASSERTION_HEADER, ASSERTION))
    token = {"method": "POST", "path": "/agent/v1/token", "query": None, "access_token": None, "body": TOKEN_BODY}
    out = {
        "about": "Known answers for docs/agent-protocol.md, §2 to §6, and what must be refused. Made by tests/vectors/make.py (Python, from the "
                 "document alone) and checked against the Rust code by tests/it/vectors.rs. The keys are for tests only. `statement`, `ticket` and "
                 "`envelope` of what is refused name only what differs from the good one.",
        "now": NOW,
        "public_url": URL,
        "identity": {"seed": SEED.hex(), "pkcs8": (bytes.fromhex("302e020100300506032b657004220420") + SEED).hex(), "public": b64(PUBLIC),
                     "jwk": jwk(ME), "fingerprint": fingerprint(PUBLIC), "thumbprint": thumbprint(PUBLIC)},
        "sealing": {"seed": SEALING_SEED.hex(), "expanded": EXPANDED.hex(), "public": b64(SEALING_PUBLIC), "id": KEY_ID},
        "statement": {"statement": STATEMENT, "canonical": statement_bytes(STATEMENT).decode(), "signature": OLD["signature"]},
        "statements_refused": [{"why": why, "check": check, **one} for why, check, one in refused_statements()],
        "ticket": {"ticket": TICKET, "key": KEY_ID, "aad": aad(TICKET, KEY_ID).decode()},
        "envelopes": ENVELOPES,
        "envelopes_refused": [{"why": why, "check": check, "ticket": ticket, "envelope": envelope}
                              for why, check, ticket, envelope in refused_envelopes()],
        "proofs": list(proofs()),
        "proofs_refused": list(refused_proofs()),
        "token": {"header": compact(ASSERTION_HEADER), "claims": compact(ASSERTION), "assertion": jws(ASSERTION_HEADER, ASSERTION),
                  "content_type": "application/x-www-form-urlencoded", "request": token,
                  "proof": jws(PROOF_HEADER, proof_claims(token, "token-0123456789"))},
        "assertions_refused": list(refused_assertions()),
        "result": {"header": compact(RESULT_HEADER), "claims": compact(RESULT), "jws": jws(RESULT_HEADER, RESULT),
                   "body": compact({"jws": jws(RESULT_HEADER, RESULT)})},
        "results_refused": list(refused_results()),
    }
    assert b64(ME.sign(statement_bytes(STATEMENT))) == OLD["signature"] and aad(TICKET, KEY_ID).hex() == OLD["aad"]
    try:
        OTHER.public_key().verify(unb64(OLD["signature"]), statement_bytes(STATEMENT))
        raise SystemExit("another key verifies")
    except InvalidSignature:
        pass
    (HERE / "protocol.json").write_text(json.dumps(out, indent=1, ensure_ascii=False) + "\n")


main()
