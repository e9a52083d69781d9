//! Jobs that are born leased to an agent that waits, and what becomes of them when it does not get them.

use serde_json::Value;
use sspr::{
    domain::{
        audit::Source,
        fleet, resets,
        tenants::{self, Tenant},
    },
    lab::browser::Browser,
    wire::{
        jws,
        message::{Leased, SignedResult, SignedResults, Told},
        outcome::Code,
    },
};

use crate::support::{
    Cloud, HandAgent, Person,
    agent::{code_of, somebody},
};

async fn cloud() -> (Cloud, HandAgent, Person) {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![somebody("alice"), somebody("bob")]).await;
    let mut alice = Person::at(&cloud);
    alice.proves(&cloud, "alice").await;
    (cloud, agent, alice)
}

async fn tenant_of(cloud: &Cloud, agent: &HandAgent) -> Tenant {
    let mut conn = cloud.app.db.acquire().await.unwrap();
    let found = fleet::agent(&mut conn, agent.id).await.unwrap().unwrap();
    tenants::by_id(&mut conn, &cloud.app.ring, found.tenant_id).await.unwrap()
}

async fn lines(cloud: &Cloud) -> Vec<String> {
    let query = "select action || ' ' || outcome from audit_events where job_id in (select job_id from jobs where kind = 'reset') order by event_id";
    sqlx::query_scalar(query).fetch_all(&cloud.app.db).await.unwrap()
}

#[tokio::test]
async fn a_job_is_born_leased_to_the_agent_that_waits() {
    let (cloud, mut agent, mut alice) = cloud().await;
    let job = alice.seals("Correct-Horse-7").await;
    let app = cloud.app.clone();
    let (jobs, status) = tokio::join!(agent.lease(20), async {
        while app.polls.waiting() == 0 {
            tokio::task::yield_now().await;
        }
        alice.posts(&job).await.0
    });
    assert_eq!((status, jobs.len(), jobs[0].attempt), (202, 1, 1));
    assert_eq!(agent.open(&jobs[0]).unwrap(), "Correct-Horse-7");
    assert_eq!(lines(&cloud).await, ["reset.ticket given", "reset.submit accepted", "reset.lease leased"]);
    assert_eq!(
        cloud.sql::<i64>("select count(*) from jobs where kind = 'reset' and state = 'leased' and leased_at = submitted_at").await,
        1,
        "in one breath"
    );
    assert!(agent.lease(0).await.is_empty(), "one holder at a time");
    agent.ends(&jobs[0], Code::Applied).await;
    assert_eq!(alice.is_told().await["state"], "applied");
}

#[tokio::test]
async fn a_job_whose_agent_hangs_up_in_that_moment_goes_to_another_untouched() {
    let (cloud, mut agent, mut alice) = cloud().await;
    let job = alice.seals("Correct-Horse-7").await;
    let found = fleet::agent(&mut cloud.app.db.acquire().await.unwrap(), agent.id).await.unwrap().unwrap();
    let seat = cloud.app.polls.sit(&found, 1);
    // The submit takes the agent's hand, then waits for us.
    let mut tx = cloud.app.begin().await.unwrap();
    sqlx::query("select 1 from job_heads for update").execute(&mut *tx).await.unwrap();
    let hang_up = async {
        cloud.until("select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()", 1).await;
        assert_eq!(cloud.app.polls.waiting(), 0, "its hand is taken");
        drop(seat);
        tx.commit().await.unwrap();
    };
    let ((status, _), ()) = tokio::join!(alice.posts(&job), hang_up);
    assert_eq!(status, 202);
    cloud.until("select count(*) from jobs where kind = 'reset' and state = 'submitted' and attempts = 0 and lease is null", 1).await;
    assert_eq!(lines(&cloud).await[1..], ["reset.submit accepted", "reset.lease leased", "reset.lease not_delivered"]);
    let jobs = agent.lease(5).await;
    assert_eq!((jobs.len(), jobs[0].attempt), (1, 1), "nobody ever had it");
    agent.ends(&jobs[0], Code::Applied).await;
    assert_eq!(alice.is_told().await["state"], "applied");
}

#[tokio::test]
async fn a_ticket_waits_for_the_submit_that_uses_the_last_one() {
    let (cloud, _agent, mut alice) = cloud().await;
    let job = alice.seals("Correct-Horse-7").await;
    let mut other_tab = Browser::new(&cloud.url).unwrap();
    other_tab.cookies = alice.browser.cookies.clone();
    // Both meet at the person's head, the submit first.
    let mut tx = cloud.app.begin().await.unwrap();
    sqlx::query("select 1 from job_heads for update").execute(&mut *tx).await.unwrap();
    let waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
    let ticket = async {
        cloud.until(waiting, 1).await;
        other_tab.post_json("/reset/ticket", &serde_json::json!({})).await.unwrap().0
    };
    let release = async {
        cloud.until(waiting, 2).await;
        tx.commit().await.unwrap();
    };
    let ((posted, _), ticket, ()) = tokio::join!(alice.posts(&job), ticket, release);
    assert_eq!((posted, ticket), (202, 403), "a password is on its way: no other may be");
    assert_eq!(alice.status().await["state"], "submitted");
}

#[tokio::test]
async fn an_agent_that_waits_but_does_not_see_its_directory_is_handed_nothing() {
    let (cloud, mut blind, mut alice) = cloud().await;
    let mut seeing = cloud.agent().await;
    let job = alice.seals("Correct-Horse-7").await;
    blind.beat(false).await;
    let found = fleet::agent(&mut cloud.app.db.acquire().await.unwrap(), blind.id).await.unwrap().unwrap();
    let _seat = cloud.app.polls.sit(&found, 1);
    assert_eq!(alice.posts(&job).await.0, 202);
    assert_eq!(cloud.sql::<i64>("select count(*) from jobs where kind = 'reset' and state = 'submitted' and attempts = 0").await, 1);
    let jobs = seeing.lease(5).await;
    assert_eq!((jobs.len(), jobs[0].attempt), (1, 1));
}

#[tokio::test]
async fn a_revoked_agents_jobs_go_to_another_at_once_and_its_word_counts_no_more() {
    let (cloud, mut bad, mut alice) = cloud().await;
    let mut good = cloud.agent().await;
    alice.sets("Correct-Horse-7").await;
    let held = bad.lease(5).await.remove(0);
    let tenant = tenant_of(&cloud, &bad).await;
    let mut tx = cloud.app.begin().await.unwrap();
    let by = Source::house("cli");
    assert!(fleet::revoke(&mut tx, &tenant.scope, &cloud.clock, &by, bad.id).await.unwrap());
    assert_eq!(resets::withdraw(&mut tx, &tenant.scope, &cloud.clock, &by, bad.id).await.unwrap(), [held.ticket.job]);
    tx.commit().await.unwrap();
    let again = good.lease(0).await.remove(0);
    assert_eq!((again.ticket.job, again.attempt), (held.ticket.job, 2), "it may have been applied: ask the directory first");
    assert_eq!(code_of(bad.ends(&held, Code::Applied).await).await, (403, "agent_revoked".into()));
    good.ends(&again, Code::Applied).await;
    assert_eq!(alice.is_told().await["state"], "applied");
    assert!(lines(&cloud).await.contains(&"reset.lease withdrawn".to_owned()));
}

#[tokio::test]
async fn a_result_is_answered_with_the_next_job() {
    let (cloud, mut agent, mut alice) = cloud().await;
    let mut bob = Person::at(&cloud);
    bob.proves(&cloud, "bob").await;
    alice.sets("Correct-Horse-7").await;
    let first = agent.lease(5).await.remove(0);
    bob.sets("Correct-Horse-8").await;
    let tell = |agent: &HandAgent, result| SignedResult {
        jws: jws::sign(&agent.identity, jws::RESULT, Some(&agent.id.to_string()), false, &result),
    };
    let body = tell(&agent, agent.result_of(&first, Code::Applied));
    let answer = agent.post(&format!("/agent/v1/jobs/{}/result?max=5", first.ticket.job), &body).await;
    assert_eq!(answer.status(), 200);
    let next = answer.json::<Leased>().await.unwrap().jobs.remove(0);
    assert_eq!(agent.open(&next).unwrap(), "Correct-Horse-8");
    // Several at once: each is answered for itself.
    let mut other = agent.result_of(&first, Code::Applied);
    other.code = Code::Gone;
    let results = [other, agent.result_of(&next, Code::Applied)].map(|result| tell(&agent, result).jws);
    let answer = agent.post("/agent/v1/results?max=5", &SignedResults { results: results.into() }).await;
    let told = answer.json::<Told>().await.unwrap();
    assert_eq!((told.refused, told.jobs.len()), (vec![Some("contradicts".to_owned()), None], 0));
    assert_eq!((alice.is_told().await["state"].clone(), bob.is_told().await["state"].clone()), ("applied".into(), "applied".into()));
}

#[tokio::test]
async fn proofs_made_before_a_crash_of_the_database_are_refused() {
    let (cloud, mut agent, _) = cloud().await;
    assert!(agent.lease(0).await.is_empty());
    let (token, path, body) = (agent.token().await, "/agent/v1/lease", br#"{"max":1}"#);
    let captured = agent.proof(path, body, Some(&token));
    let send = async |agent: &HandAgent, proof: &str| {
        let answer = agent.send_with(path, body, "application/json", Some(&token), proof).await;
        let status = answer.status().as_u16();
        (status, answer.json::<Value>().await.map_or_else(|_| String::new(), |body| body["code"].as_str().unwrap_or_default().to_owned()))
    };
    assert_eq!(send(&agent, &captured).await, (204, String::new()));
    assert_eq!(send(&agent, &captured).await, (401, "replayed_proof".into()));
    // What a crash does to an unlogged table.
    sqlx::query("truncate used_proofs").execute(&cloud.app.db).await.unwrap();
    assert_eq!(send(&agent, &captured).await, (503, "try_again".into()));
    assert_eq!(send(&agent, &captured).await, (401, "replayed_proof".into()));
    // A moment later agents go on, and the old request still counts for nothing.
    cloud.clock.advance(3);
    let fresh = agent.proof(path, body, Some(&token));
    assert_eq!(send(&agent, &fresh).await, (204, String::new()));
    assert_eq!(send(&agent, &captured).await, (401, "replayed_proof".into()));
}
