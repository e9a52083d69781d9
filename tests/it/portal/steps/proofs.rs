//! Every method, as the first of two proofs and as the second; names that nobody has; and what changes while somebody is on the way.

use serde_json::{Value, json};
use sspr::domain::policies::{Draft, Method};
use time::Duration;

use super::{Step, everything, tries_all_else};
use crate::support::{
    Cloud, HandAgent, Person,
    agent::somebody,
    authenticator::{Passkey, app_shows},
    person::code_to,
};

const CHOOSING: &[(&str, &str)] = &[("/reset/method", "/reset/method")];

/// Alice, who has one of everything, where two proofs are asked of everybody.
struct Alice {
    cloud: Cloud,
    agent: HandAgent,
    passkey: Passkey,
    secret: String,
    codes: Vec<String>,
    /// A good job of somebody else's.
    foreign: Value,
}

impl Alice {
    async fn new() -> Self {
        let (cloud, agent) = Cloud::with_people(&["alice", "bob", "carol"]).await;
        let mut carol = Person::at(&cloud);
        carol.proves(&cloud, "carol").await;
        let foreign = carol.seals("Correct-Horse-7").await;
        cloud.policy(|terms| Draft { methods: Method::ALL.into(), gates: 2, apart: true, rises: false, ..terms }).await;
        let mut passkey = Passkey::new();
        cloud.registers_passkey("alice", &mut passkey).await;
        let (secret, codes) = (cloud.registers_app("alice", Duration::ZERO).await, cloud.makes_codes("alice").await);
        Self { cloud, agent, passkey, secret, codes, foreign }
    }

    /// Time goes on far enough for all that may not be asked for twice in a row.
    async fn later(&mut self) {
        self.cloud.clock.advance(90);
        self.agent.beat(true).await;
        sqlx::query("delete from limits").execute(&self.cloud.app.db).await.unwrap();
    }

    async fn tries(&self, person: &mut Person, what: &str, step: Step<'_>) {
        tries_all_else(&self.cloud, person, what, step, &self.foreign).await;
    }

    /// Choose it, try all that is not part of it, and prove it.
    async fn proves(&mut self, person: &mut Person, what: &str, method: Method) {
        let (code, message) = (["/reset/method", "/reset/code"], ["/reset/method", "/reset/code", "/reset/code/resend"]);
        let passkey = ["/reset/method", "/reset/passkey", "/reset/passkey/challenge"];
        let address = match method {
            Method::Sms => somebody("alice").mobile.unwrap(),
            _ => somebody("alice").mail.unwrap(),
        };
        let seen = self.cloud.inbox.count(&address);
        person.submits("/reset/method", &[("method", method.as_str())]).await;
        let (own, lawful): (_, &[&str]) = match method {
            Method::Passkey => ("/reset/passkey", &passkey),
            Method::Email | Method::Sms => ("/reset/code", &message),
            _ => ("/reset/code", &code),
        };
        person.is_at(own);
        let number = person.page.text();
        // Sent by now: it would change what is compared.
        let sent = match method {
            Method::Email | Method::Sms => Some(code_to(&self.cloud, &address, seen).await),
            _ => None,
        };
        self.tries(person, &format!("{what}, {}", method.as_str()), Step { own, pages: CHOOSING, lawful }).await;
        let typed = match method {
            Method::Email | Method::Sms => sent.unwrap(),
            Method::Totp => app_shows(&self.secret, self.cloud.clock.seconds()),
            Method::RecoveryCode => self.codes.pop().unwrap(),
            Method::HelpDesk => {
                let (_, number) = number.split_once("Your number").expect("a number");
                let number: String = number.split_whitespace().take(2).collect();
                self.cloud.administers(&["help-desk", "code", "--user", "alice", "--number", &number, "--operator", "Hugo Help"])
            }
            Method::Passkey => {
                let (status, options) = person.browser.post_json("/reset/passkey/challenge", &json!({})).await.unwrap();
                assert_eq!(status, 200, "{options}");
                let answer = self.passkey.signs(&options, &self.cloud.url).to_string();
                person.opens("/reset/passkey").await.submits("/reset/passkey", &[("answer", &answer)]).await;
                return;
            }
            Method::PrivateEmail => unreachable!("she has none"),
        };
        person.opens("/reset/code").await.submits("/reset/code", &[("code", typed.trim())]).await;
    }
}

#[tokio::test]
async fn no_method_opens_what_is_not_its_own_whether_first_or_second() {
    let mut alice = Alice::new().await;
    for (first, second) in [
        (Method::Email, Method::Passkey),
        (Method::Passkey, Method::Email),
        (Method::Totp, Method::RecoveryCode),
        (Method::RecoveryCode, Method::Totp),
        (Method::Sms, Method::HelpDesk),
        (Method::HelpDesk, Method::Sms),
    ] {
        alice.later().await;
        let what = format!("{} and {}", first.as_str(), second.as_str());
        let mut person = Person::at(&alice.cloud);
        person.opens("/").await.submits("/reset", &[("name", "alice")]).await.is_at("/reset/method");
        alice.proves(&mut person, &what, first).await;
        person.is_at("/reset/method").sees("proof 2 of 2");
        let step = Step { own: "/reset/method", lawful: &["/reset/method"], ..Step::default() };
        alice.tries(&mut person, &format!("{what}, one of two"), step).await;
        // Nor is it good for both.
        let before = everything(&alice.cloud).await;
        assert_eq!(person.posts_form("/reset/method", &format!("method={}", first.as_str())).await, 422, "{what}");
        assert_eq!(everything(&alice.cloud).await, before, "{what}");
        person.opens("/reset/method").await;
        alice.proves(&mut person, &what, second).await;
        person.is_at("/reset/password");
        alice.agent.lease(0).await;
        let step = Step { own: "/reset/password", lawful: &["/reset/ticket"], ..Step::default() };
        alice.tries(&mut person, &format!("{what}, proven"), step).await;
    }
}

#[tokio::test]
async fn a_name_that_nobody_has_opens_nothing() {
    let mut alice = Alice::new().await;
    alice.cloud.policy(|terms| Draft { gates: 1, ..terms }).await;
    for (purpose, first) in [("/reset", "/"), ("/change", "/change"), ("/account/sign-in", "/account/sign-in")] {
        alice.later().await;
        let mut nobody = Person::at(&alice.cloud);
        nobody.opens(first).await.submits(purpose, &[("name", "nobody")]).await.is_at("/reset/method");
        let step = Step { own: "/reset/method", lawful: &["/reset/method"], ..Step::default() };
        alice.tries(&mut nobody, &format!("{purpose}, nobody's method"), step).await;
        let offered: Vec<String> = nobody
            .opens("/reset/method")
            .await
            .page
            .form("/reset/method")
            .unwrap()
            .choices("method")
            .iter()
            .map(ToString::to_string)
            .collect();
        for method in offered {
            let what = format!("{purpose}, nobody's {method}");
            alice.later().await;
            nobody.opens("/reset/method").await.submits("/reset/method", &[("method", &method)]).await;
            let (own, lawful): (_, &[&str]) = match method.as_str() {
                "passkey" => ("/reset/passkey", &["/reset/method", "/reset/passkey", "/reset/passkey/challenge"]),
                "email" | "sms" | "private_email" => ("/reset/code", &["/reset/method", "/reset/code", "/reset/code/resend"]),
                _ => ("/reset/code", &["/reset/method", "/reset/code"]),
            };
            alice.tries(&mut nobody, &what, Step { own, pages: CHOOSING, lawful }).await;
        }
    }
    assert_eq!(alice.cloud.sql::<i64>("select count(*) from flows where user_id is null and state <> 'proving'").await, 0);
}

#[tokio::test]
async fn whoever_is_frozen_or_asked_for_more_gets_no_further_than_before() {
    let mut alice = Alice::new().await;
    alice.cloud.policy(|terms| Draft { gates: 1, ..terms }).await;
    let (mut proven, mut typing) = (Person::at(&alice.cloud), Person::at(&alice.cloud));
    proven.proves(&alice.cloud, "alice").await;
    alice.later().await;
    typing.asks_for_a_code("alice").await;
    let code = alice.cloud.newest_code().await;
    alice.agent.lease(0).await;
    let tenant = alice.cloud.tenant.scope.id().to_string();

    // Two proofs are asked for now: one was shown.
    alice.cloud.policy(|terms| Draft { gates: 2, ..terms }).await;
    alice.tries(&mut proven, "asked for more", Step { own: "/reset/password", ..Step::default() }).await;
    alice.cloud.policy(|terms| Draft { gates: 1, ..terms }).await;

    alice.cloud.administers(&["user", "freeze", "--tenant", &tenant, "alice"]);
    alice.tries(&mut proven, "frozen, proven", Step { own: "/reset/ended", ..Step::default() }).await;
    // Whoever has proven nothing learns nothing of it.
    let lawful = ["/reset/method", "/reset/code", "/reset/code/resend"];
    alice.tries(&mut typing, "frozen, code", Step { own: "/reset/code", pages: CHOOSING, lawful: &lawful }).await;
    typing.opens("/reset/code").await.submits("/reset/code", &[("code", &code)]).await.is_at("/reset/ended");
    alice.tries(&mut typing, "frozen, after its code", Step { own: "/reset/ended", ..Step::default() }).await;
    // What was begun before the freeze leads nowhere after it.
    alice.cloud.administers(&["user", "unfreeze", "--tenant", &tenant, "alice"]);
    for person in [&mut proven, &mut typing] {
        alice.tries(person, "lifted", Step { own: "/reset/ended", ..Step::default() }).await;
    }
}
