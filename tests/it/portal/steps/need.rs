//! What the directory leaves to offer: an unlock or a password, an unlock alone, nothing; and accounts that follow.

use serde_json::Value;
use sspr::wire::{message::AccountState, outcome::Code};
use uuid::Uuid;

use super::{Step, tries_all_else};
use crate::{
    portal::{
        linked,
        need::{locked, proves, unlock_is},
    },
    support::{Cloud, HandAgent, Person, agent::somebody},
};

/// A job of somebody else's, good in itself.
async fn of_another(cloud: &Cloud, agent: &mut HandAgent) -> Value {
    let mut bob = Person::at(cloud);
    bob.proves(cloud, "bob").await;
    let foreign = bob.seals("Correct-Horse-7").await;
    agent.lease(0).await;
    foreign
}

#[tokio::test]
async fn what_the_directory_does_not_offer_cannot_be_had() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    let foreign = of_another(&cloud, &mut agent).await;
    unlock_is(&cloud, "on");
    let young = AccountState { hints: true, allowed_at: Some(4_000_000_000), ..AccountState::default() };
    let either: &[&str] = &["/reset/need"];
    let (unlock_alone, nothing): (&[&str], &[&str]) = (&["/reset/need need=unlock"], &[]);

    for (what, account, lawful, after) in [
        ("locked", locked(), either, either),
        ("locked and too young", AccountState { locked: true, ..young.clone() }, unlock_alone, nothing),
    ] {
        sqlx::query("delete from limits").execute(&cloud.app.db).await.unwrap();
        let mut alice = proves(&cloud, &mut agent, account).await;
        alice.is_at("/reset/need");
        tries_all_else(&cloud, &mut alice, what, Step { own: "/reset/need", lawful, ..Step::default() }, &foreign).await;
        alice.opens("/reset/need").await.submits("/reset/need", &[("need", "unlock")]).await.is_at("/reset/status");
        let own = Step { own: "/reset/status", ..Step::default() };
        tries_all_else(&cloud, &mut alice, &format!("{what}, being unlocked"), own, &foreign).await;
        let job = agent.lease(5).await.remove(0);
        tries_all_else(&cloud, &mut alice, &format!("{what}, in hand"), Step { own: "/reset/status", ..Step::default() }, &foreign).await;
        agent.ends(&job, Code::Unlocked).await;
        let step = Step { own: "/reset/done", lawful: after, ..Step::default() };
        tries_all_else(&cloud, &mut alice, &format!("{what}, unlocked"), step, &foreign).await;
    }

    sqlx::query("delete from limits").execute(&cloud.app.db).await.unwrap();
    let mut alice = proves(&cloud, &mut agent, locked()).await;
    alice.submits("/reset/need", &[("need", "password")]).await.is_at("/reset/password");
    let step = Step { own: "/reset/password", lawful: &["/reset/ticket"], ..Step::default() };
    tries_all_else(&cloud, &mut alice, "locked, password wanted", step, &foreign).await;

    for (what, account) in [("too young", young), ("protected", AccountState { protected: true, ..AccountState::default() })] {
        sqlx::query("delete from limits").execute(&cloud.app.db).await.unwrap();
        let mut alice = proves(&cloud, &mut agent, account).await;
        alice.is_at("/reset/ended");
        let step = Step { own: "/reset/ended", lawful: &["/reset/again"], ..Step::default() };
        tries_all_else(&cloud, &mut alice, what, step, &foreign).await;
    }
}

#[tokio::test]
async fn an_account_that_follows_opens_nothing_else() {
    let (cloud, mut first, mut second) = linked::cloud().await;
    let foreign = of_another(&cloud, &mut first).await;
    let mut alice = linked::at_password(&cloud, "alice").await;
    alice.sets("Correct-Horse-7").await;
    first.work(Code::Applied).await;
    tries_all_else(&cloud, &mut alice, "the second to come", Step { own: "/reset/status", ..Step::default() }, &foreign).await;
    second.work(Code::PolicyLength).await;
    // The form's account is nobody's: it is tried as well, and aims at nothing.
    tries_all_else(&cloud, &mut alice, "set in one", Step { own: "/reset/done", ..Step::default() }, &foreign).await;
    // Nor at one's own first account, or at one that follows somebody else.
    for name in ["alice", "bob.lab"] {
        let account: Uuid =
            sqlx::query_scalar("select user_id from users where sign_in_name = $1").bind(name).fetch_one(&cloud.app.db).await.unwrap();
        assert_eq!(alice.posts_form("/reset/elsewhere", &format!("account={account}")).await, 200);
        alice.is_at("/reset/done");
    }
    assert_eq!(cloud.sql::<i64>("select count(*) from flows where aim_id is not null").await, 0);
    alice.submits("/reset/elsewhere", &[]).await.is_at("/reset/password");
    let step = Step { own: "/reset/password", lawful: &["/reset/ticket", "/reset/elsewhere/leave"], ..Step::default() };
    tries_all_else(&cloud, &mut alice, "one of its own", step, &foreign).await;
    alice.sets("Correct-Horse-and-Battery-7").await;
    tries_all_else(&cloud, &mut alice, "its own under way", Step { own: "/reset/status", ..Step::default() }, &foreign).await;
    let job = second.work(Code::Applied).await;
    assert_eq!(job.ticket.user, somebody("alice.lab").guid);
    tries_all_else(&cloud, &mut alice, "both set", Step { own: "/reset/done", ..Step::default() }, &foreign).await;
}
