//! What the directory says of the account decides what is offered: a new password, an unlock, either, or neither.

use sspr::{
    base::language::Language,
    wire::{
        message::{AccountState, PasswordPolicy},
        outcome::Code,
        ticket::Kind,
    },
};

use crate::support::{Cloud, HandAgent, Person, agent::somebody, person::code_to};

async fn cloud() -> (Cloud, HandAgent) {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![somebody("alice"), somebody("bob")]).await;
    (cloud, agent)
}

pub fn unlock_is(cloud: &Cloud, state: &str) {
    cloud.administers(&["connector", "unlock", &cloud.connector.to_string(), state]);
}

/// Alice proves herself while the agent, asked how her account stands, says this.
pub async fn proves(cloud: &Cloud, agent: &mut HandAgent, account: AccountState) -> Person {
    let mut alice = Person::at(cloud);
    agent.beat(true).await;
    let seen = cloud.inbox.count("alice@mail.example");
    alice.asks_for_a_code("alice").await;
    let code = code_to(cloud, "alice@mail.example", seen).await;
    tokio::join!(
        async {
            let job = agent.lease_any(20).await.remove(0);
            assert_eq!((job.ticket.kind, job.ticket.user, job.ticket.seq), (Kind::Inspect, somebody("alice").guid, 0));
            assert!(job.envelope.is_none());
            agent.says(&job, account).await;
        },
        async {
            alice.submits("/reset/code", &[("code", &code)]).await;
        }
    );
    alice
}

pub fn locked() -> AccountState {
    AccountState { locked: true, ..AccountState::default() }
}

const FAR: i64 = 4_000_000_000;

#[tokio::test]
async fn the_password_page_shows_the_rules_of_this_very_account() {
    let (cloud, mut agent) = cloud().await;
    let policy = PasswordPolicy { min_length: 14, complexity: false, history: 24, min_age: 2 * 86_400, max_age: 0 };
    let account = AccountState { policy: Some(policy), names: true, hints: true, ..AccountState::default() };
    let alice = proves(&cloud, &mut agent, account.clone()).await;
    alice.is_at("/reset/password").sees("At least 14 characters").sees("Not one of your last 24 passwords").sees("no part of your name");
    alice.sees("2 days later");
    assert!(!alice.page.text().contains("Three of these"), "the heartbeat's policy, which is not hers: {}", alice.page.text());

    // Where the directory does not apply them to a reset, history and age are no rules.
    let alice = proves(&cloud, &mut agent, AccountState { hints: false, ..account.clone() }).await;
    assert!(!alice.is_at("/reset/password").page.text().contains("24 passwords"), "{}", alice.page.text());
    // A policy that may not be read is not guessed at.
    let alice = proves(&cloud, &mut agent, AccountState { policy: None, ..account }).await;
    assert!(!alice.is_at("/reset/password").page.text().contains("At least"), "{}", alice.page.text());
}

#[tokio::test]
async fn an_agent_that_does_not_answer_keeps_nobody_waiting() {
    let (cloud, agent) = cloud().await;
    let begun = std::time::Instant::now();
    let mut alice = Person::at(&cloud);
    alice.proves(&cloud, "alice").await.sees("At least 8 characters");
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    // Nor does it wait a second time, and the answer that comes late counts.
    drop(agent);
    alice.opens("/reset/password").await.is_at("/reset/password");
    assert_eq!(cloud.sql::<i64>("select count(*) from jobs where kind = 'inspect'").await, 1);
}

#[tokio::test]
async fn a_locked_account_may_be_unlocked_and_keeps_its_password() {
    let (cloud, mut agent) = cloud().await;
    unlock_is(&cloud, "on");
    let mut alice = proves(&cloud, &mut agent, locked()).await;
    alice.is_at("/reset/need").sees("Your account is locked");
    alice.opens("/reset/password").await.is_at("/reset/need");
    assert_eq!(alice.ticket().await.0, 403, "she has not chosen");
    alice.submits("/reset/need", &[("need", "unlock")]).await.is_at("/reset/status").sees("being unlocked");
    let job = agent.lease(5).await.remove(0);
    assert_eq!((job.ticket.kind, job.envelope.is_none(), job.attempt), (Kind::Unlock, true, 1));
    assert!(job.ticket.seq > 0, "it is an effect, in the order of all others");
    assert_eq!(agent.ends(&job, Code::Unlocked).await.status(), 204);
    let told = alice.is_told().await;
    assert_eq!((told["state"].as_str(), told["next"].as_str()), (Some("applied"), Some("/reset/done")));
    alice.opens("/reset").await.is_at("/reset/done").sees("Your account is unlocked").sees("Your password has not changed");

    let notice = cloud.inbox.wait_for("alice@mail.example", 1).await.unwrap();
    assert!(notice.subject.contains("unlocked") && notice.text.contains("has not changed"), "{}", notice.subject);
    cloud.inbox.wait_for(&somebody("alice").mobile.unwrap(), 0).await.unwrap();
    for (action, outcome) in [("reset.look", "asked"), ("reset.lease", "leased"), ("reset.result", "applied"), ("reset.unlock", "accepted")]
    {
        let query = format!("select count(*) from audit_events where action = '{action}' and outcome = '{outcome}'");
        let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(&cloud.app.db).await.unwrap();
        assert!(count > 0, "{action} {outcome}");
    }
    // What was said of her account stands with the flow's job and not in the trail.
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where detail::text like '%may_unlock%'").await, 0);

    // She does not know it after all.
    alice.submits("/reset/need", &[("need", "password")]).await.is_at("/reset/password");
    alice.sets("Correct-Horse-7").await;
    agent.work(Code::Applied).await;
    alice.opens("/reset").await.is_at("/reset/done").sees("Your password is changed");
}

#[tokio::test]
async fn a_new_password_may_be_chosen_instead() {
    let (cloud, mut agent) = cloud().await;
    unlock_is(&cloud, "on");
    let mut alice = proves(&cloud, &mut agent, locked()).await;
    alice.submits("/reset/need", &[]).await.is_at("/reset/need").sees("Please choose what you need");
    assert_eq!(alice.page.status, 422);
    alice.submits("/reset/need", &[("need", "password")]).await.is_at("/reset/password");
    alice.sets("Correct-Horse-7").await;
    assert_eq!(agent.work(Code::Applied).await.ticket.kind, Kind::Reset);
    alice.opens("/reset").await.is_at("/reset/done").sees("Your password is changed");
}

#[tokio::test]
async fn unlocking_is_offered_where_it_is_switched_on_and_would_work() {
    let (cloud, mut agent) = cloud().await;
    proves(&cloud, &mut agent, locked()).await.is_at("/reset/password");
    unlock_is(&cloud, "on");
    for account in [AccountState::default(), AccountState { may_unlock: Some(false), ..locked() }] {
        proves(&cloud, &mut agent, account).await.is_at("/reset/password");
    }
    // Switched off while she chooses.
    let mut alice = proves(&cloud, &mut agent, locked()).await;
    let form = alice.page.form("/reset/need").unwrap().set("need", "unlock").unwrap();
    unlock_is(&cloud, "off");
    alice.page = alice.browser.submit(&form).await.unwrap();
    alice.is_at("/reset/password");
    assert_eq!(cloud.sql::<i64>("select count(*) from jobs where kind = 'unlock'").await, 0);
}

#[tokio::test]
async fn a_minimum_age_is_told_before_anything_is_typed() {
    let (cloud, mut agent) = cloud().await;
    let young = AccountState { hints: true, allowed_at: Some(FAR), ..AccountState::default() };
    let mut alice = proves(&cloud, &mut agent, young.clone()).await;
    alice.is_at("/reset/ended").sees("not possible yet").sees("2096").sees("room 101");
    assert_eq!(alice.ticket().await.0, 403);
    // Locked as well: then unlocking is all there is.
    unlock_is(&cloud, "on");
    let mut alice = proves(&cloud, &mut agent, AccountState { locked: true, ..young.clone() }).await;
    alice.is_at("/reset/need").sees("2096").sees("Unlock my account");
    alice.submits("/reset/need", &[("need", "unlock")]).await.is_at("/reset/status");
    let job = agent.lease(5).await.remove(0);
    agent.ends(&job, Code::Unlocked).await;
    let page = alice.opens("/reset").await.is_at("/reset/done").page.text();
    assert!(!page.contains("after all"), "no new password is offered: {page}");
    // A directory that does not look at the age of a reset forbids nothing.
    proves(&cloud, &mut agent, AccountState { hints: false, ..young }).await.is_at("/reset/password");
}

#[tokio::test]
async fn whoever_cannot_be_helped_here_is_told_whom_to_ask() {
    let (cloud, mut agent) = cloud().await;
    let be = AccountState::default;
    for (account, code) in [
        (AccountState { protected: true, ..be() }, Code::AccountProtected),
        (AccountState { disabled: true, ..be() }, Code::AccountDisabled),
        (AccountState { account_expired: true, ..be() }, Code::AccountExpired),
        (AccountState { locked_for_good: true, locked: true, ..be() }, Code::LockedForGood),
        (AccountState { may_reset: Some(false), ..be() }, Code::NoRight),
    ] {
        let mut alice = proves(&cloud, &mut agent, account).await;
        let title = Language::English.text(&format!("outcome-{}-title", code.as_str().replace('_', "-")));
        alice.is_at("/reset/ended").sees(&title).sees("room 101");
        assert_eq!(alice.ticket().await.0, 403, "{code:?}");
    }
}

#[tokio::test]
async fn every_end_of_an_unlock_says_what_to_do_and_speaks_of_no_new_password() {
    let (cloud, mut agent) = cloud().await;
    unlock_is(&cloud, "on");
    let mut alice = proves(&cloud, &mut agent, locked()).await;
    for code in [Code::NoUnlockRight, Code::DirectoryUnreachable, Code::Interrupted, Code::LimitReached, Code::ChangedMeanwhile] {
        agent.beat(true).await;
        alice.submits("/reset/need", &[("need", "unlock")]).await.is_at("/reset/status");
        let job = agent.lease(5).await.remove(0);
        assert_eq!(agent.ends(&job, code).await.status(), 204);
        assert_eq!(alice.is_told().await["next"], "/reset/ended");
        let page = alice.opens("/reset").await.is_at("/reset/ended").sees("room 101").page.text();
        assert!(!page.contains("new password"), "{code:?}: {page}");
        // Asked anew, the directory still says that it is locked.
        sqlx::query("update flows set job_id = null where state = 'verified'").execute(&cloud.app.db).await.unwrap();
        alice.opens("/reset").await.is_at("/reset/need");
    }
    // Its time is over.
    agent.beat(true).await;
    alice.submits("/reset/need", &[("need", "unlock")]).await.is_at("/reset/status");
    cloud.clock.advance(121);
    assert_eq!(alice.is_told().await["state"], "expired");
    alice.opens("/reset").await.is_at("/reset/ended").sees("That took too long");
    agent.beat(true).await;
    let (agent, alice) = (&mut agent, &mut alice);
    tokio::join!(
        async {
            let job = agent.lease_any(20).await.remove(0);
            agent.says(&job, AccountState::default()).await;
        },
        async {
            alice.submits("/reset/again", &[]).await;
        }
    );
    // By now it is not locked any more.
    alice.is_at("/reset/password");
}

#[tokio::test]
async fn looks_stand_in_nobodys_way() {
    let (cloud, mut agent) = cloud().await;
    // Two windows: two looks at one account that nobody answers, and a job between them.
    let (mut one, mut other) = (Person::at(&cloud), Person::at(&cloud));
    one.proves(&cloud, "alice").await;
    one.sets("Correct-Horse-7").await;
    other.proves(&cloud, "alice").await;
    assert_eq!(cloud.sql::<i64>("select count(*) from active_jobs").await, 3);
    agent.account = None;
    let jobs = agent.lease_any(5).await;
    assert_eq!(jobs.iter().map(|job| job.ticket.kind).collect::<Vec<_>>(), [Kind::Inspect, Kind::Reset, Kind::Inspect]);
    agent.ends(&jobs[1], Code::Applied).await;
    assert_eq!(one.is_told().await["state"], "applied");
    cloud.clock.advance(121);
    cloud.until("select count(*) from active_jobs", 0).await;
}
