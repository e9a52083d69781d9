//! One proof by mail: from the name to every end that a job can have, for each of the three purposes.

use serde_json::Value;
use sspr::wire::outcome::Code;

use super::{Step, tries_all_else};
use crate::support::{
    Cloud, Person,
    agent::somebody,
    person::{code_to, seal_both},
};

#[tokio::test]
async fn at_every_step_of_every_purpose_nothing_else_is_possible() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![somebody("alice"), somebody("bob"), somebody("carol")]).await;
    // A job of somebody else's, good in itself.
    let mut carol = Person::at(&cloud);
    carol.proves(&cloud, "carol").await;
    let foreign = carol.seals("Correct-Horse-7").await;
    for (purpose, first, action, page, jobs) in [
        ("reset", "/", "/reset", "/reset/password", "/reset/jobs"),
        ("change", "/change", "/change", "/change/password", "/reset/jobs"),
        ("sign_in", "/account/sign-in", "/account/sign-in", "/account/password", "/account/jobs"),
    ] {
        sqlx::query("delete from limits").execute(&cloud.app.db).await.unwrap();
        agent.beat(true).await;
        let mut alice = Person::at(&cloud);
        let at = |step: &str| format!("{purpose}, {step}");
        alice.opens(first).await.submits(action, &[("name", "alice")]).await.is_at("/reset/method");
        let step = Step { own: "/reset/method", pages: &[], lawful: &["/reset/method"] };
        tries_all_else(&cloud, &mut alice, &at("method"), step, &foreign).await;

        let seen = cloud.inbox.count("alice@mail.example");
        alice.opens("/reset").await.submits("/reset/method", &[("method", "email")]).await.is_at("/reset/code");
        let code = code_to(&cloud, "alice@mail.example", seen).await;
        let lawful = ["/reset/method", "/reset/code", "/reset/code/resend"];
        let step = Step { own: "/reset/code", pages: &[("/reset/method", "/reset/method")], lawful: &lawful };
        tries_all_else(&cloud, &mut alice, &at("code"), step, &foreign).await;

        alice.opens("/reset").await.submits("/reset/code", &[("code", &code)]).await.is_at(page);
        agent.lease(0).await;
        let step = Step { own: page, pages: &[], lawful: &["/reset/ticket"] };
        tries_all_else(&cloud, &mut alice, &at("proven"), step, &foreign).await;

        let mut job = ticket(&mut alice, purpose).await;
        let step = Step { own: page, pages: &[], lawful: &["/reset/ticket", jobs] };
        tries_all_else(&cloud, &mut alice, &at("ticket"), step, &job).await;
        // Nor by its own door what is another's.
        assert_eq!(alice.browser.post_json(jobs, &foreign).await.unwrap().1["code"], "no_ticket", "{purpose}");

        let again = if purpose == "sign_in" { Code::WrongPassword } else { Code::PolicyHistory };
        for (n, (end, own, lawful)) in
            [(again, page, "/reset/ticket"), (Code::SwitchedOff, "/reset/ended", "/reset/again")].into_iter().enumerate()
        {
            if n > 0 {
                job = ticket(&mut alice, purpose).await;
            }
            assert_eq!(alice.browser.post_json(jobs, &job).await.unwrap().0, 202, "{purpose}");
            let step = Step { own: "/reset/status", pages: &[], lawful: &[jobs] };
            tries_all_else(&cloud, &mut alice, &at("under way"), step, &job).await;
            agent.work(end).await;
            let step = Step { own, pages: &[], lawful: &[lawful] };
            tries_all_else(&cloud, &mut alice, &at(end.as_str()), step, &foreign).await;
        }
        alice.opens("/reset").await.is_at("/reset/ended");
        if purpose == "sign_in" {
            // No try that may mend it: the page has no button, and the flow begins where it was.
            sqlx::query("update flows set job_id = null where purpose = 'sign_in'").execute(&cloud.app.db).await.unwrap();
        } else {
            sqlx::query("update flows set job_id = null where user_id = (select user_id from users where sign_in_name = 'alice')")
                .execute(&cloud.app.db)
                .await
                .unwrap();
        }
        for end in if purpose == "sign_in" { vec![Code::PasswordExpired, Code::Verified] } else { vec![Code::Applied] } {
            sqlx::query("delete from limits").execute(&cloud.app.db).await.unwrap();
            job = ticket(&mut alice, purpose).await;
            assert_eq!(alice.browser.post_json(jobs, &job).await.unwrap().0, 202, "{purpose}");
            agent.work(end).await;
            let (own, lawful): (&str, &[&str]) = match end {
                Code::PasswordExpired => ("/account/enter", &["/account/renewal"]),
                Code::Verified => ("/account/enter", &["/account/sessions"]),
                _ => ("/reset/done", &[]),
            };
            tries_all_else(&cloud, &mut alice, &at(end.as_str()), Step { own, pages: &[], lawful }, &foreign).await;
            if end == Code::PasswordExpired {
                sqlx::query("update flows set job_id = null where purpose = 'sign_in'").execute(&cloud.app.db).await.unwrap();
            }
        }
    }
}

/// What this purpose would post.
async fn ticket(person: &mut Person, purpose: &str) -> Value {
    let (status, answer) = person.ticket().await;
    assert_eq!(status, 200, "{purpose}: {answer}");
    match purpose {
        "reset" => seal_both(&answer, "Correct-Horse-7", ""),
        "change" => seal_both(&answer, "Correct-Horse-7", "Old-Horse-6"),
        _ => seal_both(&answer, "", "Old-Horse-6"),
    }
}
