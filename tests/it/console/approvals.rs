//! Acts that take two: asked for by one operator, allowed by another, done once, and only to what it was asked for.

use sspr::{
    domain::{
        operators::{self, Role},
        policies::{Draft, Method},
    },
    wire::{message::Person as DirectoryPerson, ticket::Kind},
};
use uuid::Uuid;

use super::people::{STAFF, office, page_of};
use crate::support::{Cloud, HandAgent, Person, agent::somebody, person::seal_for};

impl Cloud {
    /// From now on these take two, and no others.
    pub fn takes_two(&self, acts: &str) {
        self.administers(&["tenant", "set", &self.tenant.scope.id().to_string(), "--approvals", acts]);
    }

    /// This one's sign-in is complete.
    pub async fn is_ready(&self, operator: Uuid) {
        for line in [
            "update operators set salt = '0123456789abcdef', password_hash = sha256('x'), password_at = now() where operator_id = $1",
            "insert into operator_factors (factor_id, tenant_id, operator_id, kind, label, secret, created_at)
             select gen_random_uuid(), tenant_id, operator_id, 'totp', 'App', 'x', now() from operators where operator_id = $1",
        ] {
            sqlx::query(line).bind(operator).execute(&self.app.db).await.unwrap();
        }
    }

    /// Outcomes of an action with who acted, in order.
    async fn said(&self, action: &str) -> Vec<(String, String)> {
        sqlx::query_as("select outcome, actor from audit_events where action = $1 order by event_id")
            .bind(action)
            .fetch_all(&self.app.db)
            .await
            .unwrap()
    }
}

/// From the act's form, which has led here, to a request that waits; its page.
pub async fn asks(person: &mut Person) -> String {
    let page = person.page.path.clone();
    assert!(page.starts_with("/console/approvals/"), "{page}: {}", person.page.text());
    person.sees("The reason is missing");
    person.submits(&format!("{page}/ask"), &[("reason", "she called from her office")]).await;
    person.is_at(&page).sees("Now somebody else has to look at it");
    page
}

/// Alice with an app, an operator who wants it removed, and the page of that request.
pub async fn lost_app(cloud: &Cloud, desk: &mut Person) -> String {
    cloud.registers_app("alice", time::Duration::ZERO).await;
    let alice = page_of(cloud, "alice").await;
    desk.opens(&alice).await.sees("This takes two");
    desk.submits(&format!("{alice}/method"), &[]).await;
    asks(desk).await
}

fn actor(id: Uuid) -> String {
    format!("operator:{id}")
}

#[tokio::test]
async fn what_takes_two_is_looked_at_by_somebody_else_and_done_once() {
    let (cloud, _agent) = office().await;
    cloud.takes_two("method");
    let (asker, mut desk) = cloud.operator_with(Role::HelpDesk, &[]).await;
    let (decider, mut other) = cloud.operator_with(Role::HelpDesk, &[]).await;
    // Somebody whose sign-in is complete hears of it.
    cloud.is_ready(decider).await;
    cloud.registers_app("alice", time::Duration::ZERO).await;
    let alice = page_of(&cloud, "alice").await;
    desk.opens(&alice).await.submits(&format!("{alice}/method"), &[]).await;
    let page = desk.page.path.clone();
    // Not without a reason; a draft is nobody else's business, and nothing waits yet.
    desk.submits(&format!("{page}/ask"), &[("reason", "  ")]).await.sees("Please say why");
    assert_eq!(desk.page.status, 422);
    assert_eq!(other.opens(&page).await.page.status, 404);
    desk.opens(&page).await;
    assert_eq!(asks(&mut desk).await, page);
    let mail = cloud.inbox.wait_for("help_desk1@staff.example", 0).await.unwrap();
    assert!(mail.text.contains("/console/approvals") && mail.text.contains("help desk 0"), "{}", mail.text);
    assert!(!mail.text.contains("alice") && !mail.text.contains("office"), "{}", mail.text);
    other.opens("/console").await.sees("One act waits for your decision");
    desk.opens("/console").await;
    assert!(!desk.page.text().contains("waits for your decision"), "one's own does not");
    // Whoever asks does not allow it, whatever the page offers.
    for act in ["approve", "refuse"] {
        assert!(desk.opens(&page).await.page.form(&format!("{page}/{act}")).is_err());
        assert_eq!(desk.posts_form(&format!("{page}/{act}"), "").await, 403);
        desk.sees("You cannot allow what you ask for yourself");
    }
    assert_eq!(cloud.sql::<i64>("select count(*) from authenticators").await, 1);
    other.opens("/console/approvals").await.sees("Removal of a method").sees("Person alice (alice)").sees("she called from her office");
    other.opens(&page).await.sees("help desk 0").sees("Authenticator app");
    other.submits(&format!("{page}/approve"), &[]).await;
    other.is_at(&page).sees("Done").sees("help desk 1");
    assert_eq!(cloud.sql::<i64>("select count(*) from authenticators").await, 0);
    // Nobody does it a second time.
    cloud.registers_app("alice", time::Duration::ZERO).await;
    assert_eq!(other.posts_form(&format!("{page}/approve"), "").await, 409);
    other.sees("This has been decided already");
    assert_eq!(cloud.sql::<i64>("select count(*) from authenticators").await, 1);
    assert_eq!(cloud.said("authenticator.remove").await, [("removed".into(), actor(asker))]);
    let decided: Vec<_> = cloud.said("approval.decide").await.into_iter().filter(|(_, who)| *who == actor(decider)).collect();
    assert_eq!(decided, [("done".into(), actor(decider)), ("over".into(), actor(decider))]);
    let own = cloud.said("approval.decide").await.into_iter().filter(|(how, who)| how == "own" && *who == actor(asker)).count();
    assert_eq!(own, 2);
    assert_eq!(
        cloud.sql::<i64>("select count(*) from audit_events where detail::text like '%office%' or detail::text like '%alice%'").await,
        0
    );
}

#[tokio::test]
async fn of_two_who_decide_at_once_one_does() {
    let (cloud, _agent) = office().await;
    cloud.takes_two("method");
    let mut desk = cloud.operator(Role::HelpDesk).await;
    let (mut one, mut two) = (cloud.operator(Role::Owner).await, cloud.operator(Role::HelpDesk).await);
    let page = lost_app(&cloud, &mut desk).await;
    let approve = format!("{page}/approve");
    let (first, second) = tokio::join!(one.posts_form(&approve, ""), two.posts_form(&approve, ""));
    let mut both = [first, second];
    both.sort_unstable();
    assert_eq!(both, [200, 409]);
    assert_eq!(cloud.said("authenticator.remove").await.len(), 1);
    // The same of a refusal and an approval.
    let page = lost_app(&cloud, &mut desk).await;
    let (no, yes) = (format!("{page}/refuse"), format!("{page}/approve"));
    let (first, second) = tokio::join!(one.posts_form(&no, ""), two.posts_form(&yes, ""));
    assert_eq!(first.min(second), 200);
    assert_eq!(first.max(second), 409);
}

#[tokio::test]
async fn what_has_changed_since_is_not_done() {
    let (cloud, mut agent) = office().await;
    cloud.takes_two("method,agent");
    let mut desk = cloud.operator(Role::Administrator).await;
    let mut other = cloud.operator(Role::Administrator).await;
    let page = lost_app(&cloud, &mut desk).await;
    let moved = DirectoryPerson { mail: Some("alice@elsewhere.example".into()), groups: vec![STAFF], ..somebody("alice") };
    agent.mirror(vec![moved, somebody("bob")]).await;
    assert_eq!(other.posts_form(&format!("{page}/approve"), "").await, 409);
    other.sees("It is not any more what it was");
    assert_eq!(cloud.sql::<i64>("select count(*) from authenticators").await, 1);
    other.opens(&page).await.sees("Not done: changed meanwhile");
    // Not even when it looks as before again.
    agent.mirror(vec![DirectoryPerson { groups: vec![STAFF], ..somebody("alice") }, somebody("bob")]).await;
    assert_eq!(other.posts_form(&format!("{page}/approve"), "").await, 409);
    // Asked for anew it is a new one.
    let alice = page_of(&cloud, "alice").await;
    desk.opens(&alice).await.submits(&format!("{alice}/method"), &[]).await;
    let anew = asks(&mut desk).await;
    assert_ne!(anew, page);
    // Frozen meanwhile, by whoever knows better.
    other.opens(&alice).await.submits(&format!("{alice}/freeze"), &[("reason", "x")]).await;
    assert_eq!(other.posts_form(&format!("{anew}/approve"), "").await, 409);
    // An agent that was revoked.
    let new = HandAgent::enrol(&cloud).await;
    let of = format!("/console/agents/{}", new.id);
    desk.opens(&of).await.submits(&format!("{of}/confirm"), &[("fingerprint", &new.fingerprint)]).await;
    let page = asks(&mut desk).await;
    other.opens(&of).await.submits(&format!("{of}/revoke"), &[]).await;
    assert_eq!(other.posts_form(&format!("{page}/approve"), "").await, 409);
    assert_eq!(cloud.said("agent.confirm").await.iter().filter(|(how, _)| how == "confirmed").count(), 1, "the first agent's");
    assert_eq!(cloud.said("approval.decide").await.iter().filter(|(how, _)| how == "target_changed").count(), 3);
}

#[tokio::test]
async fn whoever_asked_and_may_not_any_more_gets_nothing() {
    let (cloud, _agent) = office().await;
    cloud.takes_two("method");
    let mut other = cloud.operator(Role::Owner).await;
    let (id, mut desk) = cloud.operator_with(Role::HelpDesk, &[]).await;
    let page = lost_app(&cloud, &mut desk).await;
    let them = format!("/console/operators/{id}");
    // By the command line, so that nobody here had a hand in it.
    let tenant = cloud.tenant.scope.id().to_string();
    cloud.administers(&["operator", "disable", "help_desk1@staff.example", "--tenant", &tenant]);
    assert_eq!(other.posts_form(&format!("{page}/approve"), "").await, 409);
    other.sees("Whoever asked may not do this any more");
    // And an owner who gives whoever asks another address could be them.
    cloud.administers(&["operator", "enable", "help_desk1@staff.example", "--tenant", &tenant]);
    let mut desk = cloud.at_console(id).await;
    let alice = page_of(&cloud, "alice").await;
    desk.opens(&alice).await.submits(&format!("{alice}/method"), &[]).await;
    let page = asks(&mut desk).await;
    other.opens(&them).await.submits(&them, &[("role", "auditor"), ("mail", "moved@staff.example")]).await;
    assert_eq!(other.posts_form(&format!("{page}/approve"), "").await, 403);
    other.sees("This takes somebody more independent");
    assert_eq!(cloud.operator(Role::Owner).await.posts_form(&format!("{page}/approve"), "").await, 409);
    assert_eq!(cloud.sql::<i64>("select count(*) from authenticators").await, 1);
}

#[tokio::test]
async fn nobody_makes_their_own_second_person() {
    let (cloud, _agent) = office().await;
    cloud.takes_two("method");
    let (own, mut owner) = cloud.operator_with(Role::Owner, &[]).await;
    let (puppet, _) = cloud.operator_with(Role::HelpDesk, &[]).await;
    // A new link, by which the owner could sign in as this one.
    let them = format!("/console/operators/{puppet}");
    owner.opens(&them).await.submits(&format!("{them}/link"), &[]).await;
    let page = lost_app(&cloud, &mut owner).await;
    let mut second = cloud.at_console(puppet).await;
    second.opens(&page).await.sees("do not count as two");
    assert_eq!(second.posts_form(&format!("{page}/approve"), "").await, 403);
    // Nor the other way round.
    let mut second = cloud.at_console(puppet).await;
    let alice = page_of(&cloud, "alice").await;
    second.opens(&alice).await.submits(&format!("{alice}/method"), &[]).await;
    let page = asks(&mut second).await;
    assert_eq!(owner.posts_form(&format!("{page}/approve"), "").await, 403);
    assert_eq!(cloud.sql::<i64>("select count(*) from authenticators").await, 1);
    // A week later they are two.
    cloud.clock.advance(8 * 86400);
    let mut second = cloud.at_console(puppet).await;
    second.opens(&alice).await.submits(&format!("{alice}/method"), &[]).await;
    let page = asks(&mut second).await;
    let mut owner = cloud.at_console(own).await;
    assert_eq!(owner.posts_form(&format!("{page}/approve"), "").await, 200);
}

#[tokio::test]
async fn ceilings_and_groups_hold_for_whoever_decides() {
    let (cloud, mut agent) = office().await;
    cloud.takes_two("method");
    let own = DirectoryPerson { mail: Some("help_desk1@staff.example".into()), ..somebody("own") };
    agent.mirror(vec![DirectoryPerson { groups: vec![STAFF], ..somebody("alice") }, somebody("bob"), own]).await;
    let mut desk = cloud.operator(Role::Administrator).await;
    let mut themselves = cloud.operator(Role::HelpDesk).await;
    let (_, mut limited) = cloud.operator_with(Role::HelpDesk, &[(cloud.connector, STAFF)]).await;
    let (_, mut auditor) = cloud.operator_with(Role::Auditor, &[]).await;
    cloud.registers_app("own", time::Duration::ZERO).await;
    let page = page_of(&cloud, "own").await;
    desk.opens(&page).await.submits(&format!("{page}/method"), &[]).await;
    let wanted = asks(&mut desk).await;
    themselves.opens(&wanted).await.sees("it is about yourself");
    assert_eq!(themselves.posts_form(&format!("{wanted}/approve"), "").await, 403);
    // Whoever does not see the person sees nothing of it.
    limited.opens("/console/approvals").await.sees("Nothing waits for your decision");
    assert_eq!(limited.opens(&wanted).await.page.status, 404);
    assert_eq!(limited.posts_form(&format!("{wanted}/approve"), "").await, 404);
    assert_eq!(auditor.opens(&wanted).await.page.status, 403);
    // Nor does another organisation's owner, nor is anything there that is not.
    let stranger = Cloud::start().await;
    let mut owner = stranger.operator(Role::Owner).await;
    for path in [wanted.clone(), format!("/console/approvals/{}", Uuid::nil())] {
        assert_eq!(owner.opens(&path).await.page.status, 404);
        assert_eq!(owner.posts_form(&format!("{path}/approve"), "").await, 404);
        assert_eq!(owner.posts_form(&format!("{path}/withdraw"), "").await, 409);
    }
    assert_eq!(cloud.sql::<i64>("select count(*) from authenticators").await, 1);
    // Of staff they do decide.
    let page = lost_app(&cloud, &mut desk).await;
    limited.opens("/console/approvals").await.sees("Person alice");
    assert_eq!(limited.posts_form(&format!("{page}/approve"), "").await, 200);
}

#[tokio::test]
async fn what_nobody_decided_in_time_or_was_taken_back_is_over() {
    let (cloud, mut agent) = office().await;
    cloud.takes_two("method");
    let (id, mut desk) = cloud.operator_with(Role::HelpDesk, &[]).await;
    let (decider, mut other) = cloud.operator_with(Role::HelpDesk, &[]).await;
    let page = lost_app(&cloud, &mut desk).await;
    assert_eq!(other.posts_form(&format!("{page}/withdraw"), "").await, 409, "somebody else's");
    desk.opens(&page).await.submits(&format!("{page}/withdraw"), &[]).await.is_at("/console/approvals").sees("Withdrawn");
    assert_eq!(other.posts_form(&format!("{page}/approve"), "").await, 409);
    let alice = page_of(&cloud, "alice").await;
    desk.opens(&alice).await.submits(&format!("{alice}/method"), &[]).await;
    let page = asks(&mut desk).await;
    cloud.clock.advance(3601);
    agent.beat(true).await;
    let (mut desk, mut other) = (cloud.at_console(id).await, cloud.at_console(decider).await);
    assert_eq!(other.posts_form(&format!("{page}/approve"), "").await, 409);
    other.opens(&page).await.sees("Ran out");
    assert_eq!(cloud.sql::<i64>("select count(*) from authenticators").await, 1);
    // Wanted anew, and refused.
    desk.opens(&alice).await.submits(&format!("{alice}/method"), &[]).await;
    let page = asks(&mut desk).await;
    other.opens(&page).await.submits(&format!("{page}/refuse"), &[]).await.sees("Refused");
    assert_eq!(other.posts_form(&format!("{page}/approve"), "").await, 409);
    // What is kept is forgotten one day, drafts at once.
    desk.opens(&alice).await.submits(&format!("{alice}/method"), &[]).await;
    cloud.clock.advance(16 * 60);
    sspr::worker::clean(&cloud.app).await.unwrap();
    assert_eq!(cloud.sql::<i64>("select count(*) from approvals where reason = ''").await, 0);
    assert_eq!(cloud.sql::<i64>("select count(*) from approvals").await, 3);
}

async fn ticket(desk: &mut Person, page: &str) -> (u16, serde_json::Value) {
    desk.browser.post_json(&format!("{page}/temporary/ticket"), &serde_json::json!({})).await.unwrap()
}

#[tokio::test]
async fn a_temporary_password_that_takes_two_is_open_to_the_asker_once() {
    let (cloud, mut agent) = office().await;
    cloud.takes_two("temporary");
    let (asker, mut desk) = cloud.operator_with(Role::HelpDesk, &[]).await;
    let (decider, mut other) = cloud.operator_with(Role::HelpDesk, &[]).await;
    let alice = page_of(&cloud, "alice").await;
    let temporary = format!("{alice}/temporary");
    let refused = ticket(&mut desk, &alice).await;
    assert_eq!((refused.0, refused.1["code"].as_str()), (403, Some("approval_needed")));
    desk.opens(&temporary).await.sees("takes two here");
    desk.submits(&temporary, &[]).await;
    let page = asks(&mut desk).await;
    assert_eq!(ticket(&mut desk, &alice).await.0, 403, "it is not allowed yet");
    other.opens(&page).await.submits(&format!("{page}/approve"), &[]).await.sees("Allowed, not done yet");
    // Open to whoever asked, for this person, and to nobody else.
    assert_eq!(ticket(&mut other, &alice).await.0, 403);
    assert_eq!(ticket(&mut desk, &page_of(&cloud, "bob").await).await.0, 403);
    desk.opens(&page).await.sees("You have ten minutes");
    desk.opens(&temporary).await.sees("Make and set a temporary password");
    let (status, permit) = ticket(&mut desk, &alice).await;
    assert_eq!(status, 200, "{permit}");
    let sealed = seal_for(&permit, "Kuvo-tare-mipe-58");
    let jobs = format!("{alice}/temporary/jobs");
    assert_eq!(desk.browser.post_json(&jobs, &sealed).await.unwrap().0, 202);
    // The answer got lost: the same again is the same. Another one is not.
    assert_eq!(desk.browser.post_json(&jobs, &sealed).await.unwrap().0, 202);
    let job = agent.work(sspr::wire::outcome::Code::Applied).await;
    assert_eq!(job.ticket.kind, Kind::Temporary);
    assert_eq!(ticket(&mut desk, &alice).await.0, 403);
    assert_eq!(cloud.sql::<String>("select string_agg(state, ' ') from approvals").await, "used");
    assert_eq!(cloud.said("approval.use").await.len(), 1);
    // Allowed, and not used within ten minutes.
    desk.opens(&temporary).await.submits(&temporary, &[]).await;
    let page = asks(&mut desk).await;
    other.opens(&page).await.submits(&format!("{page}/approve"), &[]).await;
    cloud.clock.advance(601);
    agent.beat(true).await;
    assert_eq!(ticket(&mut desk, &alice).await.0, 403);
    let (mut desk, mut other) = (cloud.at_console(asker).await, cloud.at_console(decider).await);
    // Allowed, and frozen before it was used: not even with a ticket in hand.
    desk.opens(&temporary).await.submits(&temporary, &[]).await;
    let page = asks(&mut desk).await;
    other.opens(&page).await.submits(&format!("{page}/approve"), &[]).await;
    let sealed = seal_for(&ticket(&mut desk, &alice).await.1, "Kuvo-tare-mipe-59");
    other.opens(&alice).await.submits(&format!("{alice}/freeze"), &[("reason", "x")]).await;
    let (status, answer) = desk.browser.post_json(&jobs, &sealed).await.unwrap();
    assert_eq!((status, answer["code"].as_str()), (409, Some("approval_target_changed")), "{answer}");
    desk.opens(&page).await.sees("Not done: changed meanwhile");
}

#[tokio::test]
async fn privileged_people_get_a_temporary_password_by_two_or_not_at_all() {
    let (cloud, _agent) = office().await;
    sqlx::query("insert into privileged_groups (tenant_id, connector_id, group_guid) select tenant_id, connector_id, group_guid from memberships limit 1")
        .execute(&cloud.app.db)
        .await
        .unwrap();
    let alice = page_of(&cloud, "alice").await;
    let mut desk = cloud.operator(Role::HelpDesk).await;
    let mut peer = cloud.operator(Role::HelpDesk).await;
    let mut boss = cloud.operator(Role::Administrator).await;
    for acts in ["none", "temporary"] {
        cloud.takes_two(acts);
        let (status, answer) = ticket(&mut desk, &alice).await;
        assert_eq!((status, answer["code"].as_str()), (403, Some("not_served")), "{acts}");
        desk.opens(&alice).await;
        assert!(!desk.page.body.contains(&format!("{alice}/temporary")), "{acts}");
    }
    cloud.takes_two("privileged");
    let temporary = format!("{alice}/temporary");
    desk.opens(&temporary).await.submits(&temporary, &[]).await;
    let page = asks(&mut desk).await;
    // Not by a colleague of the help desk.
    assert_eq!(peer.posts_form(&format!("{page}/approve"), "").await, 404);
    boss.opens(&page).await.sees("privileged person");
    boss.submits(&format!("{page}/approve"), &[]).await;
    let (status, permit) = ticket(&mut desk, &alice).await;
    assert_eq!(status, 200, "{permit}");
    let sealed = seal_for(&permit, "Kuvo-tare-mipe-58");
    assert_eq!(desk.browser.post_json(&format!("{temporary}/jobs"), &sealed).await.unwrap().0, 202);
    // Bob is nobody in particular: for him it takes one.
    assert_eq!(ticket(&mut desk, &page_of(&cloud, "bob").await).await.0, 200);
    // Switched off, the door is shut, for what was allowed as well; that takes nobody else.
    let mut rules = cloud.operator(Role::Administrator).await;
    assert_eq!(rules.posts_form("/console/approvals/rules", "act=privileged&to=off").await, 200);
    assert_eq!(cloud.sql::<i64>("select count(*) from approval_rules").await, 0);
    assert_eq!(ticket(&mut desk, &alice).await.0, 403);
}

#[tokio::test]
async fn a_callers_code_is_allowed_for_one_number() {
    let (cloud, _agent) = office().await;
    cloud.policy(|terms| Draft { methods: [terms.methods.clone(), vec![Method::HelpDesk]].concat(), ..terms }).await;
    cloud.takes_two("code");
    let alice = page_of(&cloud, "alice").await;
    let (mut desk, mut other) = (cloud.operator(Role::HelpDesk).await, cloud.operator(Role::HelpDesk).await);
    let mut person = Person::at(&cloud);
    person.opens("/").await.submits("/reset", &[("name", "alice")]).await;
    person.submits("/reset/method", &[("method", "help_desk")]).await.is_at("/reset/code");
    let number: String = cloud.sql("select number from challenges where number is not null").await;
    desk.opens(&alice).await.submits(&format!("{alice}/code"), &[("number", &number)]).await.sees(&number);
    let page = asks(&mut desk).await;
    other.opens(&page).await.sees(&number);
    other.submits(&format!("{page}/approve"), &[]).await;
    // Another number is another request.
    desk.posts_form(&format!("{alice}/code"), "number=123456").await;
    desk.sees("The reason is missing");
    desk.opens(&page).await.submits(&format!("{alice}/code"), &[]).await.sees("Read this out to them");
    let words = desk.page.text();
    let code: String =
        words.split_whitespace().filter(|word| word.len() == 4 && word.bytes().all(|b| b.is_ascii_digit())).take(2).collect();
    // Once.
    desk.posts_form(&format!("{alice}/code"), &format!("number={number}")).await;
    desk.sees("The reason is missing");
    person.submits("/reset/code", &[("code", &code)]).await.is_at("/reset/password");
    assert_eq!(cloud.said("help_desk.code").await.len(), 1);
}

#[tokio::test]
async fn an_agent_an_owner_and_the_rules_themselves_take_two() {
    let cloud = Cloud::start().await;
    let (asker, mut one) = cloud.operator_with(Role::Owner, &[]).await;
    let (second, mut two) = cloud.operator_with(Role::Owner, &[]).await;
    cloud.is_ready(second).await;
    let (_, mut admin) = cloud.operator_with(Role::Administrator, &[]).await;
    one.opens("/console/approvals").await.sees("nothing takes two");
    one.opens("/console/approvals/rules").await;
    for act in ["agent", "owner"] {
        assert_eq!(one.posts_form("/console/approvals/rules", &format!("act={act}&to=on")).await, 200);
    }
    one.sees("Switching it off takes two as well");
    // An agent: one that does not fit is told of at once.
    let new = HandAgent::enrol(&cloud).await;
    let of = format!("/console/agents/{}", new.id);
    one.opens(&of).await.submits(&format!("{of}/confirm"), &[("fingerprint", "AAAA-BBBB-CCCC-DDDD")]).await;
    assert_eq!(one.page.status, 422);
    one.submits(&format!("{of}/confirm"), &[("fingerprint", &new.fingerprint)]).await;
    let page = asks(&mut one).await;
    assert_eq!(cloud.sql::<i64>("select count(*) from agents where status = 'active'").await, 0);
    admin.opens(&page).await.sees(&new.fingerprint);
    admin.submits(&format!("{page}/approve"), &[]).await.sees("Done");
    assert_eq!(cloud.sql::<i64>("select count(*) from agents where status = 'active'").await, 1);
    assert!(cloud.said("agent.confirm").await.contains(&("confirmed".into(), actor(asker))));
    // A new owner: an administrator does not even see it.
    one.opens("/console/operators/new").await;
    one.submits("/console/operators/new", &[("name", "Olga"), ("mail", "olga@corp.example"), ("role", "owner")]).await;
    let page = asks(&mut one).await;
    assert_eq!(admin.opens(&page).await.page.status, 404);
    two.opens(&page).await.sees("olga@corp.example");
    two.submits(&format!("{page}/approve"), &[]).await.sees("Done");
    assert_eq!(cloud.sql::<i64>("select count(*) from operators where role = 'owner'").await, 3);
    // Somebody who becomes one, and is changed before that.
    let (other, _) = cloud.operator_with(Role::Administrator, &[]).await;
    let them = format!("/console/operators/{other}");
    one.opens(&them).await.submits(&them, &[("role", "owner")]).await;
    let page = asks(&mut one).await;
    let mut tx = cloud.app.begin().await.unwrap();
    let source = sspr::domain::audit::Source::house("cli");
    operators::switch(&mut tx, &cloud.tenant.scope, &cloud.clock, &source, other, false).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(two.posts_form(&format!("{page}/approve"), "").await, 409);
    assert_eq!(cloud.sql::<i64>("select count(*) from operators where role = 'owner'").await, 3);
    // The rule itself.
    one.posts_form("/console/approvals/rules", "act=agent&to=off").await;
    let page = asks(&mut one).await;
    assert_eq!(cloud.sql::<i64>("select count(*) from approval_rules").await, 2);
    admin.opens(&page).await.sees("Confirmation of an agent");
    admin.submits(&format!("{page}/approve"), &[]).await.sees("Done");
    assert_eq!(cloud.sql::<String>("select string_agg(act, ' ') from approval_rules").await, "owner");
    assert_eq!(one.posts_form("/console/approvals/rules", "act=rule&to=off").await, 400);
    assert_eq!(
        cloud.sql::<String>("select string_agg(outcome, ' ' order by event_id) from audit_events where action = 'approval.rule'").await,
        "on on off"
    );
    assert!(!cloud.dump().await.contains("olga@corp.example"), "an address lies in the database in clear");
}

#[tokio::test]
async fn policies_become_what_two_have_looked_at_and_nothing_else() {
    let (cloud, _agent) = office().await;
    cloud.takes_two("policy");
    let mut one = cloud.operator(Role::Administrator).await;
    let mut two = cloud.operator(Role::Administrator).await;
    let mut desk = cloud.operator(Role::HelpDesk).await;
    let id: Uuid = cloud.sql("select policy_id from policies").await;
    let of = format!("/console/policies/{id}");
    let name = "select name from policies";
    one.opens(&of).await.submits(&of, &[("name", "All of us")]).await;
    one.submits("/console/policies/save", &[]).await;
    let page = asks(&mut one).await;
    assert_eq!(cloud.sql::<String>(name).await, "Everybody");
    assert_eq!(desk.opens(&page).await.page.status, 404);
    two.opens(&page).await.sees("All of us");
    two.opens(&format!("{page}/impact")).await.sees("What this change would come to").sees("0 people gain").sees("Back to the request");
    assert_eq!(desk.opens(&format!("{page}/impact")).await.page.status, 404);
    assert_eq!(cloud.sql::<String>(name).await, "Everybody");
    two.opens(&page).await.submits(&format!("{page}/approve"), &[]).await.sees("Done");
    assert_eq!(cloud.sql::<String>(name).await, "All of us");
    // Somebody changes them while it waits.
    one.opens(&of).await.submits(&of, &[("name", "Mine")]).await;
    one.submits("/console/policies/save", &[]).await;
    let page = asks(&mut one).await;
    cloud.takes_two("none");
    let mut three = cloud.operator(Role::Owner).await;
    three.opens(&of).await.submits(&of, &[("name", "Theirs")]).await;
    three.submits("/console/policies/save", &[]).await;
    assert_eq!(two.posts_form(&format!("{page}/approve"), "").await, 409);
    two.sees("It is not any more what it was");
    assert_eq!(cloud.sql::<String>(name).await, "Theirs");
}

/// What of the settings a policy relies on is changed by two as well, from the form and from the history; what guards nobody by one.
#[tokio::test]
async fn settings_that_guard_people_take_two_like_policies() {
    let cloud = Cloud::start().await;
    cloud.takes_two("policy");
    let mut one = cloud.operator(Role::Administrator).await;
    let mut two = cloud.operator(Role::Administrator).await;
    let of = "/console/settings";
    one.opens(of).await.submits(of, &[("reconfirm_days", "90")]).await.sees("Saved.");
    let kept = "select concat_ws(' ', help, mail_domains, sms_budget, self_service) from tenants";
    let help: String = cloud.sql("select help from tenants").await;
    one.opens(of).await.submits(of, &[("mail_domains", "corp.example"), ("help", "Dial 42")]).await.submits(of, &[]).await;
    let page = asks(&mut one).await;
    assert_eq!(cloud.sql::<String>(kept).await, format!("{help} {{}} 1000 t"), "nothing yet");
    two.opens(&format!("{page}/impact")).await.sees("0 people lose self-service");
    two.opens(&page).await.sees("corp.example").sees(&format!("{help} Dial 42"));
    two.submits(&format!("{page}/approve"), &[]).await.sees("Done");
    assert_eq!(cloud.sql::<String>(kept).await, "Dial 42 {corp.example} 1000 t");
    let asker = "select count(distinct actor) from audit_events where action in ('tenant.mail_domains', 'tenant.help')";
    assert_eq!(cloud.sql::<i64>(asker).await, 1, "in the name of whoever asked");
    // Back to how it was: the history's way is no other.
    let undo: Uuid = cloud.sql("select change_id from history order by change_id desc limit 1").await;
    let undo = format!("/console/history/{undo}/undo");
    one.opens("/console/history").await.submits(&undo, &[]).await.submits(&undo, &[]).await;
    let page = asks(&mut one).await;
    assert_eq!(cloud.sql::<String>(kept).await, "Dial 42 {corp.example} 1000 t");
    // Something else is changed meanwhile.
    let tenant = cloud.tenant.scope.id().to_string();
    cloud.administers(&["tenant", "set", &tenant, "--sms-budget", "7"]);
    assert_eq!(two.posts_form(&format!("{page}/approve"), "").await, 409);
    assert_eq!(cloud.sql::<String>(kept).await, "Dial 42 {corp.example} 7 t");
    // Switched off by one, on by two.
    one.opens(of).await;
    let mut form = one.page.form(of).unwrap();
    form.fields.retain(|(name, _)| name != "self_service");
    one.page = one.browser.submit(&form).await.unwrap();
    one.is_at(of).sees("Saved.");
    one.opens(of).await;
    let mut form = one.page.form(of).unwrap();
    form.fields.push(("self_service".into(), "on".into()));
    one.page = one.browser.submit(&form).await.unwrap();
    asks(&mut one).await;
    assert!(!cloud.sql::<bool>("select self_service from tenants").await);
}

/// Whom people are told to ask, and what messages say: each leads people somewhere.
#[tokio::test]
async fn help_desks_and_messages_take_two_like_policies() {
    let cloud = Cloud::start().await;
    cloud.takes_two("policy");
    let mut one = cloud.operator(Role::Administrator).await;
    let mut two = cloud.operator(Role::Administrator).await;
    let of = "/console/branding";
    one.opens(of).await.submits(of, &[("accent", "#884422")]).await.sees("Saved.");
    one.opens(of).await.submits(of, &[("phone", "+49 30 1234"), ("accent", "#224488")]).await;
    let page = asks(&mut one).await;
    let kept = "select concat_ws(' ', accent, desk_phone) from tenants";
    assert_eq!(cloud.sql::<String>(kept).await, "#884422", "nothing yet");
    two.opens(&page).await.sees("+49 30 1234");
    two.submits(&format!("{page}/approve"), &[]).await.sees("Done");
    assert_eq!(cloud.sql::<String>(kept).await, "#224488 +49 30 1234");
    // Back again: the history's way is no other.
    let undo: Uuid = cloud.sql("select change_id from history where what = 'branding' order by change_id desc limit 1").await;
    let undo = format!("/console/history/{undo}/undo");
    one.opens("/console/history").await.submits(&undo, &[]).await.submits(&undo, &[]).await;
    asks(&mut one).await;
    assert_eq!(cloud.sql::<String>(kept).await, "#224488 +49 30 1234");

    let of = "/console/texts/code/email/en";
    let body = "Please type {{code}} to go on.";
    one.opens(of).await.submits(of, &[("subject", "Your code for {{organisation}}"), ("body", body)]).await;
    let page = asks(&mut one).await;
    assert_eq!(cloud.sql::<i64>("select count(*) from texts").await, 0, "nothing yet");
    two.opens(&page).await.sees("Please type");
    two.submits(&format!("{page}/approve"), &[]).await.sees("Done");
    assert_eq!(cloud.sql::<String>("select body from texts").await, body);
    // What somebody else has changed meanwhile is not overwritten.
    one.opens(of).await.submits(of, &[("body", "Now type {{code}}.")]).await;
    let page = asks(&mut one).await;
    cloud.takes_two("none");
    let mut three = cloud.operator(Role::Owner).await;
    three.opens(of).await.submits(of, &[("body", "Just {{code}}, please.")]).await.sees("Saved");
    assert_eq!(two.posts_form(&format!("{page}/approve"), "").await, 409);
    assert_eq!(cloud.sql::<String>("select body from texts").await, "Just {{code}}, please.");
}
