//! Changing a password that one knows: by a method first, and the directory compares the old one.

use sspr::wire::{
    message::AccountState,
    outcome::Code,
    seal,
    ticket::{Kind, Ticket},
};

use crate::support::{
    Cloud, Person,
    agent::somebody,
    person::{seal_both, seal_for},
};

/// At the page of a change, proven.
async fn at_the_page(cloud: &Cloud) -> Person {
    let mut alice = Person::at(cloud);
    alice.proves_from(cloud, "/change", "alice").await.is_at("/change/password");
    alice
}

/// Ask for a ticket, seal both and hand it in.
async fn changes(alice: &mut Person, old: &str, new: &str) {
    let (status, answer) = alice.ticket().await;
    assert_eq!(status, 200, "{answer}");
    let (status, answer) = alice.posts(&seal_both(&answer, new, old)).await;
    assert_eq!(status, 202, "{answer}");
}

#[tokio::test]
async fn the_old_password_goes_to_the_directory_with_the_new_one() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    cloud.gates(2).await;
    // One proof, whatever a reset takes: the current password is the other.
    let mut alice = at_the_page(&cloud).await;
    alice.sees("Current password").sees("New password").sees("At least 8 characters");
    changes(&mut alice, "Old-Horse-6", "Correct-Horse-7").await;
    let job = agent.lease(5).await.remove(0);
    assert_eq!((job.ticket.kind, job.ticket.user), (Kind::Change, somebody("alice").guid));
    let secrets = seal::open(job.envelope.as_ref().unwrap(), &job.ticket, &agent.sealing.private).unwrap();
    assert_eq!((secrets.new.as_str(), secrets.old.as_str()), ("Correct-Horse-7", "Old-Horse-6"));
    agent.ends(&job, Code::Applied).await;
    assert_eq!(alice.is_told().await["next"], "/reset/done");
    alice.opens("/reset").await.is_at("/reset/done").sees("Your password is changed");
    assert_eq!(
        cloud.sql::<i64>("select count(*) from limits where kind = 'password_try' and used > 0").await,
        0,
        "her own slips are forgotten"
    );
    let notice = cloud.inbox.wait_for("alice@mail.example", 1).await.unwrap();
    assert!(notice.subject.contains("password"), "{}", notice.subject);
}

#[tokio::test]
async fn three_wrong_passwords_are_the_last_ones_in_every_journey_of_an_account() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    let mut alice = at_the_page(&cloud).await;
    for _ in 0..3 {
        changes(&mut alice, "Wrong-Horse-6", "Correct-Horse-7").await;
        agent.work(Code::WrongPassword).await;
        assert_eq!(alice.is_told().await["next"], "/change/password");
        alice.opens("/reset").await.is_at("/change/password").sees("This is not your current password");
    }
    alice.sees("no more tries").sees("30 minutes");
    let (status, answer) = alice.ticket().await;
    assert_eq!((status, answer["code"].as_str()), (429, Some("too_many_passwords")));
    // Nor in another window, nor by signing in, though these prove anew.
    let mut other = at_the_page(&cloud).await;
    assert_eq!(other.ticket().await.0, 429);
    let mut third = Person::at(&cloud);
    third.proves_from(&cloud, "/account/sign-in", "alice").await.is_at("/account/password").sees("no more tries");
    assert_eq!(third.ticket().await.0, 429);
    assert_eq!(
        cloud.sql::<i64>("select count(*) from jobs where kind in ('change', 'verify')").await,
        3,
        "three and no more reach the directory"
    );
    assert!(cloud.sql::<i64>("select count(*) from audit_events where action = 'reset.password_try' and outcome = 'limit'").await >= 3);
    // A reset needs no old password: nobody is locked out of it by that.
    let mut reset = Person::at(&cloud);
    reset.proves_from(&cloud, "/", "alice").await.is_at("/reset/password");
    assert_eq!(reset.ticket().await.0, 200);
}

#[tokio::test]
async fn only_wrong_passwords_are_counted() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    let mut alice = at_the_page(&cloud).await;
    // Tickets that were not used.
    for _ in 0..5 {
        assert_eq!(alice.ticket().await.0, 200);
    }
    // The old one was right, the new one was not to the directory's liking.
    for code in [Code::PolicyHistory, Code::PolicyOther, Code::PolicyLength, Code::PolicyHistory, Code::PolicyComplexity] {
        changes(&mut alice, "Old-Horse-6", "Correct-Horse-7").await;
        agent.work(code).await;
        assert_eq!(alice.is_told().await["next"], "/change/password");
    }
    // Nobody was there to compare it.
    for _ in 0..4 {
        let mut alice = at_the_page(&cloud).await;
        changes(&mut alice, "Old-Horse-6", "Correct-Horse-7").await;
        cloud.clock.advance(130);
        sspr::worker::sweep(&cloud.app).await.unwrap();
        agent.beat(true).await;
        sqlx::query("delete from limits where kind <> 'password_try'").execute(&cloud.app.db).await.unwrap();
    }
    assert_eq!(
        cloud.sql::<i64>("select count(*) from jobs where state = 'expired' and kind = 'change' and submitted_at is not null").await,
        4
    );
    let mut alice = at_the_page(&cloud).await;
    // What pays nothing buys nothing either: a wrong one between them counts as ever.
    for code in [Code::WrongPassword, Code::PolicyHistory, Code::WrongPassword, Code::PolicyHistory, Code::WrongPassword] {
        changes(&mut alice, "Old-Horse-6", "Correct-Horse-7").await;
        agent.work(code).await;
    }
    assert_eq!(alice.ticket().await.0, 429);
    // Sixty guesses at once are three.
    sqlx::query("delete from limits").execute(&cloud.app.db).await.unwrap();
    let mut flows = Vec::new();
    for _ in 0..4 {
        sqlx::query("delete from limits").execute(&cloud.app.db).await.unwrap();
        flows.push(at_the_page(&cloud).await);
    }
    sqlx::query("delete from limits").execute(&cloud.app.db).await.unwrap();
    let mut given = 0;
    for flow in &mut flows {
        given += i32::from(flow.ticket().await.0 == 200);
    }
    assert_eq!(given, 3);
}

#[tokio::test]
async fn nobody_gets_a_reset_by_way_of_a_change() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    let mut alice = at_the_page(&cloud).await;
    alice.opens("/reset/password").await.is_at("/change/password");
    alice.opens("/account/password").await.is_at("/change/password");
    let (_, answer) = alice.ticket().await;
    assert_eq!(answer["ticket"]["kind"], "change");
    // Sealed without the old one, it is still a change: the directory will refuse it.
    let ticket: Ticket = serde_json::from_value(answer["ticket"].clone()).unwrap();
    let job = seal_for(&answer, "Correct-Horse-7");
    assert_eq!(alice.browser.post_json("/account/jobs", &job).await.unwrap().0, 409, "another purpose's door");
    // A ticket of another kind in the same flow, as if somebody had made one, is not taken.
    sqlx::query("update jobs set kind = 'reset' where job_id = $1").bind(ticket.job).execute(&cloud.app.db).await.unwrap();
    assert_eq!(alice.posts(&job).await.1["code"], "no_ticket");
    sqlx::query("update jobs set kind = 'change' where job_id = $1").bind(ticket.job).execute(&cloud.app.db).await.unwrap();
    assert_eq!(alice.posts(&job).await.0, 202);
    assert_eq!(agent.lease(5).await.remove(0).ticket.kind, Kind::Change);
}

#[tokio::test]
async fn what_the_directory_says_of_the_account_bars_a_change_in_its_own_way() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    let be = AccountState::default;
    for (account, page, words) in [
        (AccountState { may_reset: Some(false), ..be() }, "/change/password", "Current password"),
        (AccountState { must_change: true, allowed_at: Some(4_000_000_000), ..be() }, "/change/password", "Current password"),
        (AccountState { locked: true, ..be() }, "/reset/ended", "Your account is locked"),
        (AccountState { allowed_at: Some(4_000_000_000), ..be() }, "/reset/ended", "2096"),
        (AccountState { disabled: true, ..be() }, "/reset/ended", "switched off"),
    ] {
        sqlx::query("delete from limits").execute(&cloud.app.db).await.unwrap();
        agent.beat(true).await;
        let (agent, mut alice) = (&mut agent, Person::at(&cloud));
        tokio::join!(
            async {
                let job = agent.lease_any(20).await.remove(0);
                agent.says(&job, account).await;
            },
            async {
                alice.proves_from(&cloud, "/change", "alice").await;
            }
        );
        alice.is_at(page).sees(words);
    }
}

#[tokio::test]
async fn accounts_that_follow_get_the_new_password_and_never_the_old_one() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    let labor = cloud.linked_connector("Labor").await;
    let mut other = cloud.agent_of(labor).await;
    other.mirror(vec![somebody("alice")]).await;
    let mut alice = at_the_page(&cloud).await;
    alice.sees("It is set in Labor as well");
    let (_, answer) = alice.ticket().await;
    assert_eq!((&answer["ticket"]["kind"], &answer["linked"][0]["ticket"]["kind"]), (&"change".into(), &"reset".into()));
    let mut job = seal_both(&answer, "Correct-Horse-7", "Old-Horse-6");
    job["linked"] = serde_json::json!([seal_for(&answer["linked"][0], "Correct-Horse-7")]);
    assert_eq!(alice.posts(&job).await.0, 202);
    assert_eq!(agent.work(Code::Applied).await.ticket.kind, Kind::Change);
    let follower = other.lease(5).await.remove(0);
    let secrets = seal::open(follower.envelope.as_ref().unwrap(), &follower.ticket, &other.sealing.private).unwrap();
    assert_eq!((follower.ticket.kind, secrets.new.as_str(), secrets.old.as_str()), (Kind::Reset, "Correct-Horse-7", ""));
    other.ends(&follower, Code::PolicyHistory).await;
    assert_eq!(alice.is_told().await["next"], "/reset/done");
    // For that one alone another is chosen, without the old one.
    alice.opens("/reset").await.is_at("/reset/done");
    alice.submits("/reset/elsewhere", &[]).await;
    alice.is_at("/reset/password").sees("for Labor alone");
    assert_eq!(alice.ticket().await.1["ticket"]["kind"], "reset");
}
