//! What is fuzzed: one function per target. It takes any bytes, must not panic, and asserts what holds whatever they are.
//!
//! `fuzz_targets/` gives them to libFuzzer, `tests/it/fuzz.rs` feeds them the corpus and some thousand mutations of it.

use std::sync::LazyLock;

use ldap3::{
    LdapResult, ResultEntry, SearchEntry,
    asn1::{Tag, parse_tag},
};
use serde_json::{Value, json};
use sspr::{
    agent::{
        directory::{answered, dn, guard, openldap::ppolicy, win32},
        policy,
    },
    domain::users::{EmailAddress, Name, Phone},
    web::form,
    wire::{
        jws,
        keys::{EPOCH_MAX, Identity, Signed},
        seal::{self, Envelope, PASSWORD_MAX_UTF16, PLAINTEXT_LEN},
        ticket::Ticket,
        unb64,
    },
};

pub type Target = fn(&[u8]);

/// Name (and folder of its corpus), function, and how many times slower than the others it is.
pub const ALL: [(&str, Target, usize); 12] = [
    ("envelope", envelope, 20),
    ("plaintext", plaintext, 1),
    ("statement", statement, 1),
    ("ticket", ticket, 1),
    ("proof_claims", proof_claims, 2),
    ("token", token, 1),
    ("form", form_and_json, 1),
    ("contact", contact, 1),
    ("dn", names_below, 1),
    ("answer", answer, 1),
    ("directory", directory, 2),
    ("ppolicy", password_policy, 1),
];

static VECTORS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../tests/vectors/seal.json")).expect("the stored vectors"));
static SEED: LazyLock<[u8; 32]> = LazyLock::new(|| {
    let hex = VECTORS["recipient"]["seed"].as_str().expect("hex");
    std::array::from_fn(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hex"))
});
static ME: LazyLock<Identity> = LazyLock::new(Identity::generate);

/// `{ticket, envelope}`: nothing opens but what was sealed, for the ticket it was sealed for.
pub fn envelope(data: &[u8]) {
    let Ok(mut pair) = serde_json::from_slice::<Value>(data) else { return };
    let Ok(envelope) = serde_json::from_value::<Envelope>(pair["envelope"].take()) else { return };
    assert!(!envelope.is_well_formed() || envelope.hash().is_some_and(|hash| hash.len() == 43));
    let Ok(ticket) = serde_json::from_value::<Ticket>(pair["ticket"].take()) else { return };
    if let Ok(secrets) = seal::open(&envelope, &ticket, &SEED) {
        let known = VECTORS["sealed"].as_array().expect("a list").iter().find(|known| known["envelope"] == json!(envelope));
        assert_eq!(json!(ticket), VECTORS["ticket"]);
        assert_eq!(known.expect("it was sealed")["password"], *secrets.new);
    }
}

/// What was padded is taken apart into what it was made of.
pub fn plaintext(data: &[u8]) {
    let Ok(secrets) = seal::unpad(data) else { return };
    let mut again = Vec::new();
    for secret in [&secrets.new, &secrets.old] {
        assert!(secret.encode_utf16().count() <= PASSWORD_MAX_UTF16);
        again.extend(u16::try_from(secret.len()).expect("it fits").to_be_bytes());
        again.extend(secret.as_bytes());
    }
    again.resize(PLAINTEXT_LEN, 0);
    assert_eq!(again, data);
}

/// A statement that verifies is one that makes sense, and its bytes say nothing else.
pub fn statement(data: &[u8]) {
    let Ok(signed) = serde_json::from_slice::<Signed>(data) else { return };
    let statement = &signed.statement;
    let identity = unb64(VECTORS["identity"]["public"].as_str().expect("text")).expect("base64url");
    if statement.is_well_formed() {
        let lived = i128::from(statement.not_after) - i128::from(statement.not_before);
        assert!((1..=i128::from(EPOCH_MAX)).contains(&lived));
        assert_eq!(statement.canonical().split(|byte| *byte == b'\n').count(), 9);
        assert!(ME.sign(statement.clone()).is_signed_by(ME.public()));
    } else {
        assert!(!ME.sign(statement.clone()).is_signed_by(ME.public()));
    }
    if signed.is_signed_by(&identity) {
        assert_eq!(json!(statement), VECTORS["statement"]);
    }
}

/// Two tickets are bound by the same bytes only if they are the same.
pub fn ticket(data: &[u8]) {
    let Ok(ticket) = serde_json::from_slice::<Ticket>(data) else { return };
    let aad = String::from_utf8(ticket.aad("K")).expect("text");
    let mut lines = aad.strip_suffix('\n').expect("ended").split('\n');
    assert_eq!(lines.next(), Some("sspr/1 job"));
    let mut said = serde_json::Map::new();
    for line in lines {
        let (name, value) = line.split_once('=').expect("name=value");
        let name = if ["issued", "expires"].contains(&name) { format!("{name}_at") } else { name.to_owned() };
        said.insert(name, value.parse::<i64>().map_or_else(|_| json!(value), |number| json!(number)));
    }
    assert_eq!(said.remove("key"), Some(json!("K")));
    // A uuid of nothing but digits is none: it has hyphens.
    assert_eq!(serde_json::from_value::<Ticket>(said.into()).ok(), Some(ticket));
}

const REQUEST: jws::Request<'_> =
    jws::Request { method: "POST", url: "https://reset.example/agent/v1/lease", body: b"{}", access: Some("token"), now: 1000 };

/// Any claims under a good signature: what is let through fits the request and is of now.
pub fn proof_claims(data: &[u8]) {
    let Ok(claims) = serde_json::from_slice::<Value>(data) else { return };
    if !claims.is_object() {
        return;
    }
    let token = jws::sign(&ME, jws::PROOF, None, true, &claims);
    let Ok(proven) = jws::check_proof(&token, &REQUEST) else { return };
    assert_eq!(proven.public, ME.public());
    assert!((1000 - jws::SKEW..=1000 + jws::SKEW).contains(&proven.iat), "{}", proven.iat);
    assert!((16..=64).contains(&proven.jti.len()));
    let digest = |bytes: &[u8]| json!(jws::digest(bytes));
    let wanted = [json!(REQUEST.method), json!(REQUEST.url), digest(REQUEST.body), digest(b"token")];
    assert_eq!(["htm", "htu", "bd", "ath"].map(|name| claims[name].clone()), wanted);
}

/// Any text as a token: nobody's signature comes by chance.
pub fn token(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = jws::unverified_kid(text);
    assert!(jws::check_proof(text, &REQUEST).is_err());
    for typ in [jws::ASSERTION, jws::ACCESS, jws::PROOF, jws::RESULT] {
        assert!(jws::verify::<Value>(text, typ, ME.public()).is_err());
    }
}

/// Fields come once, as text without NUL.
pub fn form_and_json(data: &[u8]) {
    if let Some(fields) = form::parse::<Value>(data) {
        let fields = fields.as_object().expect("fields");
        for (name, value) in fields {
            assert!(!name.contains('\0') && value.as_str().is_some_and(|value| !value.contains('\0')));
        }
        let pairs = data.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).count();
        assert_eq!(pairs, fields.len());
    }
    if let Ok(value) = form::json::<Value>(data) {
        fn has_nul(value: &Value) -> bool {
            match value {
                Value::String(text) => text.contains('\0'),
                Value::Array(list) => list.iter().any(has_nul),
                Value::Object(map) => map.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
                _ => false,
            }
        }
        assert!(!has_nul(&value));
    }
}

/// A parsed name, address or number is in its one form, and its mask hides it.
pub fn contact(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some(name) = Name::parse(&text) {
        assert_eq!(Name::parse(name.as_str()), Some(name.clone()));
        assert!(!name.as_str().chars().any(char::is_control));
    }
    if let Some(mail) = EmailAddress::parse(&text) {
        assert_eq!(EmailAddress::parse(mail.as_str()).as_ref(), Some(&mail));
        assert!(mail.as_str().bytes().all(|byte| byte.is_ascii_graphic()) && !mail.as_str().contains(['<', '>', ',', '"']));
        let (local, _) = mail.as_str().split_once('@').expect("an address");
        assert!(local.len() < 2 || !mail.masked().starts_with(local));
    }
    if let Some(phone) = Phone::parse(&text) {
        assert_eq!(Phone::parse(phone.as_str()).as_ref(), Some(&phone));
        assert!(phone.as_str()[1..].bytes().all(|byte| byte.is_ascii_digit()) && (8..=16).contains(&phone.as_str().len()));
        assert_eq!(phone.masked().chars().filter(char::is_ascii_digit).count(), 2);
    }
}

/// Two names, one per line: below is strict and by whole parts, same is mutual.
pub fn names_below(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (a, b) = text.split_once('\n').unwrap_or((&text, ""));
    assert!(!dn::is_below(a, a));
    assert_eq!(dn::is_same(a, b), dn::is_same(b, a));
    assert!(!(dn::is_below(a, b) && dn::is_below(b, a)));
    assert!(!(dn::is_below(a, b) && dn::is_same(a, b)));
    if dn::is_same(a, a) {
        assert!(dn::is_below(&format!("CN=x,{a}"), a) && !dn::is_below(&format!("CN=x\\,{a}"), a));
    }
}

/// `CODE TEXT` as a server may answer: the code is what the first eight digits say, and what is shown is short.
pub fn answer(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (code, text) = text.split_once(' ').unwrap_or(("", &text));
    let code = code.parse().unwrap_or_default();
    let win32 = win32(text);
    assert!(win32 == 0 || text.get(..9).is_some_and(|start| start.eq_ignore_ascii_case(&format!("{win32:08X}:"))));
    assert!(answered(code, text).to_string().chars().count() < 400);
    let verdict = policy::classify(code, win32);
    assert!(verdict.is_none_or(|verdict| verdict != sspr::wire::outcome::Code::Applied), "no refusal is a success");
}

/// One LDAP message of a server: what the guard lets through, the library reads without falling over.
pub fn directory(data: &[u8]) {
    // A length is told from the header alone, and is that of the message that passes.
    let length = guard::length(data);
    let Ok(head) = guard::check(data) else { return };
    assert_eq!(length, Ok(Some(data.len())));
    assert!(guard::check(&data[..data.len() - 1]).is_err(), "a part of it passes");
    let (rest, message) = parse_tag(data).expect("the library reads it");
    assert!(rest.is_empty());
    let mut parts = message.expect_constructed().expect("a sequence").into_iter().skip(1);
    let operation = parts.next().expect("an operation");
    if operation.id == 4 {
        drop(SearchEntry::construct(ResultEntry::new(operation)));
    } else if !head.is_one_of_many() {
        drop(LdapResult::from(Tag::StructureTag(operation)));
    }
}

/// A policy's answer: an error is read only from what ends with exactly that error, and from nothing that is longer.
pub fn password_policy(data: &[u8]) {
    let Some(error) = ppolicy::error(data) else { return };
    let number = ppolicy::Error::ALL.iter().position(|one| *one == error).expect("one of all");
    assert_eq!(data[..2], [0x30, u8::try_from(data.len() - 2).expect("short")]);
    assert_eq!(data[data.len() - 3..], [0x81, 1, u8::try_from(number).expect("few")]);
}
