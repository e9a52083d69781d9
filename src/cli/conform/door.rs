//! §6.1 and §6.2: how an agent gets in.

use anyhow::{Result, bail};
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Run,
    call::{FORM, JSON, jwk, sign, sign_symmetric},
};
use crate::wire::{
    b64, jws,
    keys::{Identity, fingerprint},
    message::Enrolled,
};

const ENROLMENT: &str = "/agent/v1/enrolment";
const BAD_TOKEN: &[&str] = &["bad_enrolment_token"];

/// The form of a token request.
pub fn form(assertion: &str) -> String {
    let kind = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
    format!("grant_type=client_credentials&client_assertion_type={kind}&client_assertion={assertion}")
}

fn body(token: &str, identity: &str) -> Vec<u8> {
    json!({ "token": token, "name": "conform", "identity": identity, "version": "conform" }).to_string().into_bytes()
}

/// Enrol, and everything that must not.
pub async fn enrolment(run: &mut Run, token: &str) -> Result<()> {
    let (me, other) = (run.identity.clone(), Identity::generate());
    let public = b64(me.public());
    let draft = |run: &Run, body| run.line.draft(&run.identity, ENROLMENT, JSON, body, None);
    let guess = draft(run, body("sspr_enrol_not-a-token-of-this-server", &public));
    run.refused("§6.1", "a token that was never given is refused", &guess, 403, BAD_TOKEN).await;
    let foreign = draft(run, body(token, &b64(other.public())));
    run.refused("§6.1", "the identity must be the key of the proof", &foreign, 401, &["bad_proof"]).await;
    let padded = draft(run, body(token, &format!("{public}=")));
    run.refused("§1", "base64url with padding is no key", &padded, 401, &["bad_proof"]).await;

    let good = draft(run, body(token, &public));
    let answer = run.send(&good).await;
    let enrolled = answer.and_then(|answer| {
        answer.is(StatusCode::CREATED.as_u16())?;
        serde_json::from_value::<Enrolled>(answer.json()?).map_err(|error| format!("its answer is of another shape: {error}"))
    });
    let enrolled = match enrolled {
        Ok(enrolled) => enrolled,
        Err(why) => {
            run.note("§6.1", "a good token enrols", Err(why.clone()));
            bail!("the agent was not enrolled, so nothing else can be tried: {why}");
        }
    };
    run.note("§6.1", "a good token enrols", Ok(()));
    let same = enrolled.fingerprint == fingerprint(me.public());
    run.note("§6.1", "the fingerprint is that of our key", if same { Ok(()) } else { Err(enrolled.fingerprint.clone()) });
    run.is(&enrolled);

    let again = run.send(&draft(run, body(token, &public))).await.and_then(|answer| {
        answer.is(201)?;
        let agent = answer.json()?["agent"].clone();
        if agent == json!(enrolled.agent) { Ok(()) } else { Err(format!("another agent: {agent}")) }
    });
    run.note("§6.1", "while pending, the same token with the same key is answered again", again);
    let stolen = run.line.draft(&other, ENROLMENT, JSON, body(token, &b64(other.public())), None);
    let held = run.line.send(&other, &stolen).await.and_then(|answer| answer.is_problem(403, BAD_TOKEN, run.line.now()));
    run.note("§6.1", "a used token enrols no second key", held);
    let early = run.token_request(&run.signed_assertion(&run.assertion()));
    run.refused("§6.1", "an agent that is not confirmed gets no access token", &early, 403, &["agent_pending"]).await;
    Ok(())
}

/// The assertion, its form, and the token.
pub async fn tokens(run: &mut Run) {
    let good = run.token_request(&run.signed_assertion(&run.assertion()));
    let held = run.send(&good).await.and_then(|answer| {
        answer.is(200)?;
        let token = answer.json()?;
        let text = token["access_token"].as_str().is_some_and(|token| !token.is_empty() && token.len() <= jws::MAX_LEN);
        let fits = text && token["token_type"] == "DPoP" && token["expires_in"].as_u64().is_some_and(|life| life > 0);
        if fits { Ok(()) } else { Err("access_token, token_type DPoP and expires_in are not all there".to_owned()) }
    });
    run.note("§6.2", "a good assertion gets an access token", held);

    let form_of = |body: String| body.into_bytes();
    let assertion = || form("x");
    for (what, body) in [
        ("no field", String::new()),
        ("a field twice", assertion() + "&client_assertion=x"),
        ("a field more", assertion() + "&scope=all"),
        ("another grant", assertion().replace("client_credentials", "password")),
        ("another type of assertion", assertion().replace("jwt-bearer", "saml2-bearer")),
        ("no grant", assertion().replace("grant_type=client_credentials&", "")),
    ] {
        let draft = run.line.draft(&run.identity, "/agent/v1/token", FORM, form_of(body), None);
        run.refused("§6.2", format!("a form with {what} is refused"), &draft, 400, &["bad_input"]).await;
    }

    let kid = run.me.agent.to_string();
    let header = json!({ "typ": jws::ASSERTION, "alg": "EdDSA", "kid": kid });
    let (stranger, public) = (Identity::generate(), run.identity.public().to_vec());
    let nobody = Uuid::from_u128(1).to_string();
    let now = run.line.now();
    let claims = |run: &Run| serde_json::to_value(run.assertion()).unwrap_or_default();
    type Change<'a> = Box<dyn Fn(&mut Value, &mut Value) + Send + Sync + 'a>;
    let change = |name: &'static str, value: Value| -> Change<'_> { Box::new(move |_, claims| claims[name] = value.clone()) };
    let head = |name: &'static str, value: Value| -> Change<'_> { Box::new(move |header, _| header[name] = value.clone()) };
    let cases: Vec<(&str, Change<'_>)> = vec![
        ("for another audience", change("aud", json!("https://elsewhere.example/agent/v1/token"))),
        ("for the server instead of the endpoint", change("aud", json!(run.line.url.clone()))),
        ("of another issuer", change("iss", json!(nobody))),
        ("of another subject", change("sub", json!(nobody))),
        ("that is over", change("exp", json!(now - 5))),
        ("that is not yet good", change("nbf", json!(now + 120))),
        ("that lives an hour", change("exp", json!(now + 3600))),
        ("with a jti of 15 characters", change("jti", json!("a".repeat(15)))),
        ("with a jti of 65 characters", change("jti", json!("a".repeat(65)))),
        ("of the type of a proof", head("typ", json!(jws::PROOF))),
        ("of typ JWT", head("typ", json!("JWT"))),
        ("of an agent that does not exist", head("kid", json!(nobody))),
        ("with critical members that nobody knows", head("crit", json!(["exp"]))),
    ];
    let mut bad = Vec::new();
    for (what, change) in &cases {
        let (mut header, mut claims) = (header.clone(), claims(run));
        change(&mut header, &mut claims);
        bad.push((*what, sign(&run.identity, &header, &claims)));
    }
    let mut none = header.clone();
    none["alg"] = "none".into();
    let unsigned = sign(&run.identity, &none, &claims(run));
    bad.push(("of alg none", unsigned.rsplit_once('.').map(|(text, _)| format!("{text}.")).unwrap_or_default()));
    let mut symmetric = header.clone();
    symmetric["alg"] = "HS256".into();
    bad.push(("of HS256 with the public key as the secret", sign_symmetric(&public, &symmetric, &claims(run))));
    bad.push(("signed by another key", sign(&stranger, &header, &claims(run))));
    let mut brought = header.clone();
    brought["jwk"] = jwk(&stranger);
    bad.push(("signed by a key that it brings along", sign(&stranger, &brought, &claims(run))));
    for (what, assertion) in bad {
        let draft = run.token_request(&assertion);
        run.refused("§6.2", format!("an assertion {what} is refused"), &draft, 401, &["bad_assertion"]).await;
    }

    let once = run.signed_assertion(&run.assertion());
    let first = run.token_request(&once);
    run.taken("§6.2", "an assertion is good once", &first, 200).await;
    let second = run.token_request(&once);
    run.refused("§6.2", "and not a second time", &second, 401, &["bad_assertion"]).await;
    let caught = run.signed_assertion(&run.assertion());
    let draft = run.line.draft(&stranger, "/agent/v1/token", FORM, form(&caught).into_bytes(), None);
    let held = run.line.send(&stranger, &draft).await.and_then(|answer| answer.is_problem(401, &["bad_assertion"], run.line.now()));
    run.note("§6.2", "an assertion with the proof of another key is refused", held);
    let twice = run.token_request(&run.signed_assertion(&run.assertion()));
    run.taken("§6.2", "a proof of a token request is good once", &twice, 200).await;
    run.refused("§6.2", "and not a second time: the whole request again", &twice, 401, &["replayed_proof"]).await;
}
