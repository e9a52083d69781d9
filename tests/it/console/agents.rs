//! One agent's page: how it is, and what can be done about it.

use sspr::{
    base::id,
    domain::operators::Role,
    wire::{
        checkup::{Checkup, Found, Severity},
        keys::Identity,
        message::{CanaryRun, DirectoryHealth, Heartbeat, PasswordPolicy, ServerHealth},
        outcome::Code,
    },
};

use crate::support::{Cloud, HandAgent, Person, agent::code_of, agent::somebody};

fn of(agent: &HandAgent) -> String {
    format!("/console/agents/{}", agent.id)
}

#[tokio::test]
async fn whoever_confirms_an_agent_reads_its_own_screen() {
    let cloud = Cloud::start().await;
    let mut agent = HandAgent::enrol(&cloud).await;
    let mut admin = cloud.operator(Role::Administrator).await;
    let page = of(&agent);
    admin.opens(&page).await.sees("Waits for you to confirm it").sees("Is it yours?");
    assert!(!admin.page.body.contains(&agent.fingerprint), "what stands here would be copied from here");
    let other = HandAgent::enrol(&cloud).await;
    for wrong in ["", "AAAA-BBBB-CCCC-DDDD", &other.fingerprint] {
        admin.submits(&format!("{page}/confirm"), &[("fingerprint", wrong)]).await;
        assert_eq!(admin.page.status, 422, "{wrong}");
        admin.sees("That is not the fingerprint of this agent");
    }
    assert_eq!(code_of(agent.try_token().await).await, (403, "agent_pending".into()));
    let confirm = admin.page.form(&format!("{page}/confirm")).unwrap();
    let typed = agent.fingerprint.to_lowercase().replace('-', " ");
    admin.submits(&format!("{page}/confirm"), &[("fingerprint", &typed)]).await.is_at(&page).sees(&agent.fingerprint);
    agent.publish_key().await;
    agent.beat(true).await;
    admin.opens(&page).await.sees("Serves").sees("dc1.corp.example");
    // A form of before, when it was not confirmed.
    admin.page = admin.browser.submit(&confirm.set("fingerprint", &agent.fingerprint).unwrap()).await.unwrap();
    assert_eq!(admin.page.status, 409);
    let lines =
        "select string_agg(outcome, ', ' order by event_id) from audit_events where action = 'agent.confirm' and actor like 'operator:%'";
    assert_eq!(cloud.sql::<String>(lines).await, "refused, refused, refused, confirmed, refused");

    // And its people are served.
    agent.mirror(vec![somebody("alice"), somebody("bob")]).await;
    let mut alice = Person::at(&cloud);
    alice.proves(&cloud, "alice").await.sets("Correct-Horse-7").await;
    agent.work(Code::Applied).await;
    assert_eq!(alice.is_told().await["state"], "applied");
}

#[tokio::test]
async fn a_revoked_agents_jobs_go_to_another_and_what_that_means_is_said_before() {
    let (cloud, mut bad) = Cloud::with_people(&["alice", "bob"]).await;
    let mut admin = cloud.operator(Role::Administrator).await;
    admin.opens(&of(&bad)).await.sees("nobody can reset a password there");
    let mut good = cloud.agent().await;
    admin.opens(&of(&bad)).await.sees("Jobs that it holds go to other agents at once");
    assert!(!admin.page.text().contains("nobody can reset a password there"));
    let mut alice = Person::at(&cloud);
    alice.proves(&cloud, "alice").await.sets("Correct-Horse-7").await;
    let held = bad.lease(5).await.remove(0);
    // Well before the lease ends by itself.
    let (waiting, ()) = tokio::join!(good.lease(7), async {
        while cloud.app.polls.waiting() == 0 {
            tokio::task::yield_now().await;
        }
        admin.submits(&format!("{}/revoke", of(&bad)), &[]).await.is_at(&of(&bad)).sees("Revoked");
    });
    assert_eq!(waiting.iter().map(|job| (job.ticket.job, job.attempt)).collect::<Vec<_>>(), [(held.ticket.job, 2)]);
    assert_eq!(code_of(bad.ends(&held, Code::Applied).await).await, (403, "agent_revoked".into()));
    good.ends(&waiting[0], Code::Applied).await;
    assert_eq!(alice.is_told().await["state"], "applied");
    assert!(admin.page.form(&format!("{}/revoke", of(&bad))).is_err());
    assert_eq!(admin.posts_form(&format!("{}/confirm", of(&bad)), &format!("fingerprint={}", bad.fingerprint)).await, 409);
    assert_eq!(cloud.sql::<i64>("select count(*) from agents where status = 'revoked'").await, 1);
}

#[tokio::test]
async fn an_alarm_is_taken_away_by_whoever_has_seen_that_very_one() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    let (one, two) = (id::random(), id::random());
    let clones = async |agent: &mut HandAgent| {
        for instance in [one, two, one] {
            agent.instance = Some(instance);
            agent.beat(true).await;
            cloud.clock.advance(6);
        }
    };
    clones(&mut agent).await;
    let mut admin = cloud.operator(Role::Administrator).await;
    let page = of(&agent);
    admin.opens("/console/connectors").await.sees("In two places at once");
    admin.opens(&page).await.sees("its state directory was copied");
    let old = admin.page.form(&format!("{page}/acknowledge")).unwrap();
    admin.submits(&format!("{page}/acknowledge"), &[]).await.is_at(&page).sees("Serves");
    // The copy still runs.
    clones(&mut agent).await;
    admin.page = admin.browser.submit(&old).await.unwrap();
    assert_eq!(admin.page.status, 409);
    admin.sees("once more since you opened this page");
    assert_eq!(cloud.sql::<i64>("select count(*) from agents where cloned_at is not null").await, 1);
}

#[tokio::test]
async fn what_an_agent_says_of_itself_is_shown_and_never_believed() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    let evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
    let beat = Heartbeat {
        version: evil.chars().take(50).collect(),
        clock: cloud.clock.seconds() + 300,
        directory: DirectoryHealth {
            reachable: true,
            dc: evil.to_owned(),
            policy_hints: Some(evil.to_owned()),
            policy: Some(PasswordPolicy { min_length: 14, complexity: true, history: 24, min_age: 86400, max_age: 0 }),
            servers: vec![
                ServerHealth { name: evil.to_owned(), reachable: true, latency_ms: Some(7) },
                ServerHealth { name: "dc2.corp.example".to_owned(), reachable: false, latency_ms: None },
            ],
        },
        jobs: 12,
        instance: None,
        audit: None,
        removals_held: Some(77),
        checkup: None,
        canary: vec![
            CanaryRun { server: evil.to_owned(), at: cloud.clock.seconds(), code: Code::NoRight, millis: u32::MAX },
            CanaryRun { server: "to-come".to_owned(), at: cloud.clock.seconds() + 3000, code: Code::Applied, millis: 1 },
            CanaryRun { server: "x".repeat(300), at: cloud.clock.seconds(), code: Code::Applied, millis: 1 },
            CanaryRun { server: "long-ago".to_owned(), at: 1, code: Code::Applied, millis: 1 },
        ],
    };
    assert_eq!(agent.post("/agent/v1/heartbeat", &beat).await.status(), 200);
    let mut admin = cloud.operator(Role::Administrator).await;
    for page in ["/console/connectors".to_owned(), format!("/console/connectors/{}", cloud.connector), of(&agent)] {
        admin.opens(&page).await.is_at(&page).sees("7 ms").sees("Its clock is wrong");
        assert!(!admin.page.body.contains("<script>alert") && !admin.page.body.contains("<img src=x"), "{}", admin.page.body);
        assert!(admin.page.text().contains(evil) || admin.page.body.contains("&#60;script"), "{}", admin.page.text());
    }
    admin.opens(&format!("/console/connectors/{}", cloud.connector)).await.sees("no_right").sees("One run, one failed");
    assert!(
        !admin.page.text().contains("long-ago") && !admin.page.text().contains("to-come") && !admin.page.text().contains("xxxx"),
        "{}",
        admin.page.text()
    );
    admin
        .opens(&of(&agent))
        .await
        .sees("dc2.corp.example")
        .sees("Does not answer")
        .sees("300 s ahead of ours")
        .sees("77 people")
        .sees("14")
        .sees("24");
    // What cannot be read is as if it had not been said.
    sqlx::query("update agents set health = '{\"directory\": 7}'").execute(&cloud.app.db).await.unwrap();
    admin.opens(&of(&agent)).await.is_at(&of(&agent)).sees("no password policy yet");
}

#[tokio::test]
async fn what_is_wrong_with_an_agent_is_said_with_what_to_do() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    let mut admin = cloud.operator(Role::Administrator).await;
    agent.beat(false).await;
    admin.opens(&of(&agent)).await.sees("Does not reach the directory").sees("sspr agent doctor says why");
    admin.opens("/console/connectors").await.sees("No agent reaches this directory now");
    cloud.clock.advance(36);
    admin.opens(&of(&agent)).await.sees("Not heard of");
    assert!(!admin.page.text().contains("no domain controller answers"), "nobody knows now");
    agent.beat(true).await;
    sqlx::query("delete from sealing_keys").execute(&cloud.app.db).await.unwrap();
    admin.opens(&of(&agent)).await.sees("No sealing key");
}

/// Its account's rights at a glance, and what else it found; a problem waits for the administrator on the first page.
#[tokio::test]
async fn what_an_agents_own_checks_found_is_said_in_words() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    let mut admin = cloud.operator(Role::Administrator).await;
    let (connector, overview) = (format!("/console/connectors/{}", cloud.connector), "/console");
    admin.opens(&of(&agent)).await.sees("It has told of no checks yet");
    let found = |code: &str, severity, count| Found { code: code.to_owned(), severity, count };
    let at = cloud.clock.seconds();
    agent.checkup = Some(Checkup { at, findings: vec![found("bind_ok", Severity::Ok, 1), found("rights_ok", Severity::Ok, 1)] });
    agent.beat(true).await;
    admin.opens(&of(&agent)).await.sees("Rights: Complete").sees("Nothing to mend").sees("Serves");
    admin.opens(&connector).await.sees("Complete");
    admin.opens(overview).await;
    assert!(!admin.page.text().contains("An agent found a problem"));

    let findings = vec![
        found("right_missing_unlock", Severity::Problem, 3),
        found("of_tomorrow", Severity::Warning, 1),
        found("of_tomorrow", Severity::Problem, 9),
        found("<i>no code</i>", Severity::Problem, 1),
        found("tls_expires_soon", Severity::Warning, 1),
        found("rights_ok", Severity::Ok, 1),
    ];
    agent.checkup = Some(Checkup { at, findings });
    agent.beat(true).await;
    admin.opens(&of(&agent)).await.sees("A problem in its directory").sees("Rights: Missing");
    admin.sees("The right to unlock is missing on some people. right_missing_unlock 3 times").sees("A certificate ends within 30 days");
    admin.sees("Something this page has no words for").sees("of_tomorrow");
    assert!(!admin.page.text().contains("no code") && !admin.page.text().contains("9 times"), "{}", admin.page.text());
    admin.opens(&connector).await.sees("Missing").sees("A problem in its directory");
    admin.opens(overview).await.sees("An agent found a problem in its directory");

    // It still serves, so another one may go.
    let other = cloud.agent().await;
    admin.opens(&of(&other)).await;
    assert!(!admin.page.text().contains("nobody can reset a password there"));
    // What was found long ago, or before the directory went away, says nothing of now.
    agent.beat(false).await;
    admin.opens(&of(&agent)).await.sees("Does not reach the directory");
    assert!(!admin.page.text().contains("A problem in its directory") && !admin.page.text().contains("Rights: Missing"));
    cloud.clock.advance(2 * 3600 + 1);
    let mut admin = cloud.operator(Role::Administrator).await;
    agent.beat(true).await;
    admin.opens(&of(&agent)).await.sees("Looked at");
    assert!(!admin.page.text().contains("A problem in its directory") && !admin.page.text().contains("Rights: Missing"));
    cloud.clock.advance(60);
    admin.opens(overview).await;
    assert!(!admin.page.text().contains("An agent found a problem"), "it is silent");
}

/// Asked for until it is done; one that was done meanwhile is not done again.
#[tokio::test]
async fn an_agent_is_asked_for_a_new_identity_until_it_has_one() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    let mut admin = cloud.operator(Role::Administrator).await;
    assert_eq!(agent.beats().await.rotate, None);
    for _ in 0..2 {
        let button = format!("{}/rotate", of(&agent));
        admin.opens(&of(&agent)).await;
        if admin.page.form(&button).is_ok() {
            admin.submits(&button, &[]).await;
        }
        admin.is_at(&of(&agent)).sees("it comes with its next heartbeat");
    }
    assert_eq!(agent.beats().await.rotate.as_deref(), Some(&*agent.fingerprint));
    let new = Identity::generate();
    assert_eq!(agent.post("/agent/v1/identity", &agent.succession(&new)).await.status(), 204);
    agent.becomes(new);
    assert_eq!(agent.beats().await.rotate, None);
    assert_eq!(cloud.sql::<String>("select string_agg(outcome, ' ') from audit_events where action = 'agent.rotate'").await, "asked");
    admin.opens(&of(&agent)).await.submits(&format!("{}/revoke", of(&agent)), &[]).await;
    admin.posts_form(&format!("{}/rotate", of(&agent)), "").await;
    assert_eq!(cloud.sql::<i64>("select count(*) from agents where rotate_at is not null").await, 0, "nothing is asked of a revoked one");
}

/// The second factor of a while ago is not enough, and what was to be done is not done.
#[tokio::test]
async fn what_is_dangerous_asks_for_the_second_factor_once_more() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    let mut admin = cloud.operator(Role::Administrator).await;
    admin.opens(&of(&agent)).await;
    let revoke = admin.page.form(&format!("{}/revoke", of(&agent))).unwrap();
    cloud.clock.advance(25 * 60);
    agent.beat(true).await;
    admin.page = admin.browser.submit(&revoke).await.unwrap();
    admin.is_at("/console/prove");
    for (path, body) in [
        (format!("{}/acknowledge", of(&agent)), "mark="),
        (format!("/console/connectors/{}/token", cloud.connector), ""),
        (format!("/console/connectors/{}/writeback", cloud.connector), "to=off"),
    ] {
        admin.posts_form(&path, body).await;
        admin.is_at("/console/prove");
    }
    assert_eq!(cloud.sql::<i64>("select count(*) from agents where status = 'active'").await, 1);
    assert_eq!(cloud.sql::<i64>("select count(*) from connectors where writeback").await, 1);
}
