//! §6: the checks of RFC 9449 §4.3 by their numbers, the body digest, replays, and the access token.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Run,
    call::{Draft, jwk, sign, sign_symmetric},
};
use crate::wire::{
    b64,
    jws::{self, digest},
    keys::{Identity, thumbprint},
};

const PATH: &str = "/agent/v1/heartbeat";
const BAD: &[&str] = &["bad_proof"];

type Wrong = (&'static str, &'static str, fn(&mut Draft, &Identity));

/// What is wrong with a proof, by the number of the check that must see it.
const WRONG: [Wrong; 34] = [
    ("1", "no DPoP header", |draft, _| draft.proofs = Some(Vec::new())),
    ("1", "two DPoP headers, each good", |draft, key| {
        let first = draft.proof(key);
        draft.claim("jti", "another-0123456789");
        draft.proofs = Some(vec![first, draft.proof(key)]);
    }),
    ("1", "the same DPoP header twice", |draft, key| draft.proofs = Some(vec![draft.proof(key); 2])),
    ("2", "no JWS", |draft, _| draft.proofs = Some(vec!["garbage".into()])),
    ("2", "two JWS in one header", |draft, key| draft.proofs = Some(vec![format!("{0}, {0}", draft.proof(key))])),
    ("2", "base64 with padding", |draft, key| draft.proofs = Some(vec![draft.proof(key) + "=="])),
    ("2", "longer than 4096 bytes", |draft, _| draft.claim("more", "x".repeat(3000))),
    ("2", "critical members that nobody knows", |draft, _| draft.header["crit"] = json!(["more"])),
    ("3", "no jti", |draft, _| draft.without("jti")),
    ("3", "no htm", |draft, _| draft.without("htm")),
    ("3", "no htu", |draft, _| draft.without("htu")),
    ("3", "no iat", |draft, _| draft.without("iat")),
    ("3", "no bd", |draft, _| draft.without("bd")),
    ("4", "typ JWT", |draft, _| draft.header["typ"] = "JWT".into()),
    ("4", "the typ of a result", |draft, _| draft.header["typ"] = jws::RESULT.into()),
    ("5", "alg none", |draft, key| {
        draft.header["alg"] = "none".into();
        let proof = draft.proof(key);
        draft.proofs = proof.rsplit_once('.').map(|(text, _)| vec![format!("{text}.")]);
    }),
    ("5", "HS256 with the public key as the secret", |draft, key| {
        draft.header["alg"] = "HS256".into();
        draft.proofs = Some(vec![sign_symmetric(key.public(), &draft.header, &draft.claims)]);
    }),
    ("5", "ES256 in the header", |draft, _| draft.header["alg"] = "ES256".into()),
    ("6", "a signature of another key", |draft, _| draft.proofs = Some(vec![draft.proof(&Identity::generate())])),
    ("6", "another body of claims under the signature", |draft, key| {
        let proof = draft.proof(key);
        let parts: Vec<&str> = proof.split('.').collect();
        draft.claim("jti", "another-0123456789");
        draft.proofs = Some(vec![format!("{}.{}.{}", parts[0], b64(draft.claims.to_string().as_bytes()), parts[2])]);
    }),
    ("7", "the private key in its header", |draft, _| draft.header["jwk"]["d"] = b64(&[7; 32]).into()),
    ("8", "htm of another method", |draft, _| draft.claim("htm", "GET")),
    ("9", "htu of another path", |draft, _| {
        let other = draft.claims["htu"].as_str().unwrap_or_default().replace(PATH, "/agent/v1/lease");
        draft.claim("htu", other);
    }),
    ("9", "htu of another site", |draft, _| draft.claim("htu", format!("https://elsewhere.example{PATH}"))),
    ("9", "htu with a query", |draft, _| {
        let other = format!("{}?x=1", draft.claims["htu"].as_str().unwrap_or_default());
        draft.claim("htu", other);
    }),
    ("12", "no ath", |draft, _| draft.without("ath")),
    ("12", "ath of another token", |draft, _| draft.claim("ath", digest(b"another"))),
    ("12", "another key than the token's", |draft, _| {
        let other = Identity::generate();
        draft.header["jwk"] = jwk(&other);
        draft.proofs = Some(vec![draft.proof(&other)]);
    }),
    ("bd", "bd of another body", |draft, _| draft.claim("bd", digest(b"{}"))),
    ("bd", "another body on the way", |draft, _| draft.body.push(b' ')),
    ("jti", "a jti of 15 characters", |draft, _| draft.claim("jti", "a".repeat(15))),
    ("jti", "a jti of 65 characters", |draft, _| draft.claim("jti", "a".repeat(65))),
    ("jti", "a jti with a space", |draft, _| draft.claim("jti", "0123456789 abcdef")),
    ("6", "a key that is no key", |draft, _| draft.header["jwk"]["x"] = b64(&[7; 31]).into()),
];

fn named(number: &str, what: &str) -> String {
    match number {
        "bd" | "jti" => format!("{what} is refused"),
        number => format!("RFC 9449 §4.3, check {number}: {what} is refused"),
    }
}

pub async fn proofs(run: &mut Run) {
    let body = run.heartbeat(false);
    for (number, what, change) in WRONG {
        let mut draft = run.draft(PATH, body.clone()).await;
        change(&mut draft, &run.identity);
        // The key of the proof is another than the token's: either may be called wrong.
        let codes = if what.contains("than the token's") { &["bad_token", "bad_proof"][..] } else { BAD };
        run.refused("§6", named(number, what), &draft, 401, codes).await;
    }
    for (what, by) in [("70 s old", -70), ("70 s ahead", 70), ("of the end of time", i64::MAX / 2)] {
        let mut draft = run.draft(PATH, body.clone()).await;
        draft.claim("iat", run.line.now() + by);
        run.refused("§6", named("11", &format!("an iat {what}")), &draft, 401, &["clock_skew"]).await;
    }
    for (what, by) in [("50 s old", -50), ("50 s ahead", 50)] {
        let mut draft = run.draft(PATH, body.clone()).await;
        draft.claim("iat", run.line.now() + by);
        run.taken("§6", format!("RFC 9449 §4.3, check 11: an iat {what} is taken"), &draft, 200).await;
        run.refused("§6", format!("and not a second time, with an iat {what}"), &draft, 401, &["replayed_proof"]).await;
    }
    let mut more = run.draft(PATH, body.clone()).await;
    more.claim("nonce", "nobody asked for one");
    more.claim("more", 1);
    run.taken("§6", "claims beyond those of the table are no reason to refuse", &more, 200).await;
    run.refused("§6", "a request that was caught is refused a second time", &more, 401, &["replayed_proof"]).await;
    let mut longest = run.draft(PATH, body.clone()).await;
    longest.claim("jti", format!("{}{}", &digest(body.as_slice())[..32], &digest(run.line.now().to_string().as_bytes())[..32]));
    run.taken("§6", "a jti of 64 characters is taken", &longest, 200).await;
    // The query is no part of what is proven; the rest of the address is.
    let mut query = run.draft(PATH, body).await;
    query.query = Some("x=1".into());
    run.taken("§6", "the query is not part of htu", &query, 200).await;
}

/// The access token, and how it is borne.
pub async fn tokens(run: &mut Run) {
    const BAD: &[&str] = &["bad_token"];
    let body = run.heartbeat(false);
    let good = run.draft(PATH, body.clone()).await;
    let Some(token) = good.authorization.first().and_then(|value| value.strip_prefix("DPoP ")).map(str::to_owned) else { return };
    let with = |run: &Run, access: &str, authorization: Vec<String>| {
        let mut draft = run.line.draft(&run.identity, PATH, "application/json", body.clone(), Some(access));
        draft.authorization = authorization;
        draft
    };
    let dpop = |token: &str| vec![format!("DPoP {token}")];
    let mut flipped = token.clone().into_bytes();
    let middle = flipped.len() / 2;
    flipped[middle] = if flipped[middle] == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped).unwrap_or_default();
    let now = run.line.now();
    let claims: Value = json!({ "iss": run.line.url, "sub": run.me.agent, "aud": run.line.url, "iat": now, "exp": now + 60,
        "cnf": { "jkt": thumbprint(run.identity.public()) } });
    let kid = jws::unverified_kid(&token);
    let header = json!({ "typ": jws::ACCESS, "alg": "EdDSA", "kid": kid });
    let own = sign(&run.identity, &header, &claims);
    let none = sign(&run.identity, &json!({ "typ": jws::ACCESS, "alg": "none", "kid": kid }), &claims);
    let none = none.rsplit_once('.').map(|(text, _)| format!("{text}.")).unwrap_or_default();
    for (what, access, authorization) in [
        ("no Authorization header", token.as_str(), Vec::new()),
        ("the token as a bearer", &token, vec![format!("Bearer {token}")]),
        ("two Authorization headers", &token, [dpop(&token), dpop(&token)].concat()),
        ("no token at all", "garbage", dpop("garbage")),
        ("a token that was changed", &flipped, dpop(&flipped)),
        ("a token of one's own making", &own, dpop(&own)),
        ("a token of alg none", &none, dpop(&none)),
        ("a token longer than 4096 bytes", &"A".repeat(4097), dpop(&"A".repeat(4097))),
    ] {
        let draft = with(run, access, authorization);
        run.refused("§6", format!("{what} is refused"), &draft, 401, BAD).await;
    }
    // Who asks without a proof learns nothing from a path that is not there.
    let mut get = run.draft(PATH, Vec::new()).await;
    (get.method, get.kind) = (Method::GET, String::new());
    get.claim("htm", "GET");
    run.refused("§6.8", "a GET is refused, and the problem says so", &get, 405, &["method_not_allowed"]).await;
}
