//! Messages in an organisation's own words: what is previewed arrives, what must stand in them stands in them, and nothing else leads anywhere.

use sspr::{
    base::language::Language,
    domain::{
        notifications::Channel,
        operators::Role,
        texts::{self, Matter, Which},
    },
    lab::inbox::Message,
};
use uuid::Uuid;

use crate::{
    portal::notices::tells,
    support::{Cloud, Person, agent::somebody, person::code_in},
};

const CODE: &str = "/console/texts/code/email/en";
const SMS: &str = "/console/texts/code/sms/en";
const HELP_DESK: &str = "/console/texts/help_desk/email/en";

/// Press another button of the form at `path`.
async fn presses(person: &mut Person, path: &str, button: &str, fields: &[(&str, &str)]) {
    let mut form = person.page.form(path).unwrap();
    for (name, value) in fields {
        form = form.set(name, value).unwrap();
    }
    form.action = format!("{path}/{button}");
    person.page = person.browser.submit(&form).await.unwrap();
}

/// As the browser reads what stands in a page.
fn unescaped(text: &str) -> String {
    text.replace("&#60;", "<").replace("&#62;", ">").replace("&#34;", "\"").replace("&#39;", "'").replace("&#38;", "&")
}

fn between<'a>(text: &'a str, open: &str, close: &str) -> &'a str {
    text.split_once(open).and_then(|(_, rest)| rest.split_once(close)).unwrap_or_else(|| panic!("no {open} in {text}")).0
}

/// Plain text and HTML as a preview shows them.
fn previewed(page: &str) -> (String, String) {
    let plain = between(page, "<pre", "</pre>").split_once('>').unwrap().1;
    (unescaped(plain), unescaped(between(page, "srcdoc=\"", "\"")))
}

async fn mail_to(cloud: &Cloud, name: &str, seen: usize) -> Message {
    cloud.inbox.wait_for(&format!("{name}@mail.example"), seen).await.unwrap()
}

#[tokio::test]
async fn a_changed_text_arrives_as_it_was_previewed_and_ours_comes_back() {
    let (cloud, _agent) = Cloud::with_people(&["alice"]).await;
    let mut boss = cloud.operator(Role::Administrator).await;
    boss.opens("/console/texts").await.sees("Code to prove who one is").sees("Our words");
    assert!(!boss.page.text().contains("Your words"));
    boss.opens(CODE).await.sees("Our words, as they are sent now");
    let (subject, body) = (
        "{{organisation}}: <b>code</b>",
        "Dear {{ name }},\n\nhere it is & well:\nlook\n\n{{code}}\n\n<script>alert(1)</script> for {{minutes}} min",
    );
    presses(&mut boss, CODE, "preview", &[("subject", subject), ("body", body)]).await;
    assert_eq!(boss.page.status, 200);
    let (plain, html) = previewed(&boss.page.body);
    assert!(
        plain.contains("Dear administrator 0,\n\nhere it is & well:\nlook\n\n    012345\n\n<script>alert(1)</script> for 10 min\n"),
        "{plain}"
    );
    assert!(plain.contains("Tell it to nobody."), "the frame is ours: {plain}");
    assert!(!html.contains("<script") && html.contains("&#60;script&#62;") && html.contains("here it is &#38; well:<br>look"), "{html}");
    assert_eq!(cloud.sql::<i64>("select count(*) from texts").await, 0, "looked at, not saved");

    // What is previewed is what is sent: to oneself first.
    boss.opens(CODE).await;
    presses(&mut boss, CODE, "sample", &[("subject", subject), ("body", body)]).await;
    boss.sees("A sample is on its way to administrator0@staff.example");
    assert!(boss.page.form(CODE).unwrap().fields.contains(&("subject".into(), subject.into())), "nothing typed is lost");
    let sample = cloud.inbox.wait_for("administrator0@staff.example", 0).await.unwrap();
    assert_eq!(sample.text.replace("\r\n", "\n"), plain);
    assert_eq!(sample.html.unwrap().replace("\r\n", "\n"), html);
    assert_eq!(sample.subject, format!("[Sample] {}: <b>code</b>", cloud.tenant.name));

    boss.submits(CODE, &[]).await.sees("From now on messages go out in these words").sees("Your words, since");
    let mut alice = Person::at(&cloud);
    alice.asks_for_a_code("alice").await;
    let sent = mail_to(&cloud, "alice", 0).await;
    let code = code_in(&sent.text);
    let name = somebody("alice").display_name;
    assert_eq!(sent.text.replace("\r\n", "\n"), plain.replace("012345", &code).replace("administrator 0", &name));
    assert_eq!(sent.html.unwrap().replace("\r\n", "\n"), html.replace("012345", &code).replace("administrator 0", &name));
    boss.opens("/console/texts").await.sees("Your words");
    boss.opens(&format!("{CODE}/preview")).await;
    assert_eq!(previewed(&boss.page.body).0, plain, "what holds is what is looked at");

    // One line each in the trail, which names the message and quotes nothing.
    let lines = "select string_agg(action || ' ' || outcome, ', ' order by at) from audit_events where action like 'tenant.text%' and actor like 'operator:%'";
    assert_eq!(cloud.sql::<String>(lines).await, "tenant.text_sample sent, tenant.text changed");
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where detail::text like '%here it is%'").await, 0);

    boss.opens(CODE).await;
    presses(&mut boss, CODE, "ours", &[]).await;
    boss.is_at(CODE).sees("Our words, as they are sent now");
    Person::at(&cloud).asks_for_a_code("alice").await;
    assert!(mail_to(&cloud, "alice", 1).await.text.contains("Somebody, hopefully you"));
}

#[tokio::test]
async fn what_must_not_be_sent_is_refused_with_where_and_nothing_is_lost() {
    let cloud = Cloud::start().await;
    let mut boss = cloud.operator(Role::Owner).await;
    for (path, field, bad, said) in [
        (CODE, "body", "no code at all", "{{code}} must stand in the text"),
        (
            CODE,
            "body",
            "{{code}}\nand\n{{cod}}",
            "Line 3: {{cod}} is no placeholder of this message. There are: {{code}}, {{organisation}}",
        ),
        (CODE, "body", "{{code}} {{details}}", "is no placeholder"),
        (CODE, "body", "{{code", "begins and does not end"),
        (CODE, "body", "{{code}}7", "needs space around it"),
        (CODE, "body", "{{code}} see https://evil.example/x", "looks like a link"),
        (CODE, "body", "{{code}} write to help@evil.example", "looks like a link"),
        (CODE, "body", "{{code}} {{name}}.evil.example", "looks like a link"),
        (CODE, "body", "{{code}} a\u{202e}b", "nobody sees"),
        (CODE, "subject", "{{code}}", "only the name and the organisation"),
        (CODE, "subject", "x\r\nBcc: everybody", "nobody sees"),
        (CODE, "subject", "", "Subject: Nothing stands there"),
        (HELP_DESK, "body", "It happened {{when}}.", "{{details}} must stand in the text"),
        ("/console/texts/invitation/email/en", "body", "Come to our page.", "{{page}} must stand in the text"),
        (SMS, "body", "Hello", "{{code}} must stand in the text"),
        (SMS, "body", "{{name}}: {{code}}", "is no placeholder"),
    ] {
        boss.opens(path).await.submits(path, &[(field, bad)]).await.sees(said);
        assert_eq!(boss.page.status, 422, "{bad}");
        let shown = boss.page.form(path).unwrap();
        let kept = bad.replace("\r\n", "");
        assert!(
            shown.fields.iter().any(|(name, value)| name == field && [bad, &kept].contains(&value.as_str())),
            "{bad:?} {:?}",
            shown.fields
        );
        // A preview and a sample of it are not to be had either.
        boss.opens(path).await;
        presses(&mut boss, path, "preview", &[(field, bad)]).await;
        assert!(boss.page.status == 422 && !boss.page.body.contains("srcdoc"), "{bad}");
    }
    let long = format!("{{{{code}}}} {}", "ä".repeat(440));
    boss.opens(SMS).await.submits(SMS, &[("body", &long)]).await.sees("It would cost 4 text messages; 3 are allowed");
    assert_eq!(cloud.sql::<i64>("select count(*) from texts").await + cloud.sql::<i64>("select count(*) from history").await, 0);
    assert_eq!(cloud.sql::<i64>("select count(*) from messages").await, 0);
    for nowhere in
        ["/console/texts/code/sms/fr", "/console/texts/nothing/email/en", "/console/texts/expires/sms/en", "/console/texts/code/none/en"]
    {
        boss.opens(nowhere).await;
        assert_eq!(boss.page.status, 404, "{nowhere}");
    }
}

#[tokio::test]
async fn each_language_and_way_has_words_of_its_own() {
    let (cloud, mut agent) = Cloud::with_people(&["alice"]).await;
    let german = sspr::wire::message::Person { language: Some("de-AT".into()), ..somebody("bob") };
    agent.mirror(vec![somebody("alice"), german]).await;
    let mut boss = cloud.operator(Role::Owner).await;
    let (de, sms) = ("/console/texts/help_desk/email/de", "/console/texts/help_desk/sms/de");
    boss.opens(de).await.submits(de, &[("subject", "Vom Helpdesk"), ("body", "Servus {{name}}!\n\n{{details}}")]).await;
    // It costs three now, so the link fits behind it.
    boss.opens(sms).await.submits(sms, &[("body", &format!("{{{{organisation}}}} – Servus! {}", "x".repeat(70)))]).await.sees("Saved");
    for name in ["alice", "bob"] {
        tells(&cloud, name).await;
    }
    let (alice, bob) = (mail_to(&cloud, "alice", 0).await, mail_to(&cloud, "bob", 0).await);
    assert!(alice.text.contains("took a caller for you") && bob.text.contains("Servus "), "{} {}", alice.text, bob.text);
    assert_eq!(bob.subject, "Vom Helpdesk");
    assert!(bob.text.contains("Das waren nicht Sie?") && bob.text.contains("/not-me#"), "the frame is ours: {}", bob.text);
    assert!(bob.html.unwrap().contains("/not-me#"));
    let text = cloud.inbox.wait_for(&somebody("bob").mobile.unwrap(), 0).await.unwrap().text;
    assert!(text.contains("– Servus!") && text.contains("/not-me#"), "{text}");
    assert!((2..=3).contains(&texts::size(&text).messages), "{text}");
    let ours = cloud.inbox.wait_for(&somebody("alice").mobile.unwrap(), 0).await.unwrap().text;
    assert!(ours.contains("help desk gave out a code") && texts::size(&ours).messages == 1, "{ours}");

    // The warning and the line that browsers read are ours, whatever is written before them.
    boss.opens(SMS).await.submits(SMS, &[("body", "Code: {{code}}")]).await.sees("Saved");
    let mut alice = Person::at(&cloud);
    alice.opens("/").await.submits("/reset", &[("name", "alice")]).await;
    alice.submits("/reset/method", &[("method", "sms")]).await.is_at("/reset/code");
    let text = cloud.inbox.wait_for(&somebody("alice").mobile.unwrap(), 1).await.unwrap().text;
    let code = code_in(&text);
    assert!(text.starts_with(&format!("Code: {code} Tell it to nobody.\n\n@")) && text.ends_with(&format!(" #{code}")), "{text}");
}

#[tokio::test]
async fn what_was_said_before_comes_back_and_nobody_overwrites_a_colleague() {
    let cloud = Cloud::start().await;
    let (mut one, mut two) = (cloud.operator(Role::Owner).await, cloud.operator(Role::Administrator).await);
    one.opens(CODE).await;
    two.opens(CODE).await;
    one.submits(CODE, &[("body", "First {{code}}")]).await.sees("Saved");
    two.submits(CODE, &[("body", "Second {{code}}")]).await.sees("Somebody else has changed this").sees("First {{code}}");
    assert_eq!(two.page.status, 409);
    assert_eq!(cloud.sql::<String>("select body from texts").await, "First {{code}}");
    two.submits(CODE, &[]).await.sees("Saved");
    assert_eq!(cloud.sql::<String>("select body from texts").await, "Second {{code}}");
    // The same again is no change.
    two.opens(CODE).await.submits(CODE, &[]).await;
    assert_eq!(cloud.sql::<i64>("select count(*) from history where what = 'texts'").await, 2);

    one.opens("/console/history?of=texts")
        .await
        .sees("Code to prove who one is · English Mail")
        .sees("First {{code}}")
        .sees("Second {{code}}");
    let ids: Vec<Uuid> = sqlx::query_scalar("select change_id from history order by change_id").fetch_all(&cloud.app.db).await.unwrap();
    let undo = |id: Uuid| format!("/console/history/{id}/undo");
    one.submits(&undo(ids[1]), &[]).await.sees("Second {{code}}").sees("First {{code}}");
    assert_eq!(cloud.sql::<String>("select body from texts").await, "Second {{code}}", "shown, not saved");
    one.submits(&undo(ids[1]), &[]).await.is_at(CODE).sees("Saved");
    assert_eq!(cloud.sql::<String>("select body from texts").await, "First {{code}}");
    one.opens("/console/history?of=texts").await.submits(&undo(ids[0]), &[]).await.sees("Our words");
    // Overtaken meanwhile: it says so, and goes nowhere.
    two.opens(CODE).await.submits(CODE, &[("body", "Third {{code}}")]).await;
    one.submits(&undo(ids[0]), &[]).await.sees("Somebody else has changed this");
    assert_eq!((one.page.status, cloud.sql::<String>("select body from texts").await), (409, "Third {{code}}".to_owned()));
    one.opens("/console/history?of=texts").await.submits(&undo(ids[0]), &[]).await.submits(&undo(ids[0]), &[]).await;
    assert_eq!(cloud.sql::<i64>("select count(*) from texts").await, 0);
    // Another organisation's is nobody's here.
    let there = Cloud::start().await;
    let mut stranger = there.operator(Role::Owner).await;
    assert_eq!(stranger.posts_form(&undo(ids[0]), "").await, 404);
}

#[tokio::test]
async fn a_text_that_cannot_be_used_keeps_no_code_back_and_ours_that_changed_tells() {
    let (cloud, _agent) = Cloud::with_people(&["alice"]).await;
    let which = Which { matter: Matter::Code, channel: Channel::Email, language: Language::English };
    let insert = "insert into texts (tenant_id, matter, channel, language, subject, body, ours, changed_at) values ($1, 'code', 'email', 'en', 'x', $2, '', now())";
    sqlx::query(insert).bind(cloud.tenant.scope.id()).bind("forged without a code").execute(&cloud.app.db).await.unwrap();
    Person::at(&cloud).asks_for_a_code("alice").await;
    let sent = mail_to(&cloud, "alice", 0).await;
    assert!(sent.text.contains("Somebody, hopefully you") && code_in(&sent.text).len() == 6, "{}", sent.text);
    let mut boss = cloud.operator(Role::Owner).await;
    boss.opens("/console/texts").await.sees("Cannot be used any more; ours are sent");
    boss.opens(&format!("{CODE}/preview")).await;
    assert!(previewed(&boss.page.body).0.contains("Somebody, hopefully you"), "as it is sent");
    sqlx::query("update texts set body = 'Mine {{code}}'").execute(&cloud.app.db).await.unwrap();
    boss.opens("/console/texts").await.sees("ours have changed since");
    boss.opens(CODE).await.sees("Our words have changed since you wrote yours").sees("Somebody, hopefully you");
    boss.submits(CODE, &[]).await;
    assert!(!boss.opens(CODE).await.page.text().contains("have changed since"), "seen is seen");
    let mut conn = cloud.app.db.acquire().await.unwrap();
    assert!(!texts::one(&mut conn, &cloud.tenant.scope, which).await.unwrap().unwrap().behind);
    // Whatever wrote it: a subject is one line.
    assert!(sqlx::query("update texts set subject = E'a\\nBcc: x'").execute(&cloud.app.db).await.is_err());
}

#[tokio::test]
async fn what_became_dearer_than_it_may_goes_in_our_words() {
    let (cloud, _agent) = Cloud::with_people(&["alice"]).await;
    let sms = "/console/texts/help_desk/sms/en";
    let mut boss = cloud.operator(Role::Owner).await;
    let words = format!("{} {}", "{{organisation}}".repeat(6), "x".repeat(220));
    boss.opens(sms).await.submits(sms, &[("body", &words)]).await.sees("Saved");
    sqlx::query("update tenants set name = $1").bind("y".repeat(60)).execute(&cloud.app.db).await.unwrap();
    cloud.hears().await;
    tells(&cloud, "alice").await;
    let text = cloud.inbox.wait_for(&somebody("alice").mobile.unwrap(), 0).await.unwrap().text;
    assert!(text.contains("help desk gave out a code") && texts::size(&text).messages <= 2, "{text}");
    boss.opens("/console/texts").await.sees("Cannot be used any more; ours are sent");
}

#[tokio::test]
async fn samples_are_few_and_a_preview_is_shut_off() {
    let cloud = Cloud::start().await;
    let mut boss = cloud.operator(Role::Administrator).await;
    for _ in 0..10 {
        boss.opens(CODE).await;
        presses(&mut boss, CODE, "sample", &[]).await;
        assert_eq!(boss.page.status, 200);
    }
    presses(&mut boss, CODE, "sample", &[("subject", "typed")]).await;
    boss.sees("You have had many samples");
    assert!(boss.page.status == 429 && boss.page.form(CODE).unwrap().fields.contains(&("subject".into(), "typed".into())));
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where action = 'tenant.text_sample'").await, 10);
    boss.opens(SMS).await;
    presses(&mut boss, SMS, "sample", &[]).await;
    assert_eq!(boss.page.status, 404, "nobody has a number here");

    let cookie = format!("sspr_console={}", boss.browser.cookies["sspr_console"]);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for (path, framed) in [(CODE.to_owned(), false), (format!("{CODE}/preview"), true)] {
        let answer =
            client.get(format!("{}{path}", cloud.url)).header("cookie", &cookie).header("accept", "text/html").send().await.unwrap();
        assert_eq!(answer.headers().get_all("content-security-policy").iter().count(), 1);
        let csp = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert_eq!(csp.ends_with("sandbox"), framed, "{csp}");
        assert_eq!(csp.contains("frame-ancestors 'self'"), framed, "{csp}");
        assert_eq!(csp.contains("unsafe-inline"), framed, "{csp}");
        assert!(csp.starts_with("default-src 'none'"), "{csp}");
        assert_eq!(csp.contains("script-src"), !framed, "{csp}");
    }
}

#[tokio::test]
async fn a_frame_says_that_one_has_to_sign_in_again() {
    let cloud = Cloud::start().await;
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let ask = |path: &str, dest: &'static str| {
        client.get(format!("{}{path}", cloud.url)).header("accept", "text/html").header("sec-fetch-dest", dest).send()
    };
    let preview = format!("{CODE}/preview");
    let framed = ask(&preview, "iframe").await.unwrap();
    assert_eq!(framed.status(), 403);
    let csp = framed.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(csp.contains("frame-ancestors 'self'") && csp.ends_with("sandbox"), "{csp}");
    assert!(framed.text().await.unwrap().contains("Please sign in again in another tab"));
    // A tab goes there, and no other page stands in a frame.
    for (path, dest) in [(&*preview, "document"), (CODE, "iframe")] {
        let answer = ask(path, dest).await.unwrap();
        assert_eq!((answer.status().as_u16(), &answer.headers()["x-frame-options"]), (303, &"DENY".parse().unwrap()), "{path} {dest}");
    }
    // Whose role does not reach is told so as everywhere.
    let auditor = cloud.operator(Role::Auditor).await;
    let cookie = format!("sspr_console={}", auditor.browser.cookies["sspr_console"]);
    let answer = client.get(format!("{}{preview}", cloud.url)).header("accept", "text/html").header("sec-fetch-dest", "iframe");
    assert_eq!(answer.header("cookie", cookie).send().await.unwrap().headers()["x-frame-options"], "DENY");
}
