//! The sealing script in real Chromium, under the portal's own policy: the stored known answers, Rust and JavaScript opening what
//! the other sealed, and everything that the script must refuse to seal to.

use serde_json::{Value, json};
use sspr::wire::{
    b64,
    seal::{self, Envelope, Secrets},
    ticket::Kind,
};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::support::{
    agent::{Agent, NOW},
    browser::{Browser, story},
    site::Site,
};

const IMPORT: &str = "const s = await import('/static/js/seal.js');
                      const hex = (bytes) => [...new Uint8Array(bytes)].map((b) => b.toString(16).padStart(2, '0')).join('');";

/// What the script says to this ticket and list: `null` when it would seal.
async fn refusal(browser: &Browser, ticket: Value, recipients: Value) -> Value {
    let body = format!(
        "{IMPORT} try {{ await s.verifyRecipients(args[0], args[1], {NOW}); return null; }} catch (e) {{ return [e instanceof s.Untrusted, e.message]; }}"
    );
    browser.runs_with(&body, vec![ticket, recipients]).await
}

#[tokio::test]
async fn javascript_gives_the_known_answers() {
    story(async |browser| {
        let site = Site::start().await;
        browser.opens(&site.url).await;
        let known: Value = serde_json::from_str(include_str!("../vectors/seal.json")).expect("the stored vectors");
        let body = format!(
            "{IMPORT}
             const [v] = args;
             const list = await s.verifyRecipients(v.ticket, [{{ identity: v.identity.public, statement: v.statement, signature: v.signature }}], v.now);
             const kem = s.hpke().kem;
             const seed = Uint8Array.from(v.recipient.seed.match(/../g), (b) => parseInt(b, 16));
             const opened = [];
             for (const {{ envelope }} of v.sealed) {{
               const recipient = await s.hpke().createRecipientContext({{ recipientKey: await kem.deserializePrivateKey(seed), enc: s.unb64(envelope.enc), info: s.info() }});
               const plain = new Uint8Array(await recipient.open(s.unb64(envelope.ct), s.ticketBytes(v.ticket, envelope.key)));
               opened.push(new TextDecoder().decode(plain.subarray(2, 2 + plain[0] * 256 + plain[1])));
             }}
             const padded = [];
             for (const {{ text }} of v.passwords) padded.push(hex(await crypto.subtle.digest('SHA-256', s.pad(text))));
             return {{ aad: hex(s.ticketBytes(v.ticket, v.recipient.id)), statement: hex(s.statementBytes(v.statement)), id: list[0].id, opened, padded }};"
        );
        let given = browser.runs_with(&body, vec![known.clone()]).await;
        let each = |list: &str, field: &str| known[list].as_array().expect("a list").iter().map(|item| item[field].clone()).collect::<Value>();
        let wanted = json!({
            "aad": known["aad"], "statement": known["statement_bytes"], "id": known["recipient"]["id"],
            "opened": each("sealed", "password"), "padded": each("passwords", "plaintext_sha256"),
        });
        assert_eq!(given, wanted);
    })
    .await;
}

/// What no statement may be, by the reason: the script refuses each of them before it seals anything.
#[tokio::test]
async fn known_bad_statements_are_refused() {
    story(async |browser| {
        let site = Site::start().await;
        browser.opens(&site.url).await;
        let known: Value = serde_json::from_str(include_str!("../vectors/protocol.json")).expect("the stored vectors");
        let body = format!(
            "{IMPORT}
             const [v] = args;
             const said = async (statement, signature) => {{
               try {{ await s.verifyRecipients(v.ticket.ticket, [{{ identity: v.identity.public, statement, signature }}], v.now); return null; }}
               catch (e) {{ return e instanceof s.Untrusted ? e.message : `threw ${{e}}`; }}
             }};
             const all = [await said(v.statement.statement, v.statement.signature)];
             for (const bad of v.statements_refused) all.push(await said({{ ...v.statement.statement, ...bad.statement }}, bad.signature));
             return all;"
        );
        let said = browser.runs_with(&body, vec![known.clone()]).await;
        let said = said.as_array().expect("a list");
        assert_eq!(said[0], Value::Null, "the good one");
        let refused = known["statements_refused"].as_array().expect("a list");
        assert_eq!(said.len(), refused.len() + 1);
        for (bad, said) in refused.iter().zip(&said[1..]) {
            let reasons: &[&str] = match bad["check"].as_str().expect("a check") {
                "signature" => &["recipient: not signed by its identity", "recipient: identity, signature"],
                "suite" => &["statement: suite"],
                "key" => &["statement: key"],
                "epoch" => &["statement: epoch"],
                "life" => &["statement: times", "statement: lives too long"],
                "connector" => &["statement: another connector"],
                "time" => &["statement: not yet valid", "statement: expired"],
                other => panic!("{other}"),
            };
            assert!(said.as_str().is_some_and(|said| reasons.contains(&said)), "{}: {said}", bad["why"]);
        }
    })
    .await;
}

#[tokio::test]
async fn the_current_password_is_sealed_for_what_asks_for_it_and_for_nothing_else() {
    story(async |browser| {
        let site = Site::start().await;
        browser.opens(&site.url).await;
        let mut agent = Agent::new();
        let old = "Alt \u{1F5DD} Zwölf";
        for (kind, new) in [(Kind::Change, "Neu"), (Kind::Verify, "")] {
            agent.ticket.kind = kind;
            let body =
                format!("{IMPORT} return s.seal(args[2], args[0], await s.verifyRecipients(args[0], args[1], {NOW}, args[4]), args[3]);");
            let args = |wanted: &str| vec![agent.ticket(), json!([agent.recipient()]), json!(new), json!(old), json!(wanted)];
            let sealed = browser.runs_with(&body, args(kind.as_str())).await;
            let envelopes: Vec<Envelope> = serde_json::from_value(sealed.clone()).unwrap_or_else(|error| panic!("{error}: {sealed}"));
            let secrets = seal::open(&envelopes[0], &agent.ticket, &agent.pair.private).expect("opens");
            assert_eq!((secrets.new.as_str(), secrets.old.as_str()), (new, old), "{kind}");
            // A page that is for something else seals nothing to such a ticket.
            let refused =
                format!("{IMPORT} return s.verifyRecipients(args[0], args[1], {NOW}, args[4]).then(() => null, (error) => error.message);");
            assert_eq!(browser.runs_with(&refused, args("reset")).await, json!("ticket: kind"), "{kind}");
        }
    })
    .await;
}

#[tokio::test]
async fn each_opens_what_the_other_sealed() {
    story(async |browser| {
        let site = Site::start().await;
        browser.opens(&site.url).await;
        let (agent, other) = (Agent::new(), Agent::new());
        let password = "Zwölf Boxkämpfer \u{1F5DD}";
        let body = format!("{IMPORT} return s.seal(args[2], args[0], await s.verifyRecipients(args[0], args[1], {NOW}));");
        let sealed = browser.runs_with(&body, vec![agent.ticket(), json!([agent.recipient(), other.recipient()]), json!(password)]).await;
        let envelopes: Vec<Envelope> = serde_json::from_value(sealed.clone()).unwrap_or_else(|error| panic!("{error}: {sealed}"));
        assert!(envelopes.iter().all(Envelope::is_well_formed) && envelopes.len() == 2);
        for (agent, envelope) in [&agent, &other].into_iter().zip(&envelopes) {
            assert_eq!(*seal::open(envelope, &agent.ticket, &agent.pair.private).expect("opens").new, password);
        }
        assert!(seal::open(&envelopes[0], &agent.ticket, &other.pair.private).is_err());

        let secrets = Secrets { new: Zeroizing::new(password.to_owned()), old: Zeroizing::default() };
        let id = agent.statement.key_id().expect("a key");
        let envelope = seal::seal(&secrets, &agent.ticket, &id, &agent.pair.public).expect("fits");
        let body = format!(
            "{IMPORT}
             const [ticket, envelope, seed] = args;
             const recipientKey = await s.hpke().kem.deserializePrivateKey(s.unb64(seed));
             const recipient = await s.hpke().createRecipientContext({{ recipientKey, enc: s.unb64(envelope.enc), info: s.info() }});
             const plain = new Uint8Array(await recipient.open(s.unb64(envelope.ct), s.ticketBytes(ticket, envelope.key)));
             return new TextDecoder().decode(plain.subarray(2, 2 + plain[0] * 256 + plain[1]));"
        );
        let opened = browser.runs_with(&body, vec![agent.ticket(), json!(envelope), json!(b64(agent.pair.private.as_ref()))]).await;
        assert_eq!(opened, json!(password));
    })
    .await;
}

#[tokio::test]
async fn nothing_is_sealed_to_a_key_that_is_not_beyond_doubt() {
    story(async |browser| {
        let site = Site::start().await;
        browser.opens(&site.url).await;
        let (agent, other) = (Agent::new(), Agent::new());
        assert_eq!(refusal(&browser, agent.ticket(), json!([agent.recipient()])).await, Value::Null);

        let mut unsigned = agent.recipient();
        unsigned["signature"] = json!(b64(&[0; 64]));
        let mut without = agent.recipient();
        without.as_object_mut().expect("an object").remove("signature");
        let mut anothers = agent.recipient();
        anothers["identity"] = json!(b64(other.identity.public()));
        let mut swapped = agent.recipient();
        swapped["statement"]["key"] = json!(b64(&other.pair.public));
        let mut prolonged = agent.recipient();
        prolonged["statement"]["not_after"] = json!(NOW + 7200);
        let mut more = agent.recipient();
        more["statement"]["note"] = json!("x");
        // Valid base64url for a lenient reader: stray bits, padding.
        let mut padded = agent.recipient();
        padded["signature"] = json!(format!("{}==", padded["signature"].as_str().expect("text")));
        let expired = agent.listed(|s| s.not_after = NOW);
        let early = agent.listed(|s| s.not_before = NOW + 1);
        let long = agent.listed(|s| s.not_after = s.not_before + 24 * 3600 + 1);
        let backwards = agent.listed(|s| (s.not_before, s.not_after) = (NOW - 10, NOW - 20));
        let suite = agent.listed(|s| s.suite = "x25519-hkdfsha256-aes256gcm".to_owned());
        let short = agent.listed(|s| s.key = b64(&[1; 1184]));
        let foreign = agent.listed(|s| s.connector = Uuid::from_u128(77));
        let zero = agent.listed(|s| s.epoch = 0);
        let good = agent.recipient();
        for (list, why) in [
            (json!([]), "none"),
            (json!(null), "none"),
            (json!(vec![&good; 33]), "too many"),
            (json!([good, good]), "twice"),
            (json!([unsigned]), "not signed"),
            (json!([without]), "fields"),
            (json!([anothers]), "not signed"),
            (json!([swapped]), "not signed"),
            (json!([prolonged]), "not signed"),
            (json!([more]), "fields"),
            (json!([padded]), "signature"),
            (json!([expired]), "expired"),
            (json!([early]), "not yet valid"),
            (json!([long]), "too long"),
            (json!([backwards]), "times"),
            (json!([suite]), "suite"),
            (json!([short]), "key"),
            (json!([foreign]), "another connector"),
            (json!([zero]), "epoch"),
            // One bad one spoils the list: an honest cloud sends none.
            (json!([good, expired]), "expired"),
        ] {
            let said = refusal(&browser, agent.ticket(), list).await;
            assert!(said[0] == true && said[1].as_str().is_some_and(|text| text.contains(why)), "wanted {why:?}, got {said}");
        }

        for (field, value) in [
            ("expires_at", json!(NOW)),
            ("expires_at", json!("later")),
            ("kind", json!("change")),
            ("user", json!("6F1C2F0E-9D5B-4C57-8A36-3C1F5E0A9D44")),
            ("job", json!("0193518c-5a00-7b3e-8f00-00000000a001\nseq=43")),
            ("seq", json!(1.5)),
            ("more", json!(1)),
        ] {
            let mut ticket = agent.ticket();
            ticket[field] = value;
            let said = refusal(&browser, ticket, json!([agent.recipient()])).await;
            assert!(said[0] == true && said[1].as_str().is_some_and(|text| text.starts_with("ticket")), "{field}: {said}");
        }
        // A list that was never verified is not sealed to.
        let body = format!("{IMPORT} return s.seal('x', args[0], [{{ id: 'a', key: new Uint8Array(1216) }}]);");
        let said = browser.runs_with(&body, vec![agent.ticket()]).await;
        assert!(said["error"].as_str().is_some_and(|text| text.contains("not verified")), "{said}");
    })
    .await;
}

#[tokio::test]
async fn a_password_no_directory_can_take_is_not_sealed() {
    story(async |browser| {
        let site = Site::start().await;
        browser.opens(&site.url).await;
        let body = format!(
            "{IMPORT} return ['', 'x'.repeat(256), 'x'.repeat(257), '\\u{{1F5DD}}'.repeat(128), '\\u{{1F5DD}}'.repeat(129), 'a\\ud800b', 'a\\u0000b'].map(s.whyUnusable);"
        );
        assert_eq!(browser.runs(&body).await, json!(["empty", null, "long", null, "long", "characters", "characters"]));
    })
    .await;
}
