//! Why somebody can, or cannot, reset. Each cause is planted alone: the report names it as the first gate that is shut, and the real
//! journey comes to its end there.

use sspr::{
    base::{id, language::Language},
    domain::{
        audit::Source,
        coverage::{self, Standing},
        limits::Limit,
        obstacles::{self, Cause, Gate, Lack, Report, Verdict},
        policies::{self, Change, Draft, Group, Method, Policy, Rules},
        tenants,
    },
    wire::{
        message::{AccountState, Group as ToldGroup, MirrorBatch, Person as DirectoryPerson},
        outcome::Code,
    },
};
use uuid::Uuid;

use crate::support::{Cloud, HandAgent, Person, agent::somebody, person::code_to};

/// Alice and bob, and a directory in which all is well.
async fn office() -> (Cloud, HandAgent, Uuid) {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    agent.account = Some(AccountState { may_reset: Some(true), ..AccountState::default() });
    let alice = cloud.user("alice").await.user_id;
    (cloud, agent, alice)
}

async fn explains(cloud: &Cloud, user: Uuid) -> Report {
    let mut conn = cloud.app.db.acquire().await.unwrap();
    let tenant = tenants::by_id(&mut conn, &cloud.app.ring, cloud.tenant.scope.id()).await.unwrap();
    obstacles::of(&mut conn, &tenant, &cloud.clock, user).await.unwrap().unwrap()
}

/// How far alice's journey goes.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    /// Said before any effort is asked.
    Unavailable,
    /// She is shown what a stranger would be shown, and no code comes.
    Nobody,
    /// She must wait.
    Limited,
    /// Verified, and told this.
    Ended(String),
    /// No ticket is given.
    NoTicket(u16),
    Done,
}

async fn journey(cloud: &Cloud, agent: &mut HandAgent) -> Fate {
    journey_of(cloud, agent, "alice@mail.example").await
}

async fn journey_of(cloud: &Cloud, agent: &mut HandAgent, address: &str) -> Fate {
    let mut alice = Person::at(cloud);
    if alice.opens("/").await.page.status == 503 {
        return Fate::Unavailable;
    }
    alice.submits("/reset", &[("name", "alice")]).await.is_at("/reset/method");
    let nobodys = cloud.sql::<bool>("select user_id is null from flows order by flow_id desc limit 1").await;
    let seen = cloud.inbox.count(address);
    alice.submits("/reset/method", &[("method", "email")]).await;
    if alice.page.status == 429 {
        return Fate::Limited;
    }
    if nobodys {
        cloud.until("select count(*) from messages where state = 'waiting' and due_at <= now()", 0).await;
        let codes = cloud
            .inbox
            .all()
            .iter()
            .filter(|message| message.to == address)
            .skip(seen)
            .filter(|message| message.subject.contains("code"))
            .count();
        assert_eq!(codes, 0, "a stranger's flow sent a code");
        return Fate::Nobody;
    }
    let code = code_to(cloud, address, seen).await;
    tokio::join!(
        async {
            agent.lease(2).await;
        },
        async {
            alice.submits("/reset/code", &[("code", &code)]).await;
        }
    );
    if alice.page.status == 429 {
        return Fate::Limited;
    }
    if alice.page.path.starts_with("/reset/ended") {
        return Fate::Ended(alice.page.text());
    }
    alice.is_at("/reset/password");
    let (status, _) = alice.ticket().await;
    if status != 200 {
        return Fate::NoTicket(status);
    }
    alice.sets("Correct-Horse-7").await;
    agent.work(Code::Applied).await;
    alice.opens("/reset").await.is_at("/reset/done");
    Fate::Done
}

#[track_caller]
fn is_first(report: &Report, gate: Gate, wanted: impl FnOnce(&Cause) -> bool) {
    let (first, cause) = report.first().unwrap_or_else(|| panic!("nothing is shut: {:?}", report.gates));
    assert!(first == gate && wanted(cause), "{first:?}: {cause:?}");
    let shut = report.gates.iter().filter(|(_, verdict)| matches!(verdict, Verdict::Shut(_))).count();
    assert_eq!(shut, 1, "one cause was planted: {:?}", report.gates);
}

fn lack(report: &Report, method: Method) -> Option<Lack> {
    report.means.iter().find(|means| means.method == method).unwrap().lack
}

async fn sets(cloud: &Cloud, args: &[&str]) {
    let tenant = cloud.tenant.scope.id().to_string();
    cloud.administers(&[&["tenant", "set", &tenant], args].concat());
    cloud.hears().await;
}

#[tokio::test]
async fn all_gates_are_open_for_somebody_who_can() {
    let (cloud, mut agent, alice) = office().await;
    let report = explains(&cloud, alice).await;
    assert_eq!(report.first(), None, "{:?}", report.gates);
    let unknown: Vec<_> = report.gates.iter().filter(|(_, verdict)| *verdict != Verdict::Open).map(|(gate, _)| *gate).collect();
    assert_eq!(unknown, [Gate::Directory, Gate::Rights, Gate::Age], "only the directory knows, and nobody has asked it");
    assert_eq!((report.proofs, lack(&report, Method::Email), lack(&report, Method::Passkey)), ((1, 1), None, Some(Lack::Missing)));
    assert_eq!(report.policy.unwrap().name, "Everybody");
    assert_eq!(journey(&cloud, &mut agent).await, Fate::Done);
    let report = explains(&cloud, alice).await;
    assert!(report.gates.iter().all(|(_, verdict)| *verdict == Verdict::Open), "{:?}", report.gates);
    assert_eq!(report.gates.len(), 12);
    // What it said is old by now.
    cloud.clock.advance(2 * 3600);
    agent.beat(true).await;
    assert_eq!(explains(&cloud, alice).await.gates.last(), Some(&(Gate::Age, Verdict::Unknown(Cause::NotAsked))));

    let said = cloud.administers(&["user", "explain", "--tenant", &cloud.tenant.scope.id().to_string(), "alice"]);
    assert!(said.contains("ok  Self-service is on") && said.contains("Can reset, as far as is known"), "{said}");
    assert!(!said.contains("alice@mail.example"), "addresses are masked: {said}");
}

#[tokio::test]
async fn self_service_is_off() {
    let (cloud, mut agent, alice) = office().await;
    sets(&cloud, &["--self-service", "false"]).await;
    is_first(&explains(&cloud, alice).await, Gate::SelfService, |cause| *cause == Cause::SelfServiceOff);
    assert_eq!(journey(&cloud, &mut agent).await, Fate::Unavailable);
    let said = cloud.administers(&["user", "explain", "--tenant", &cloud.tenant.scope.id().to_string(), "alice"]);
    let command = format!("sspr tenant set {} --self-service true", cloud.tenant.scope.id());
    assert!(said.contains("NO  Self-service is on") && said.contains(&command), "{said}");
    let args: Vec<&str> = command.split(' ').skip(1).collect();
    cloud.administers(&args);
    assert_eq!(explains(&cloud, alice).await.first(), None, "the remedy works");
}

#[tokio::test]
async fn the_directory_has_disabled_protected_or_lost_the_account() {
    let (cloud, mut agent, alice) = office().await;
    agent.mirror(vec![DirectoryPerson { enabled: false, ..somebody("alice") }, somebody("bob")]).await;
    is_first(&explains(&cloud, alice).await, Gate::Account, |cause| *cause == Cause::Disabled);
    assert_eq!(journey(&cloud, &mut agent).await, Fate::Nobody);
    agent.mirror(vec![DirectoryPerson { protected: true, ..somebody("alice") }, somebody("bob")]).await;
    is_first(&explains(&cloud, alice).await, Gate::Account, |cause| *cause == Cause::Protected);
    assert_eq!(journey(&cloud, &mut agent).await, Fate::Nobody);
    agent.mirror(vec![somebody("bob")]).await;
    is_first(&explains(&cloud, alice).await, Gate::Account, |cause| matches!(cause, Cause::Removed(_)));
    assert_eq!(journey(&cloud, &mut agent).await, Fate::Nobody);
}

#[tokio::test]
async fn a_name_leads_to_nobody_in_particular() {
    let (cloud, mut agent, alice) = office().await;
    agent.mirror(vec![somebody("alice"), DirectoryPerson { guid: Uuid::from_u128(7), ..somebody("alice") }]).await;
    is_first(&explains(&cloud, alice).await, Gate::Name, |cause| *cause == Cause::NameShared);
    assert_eq!(journey(&cloud, &mut agent).await, Fate::Nobody);
}

#[tokio::test]
async fn an_account_that_follows_leads_to_the_one_that_it_follows() {
    let (cloud, mut agent, alice) = office().await;
    let branch = cloud.linked_connector("Branch").await;
    let mut second = cloud.agent_of(branch).await;
    second.mirror(vec![DirectoryPerson { guid: Uuid::from_u128(8), ..somebody("alice") }]).await;
    let follower = sqlx::query_scalar("select user_id from users where connector_id = $1").bind(branch);
    let follower: Uuid = follower.fetch_one(&cloud.app.db).await.unwrap();
    is_first(&explains(&cloud, follower).await, Gate::Name, |cause| *cause == Cause::Follows(alice));
    // Whoever types its name is alice.
    assert_eq!(explains(&cloud, alice).await.first(), None);
    let mut person = Person::at(&cloud);
    person.proves(&cloud, "alice").await;
    assert_eq!(cloud.sql::<Uuid>("select user_id from flows").await, alice);
    agent.beat(true).await;
}

#[tokio::test]
async fn no_policy_serves_them() {
    let (cloud, mut agent, alice) = office().await;
    cloud.policy(|terms| Draft { serves: false, ..terms }).await;
    is_first(&explains(&cloud, alice).await, Gate::Policy, |cause| *cause == Cause::NotServed("Everybody".into()));
    assert_eq!(journey(&cloud, &mut agent).await, Fate::Nobody);

    // For a group that she is not in.
    let staff = Uuid::from_u128(0x57aff);
    let groups = Some(vec![ToldGroup { guid: staff, name: "Staff".into() }]);
    let people = vec![somebody("alice"), DirectoryPerson { groups: vec![staff], ..somebody("bob") }];
    let batch = MirrorBatch { pass: id::random(), full: true, first: true, last: true, upserts: people, groups, ..MirrorBatch::default() };
    assert_eq!(agent.post("/agent/v1/directory", &batch).await.status(), 204);
    let group = Group { connector_id: cloud.connector, object_guid: staff, name: None };
    cloud.policy(|terms| Draft { serves: true, everybody: false, groups: vec![group.clone()], ..terms }).await;
    is_first(&explains(&cloud, alice).await, Gate::Policy, |cause| *cause == Cause::NoPolicy);
    assert_eq!(journey(&cloud, &mut agent).await, Fate::Nobody);
}

#[tokio::test]
async fn a_group_that_no_agent_tells_serves_nobody() {
    let (cloud, mut agent, alice) = office().await;
    let unknown = Group { connector_id: cloud.connector, object_guid: Uuid::from_u128(9), name: None };
    cloud.policy(|terms| Draft { exceptions: vec![unknown], ..terms }).await;
    is_first(&explains(&cloud, alice).await, Gate::Policy, |cause| *cause == Cause::GroupUnknown("Everybody".into()));
    assert_eq!(journey(&cloud, &mut agent).await, Fate::Nobody);
}

#[tokio::test]
async fn there_are_too_few_proofs() {
    let (cloud, mut agent, alice) = office().await;
    cloud.policy(|terms| Draft { gates: 2, methods: vec![Method::Email, Method::Sms, Method::Totp], ..terms }).await;
    let report = explains(&cloud, alice).await;
    is_first(&report, Gate::Methods, |cause| *cause == Cause::TooFew { has: 1, gates: 2 });
    assert_eq!((lack(&report, Method::Totp), lack(&report, Method::Passkey)), (Some(Lack::Missing), Some(Lack::NotOffered)));
    assert_eq!(journey(&cloud, &mut agent).await, Fate::Nobody);
    // Her phone, too, but not before tomorrow.
    cloud.registers_app("alice", time::Duration::hours(24)).await;
    let report = explains(&cloud, alice).await;
    is_first(&report, Gate::Methods, |cause| matches!(cause, Cause::CoolingOff(_)));
    assert!(matches!(lack(&report, Method::Totp), Some(Lack::CoolingOff(_))), "{:?}", report.means);
    assert_eq!(journey(&cloud, &mut agent).await, Fate::Nobody);
    cloud.clock.advance(24 * 3600 + 1);
    assert_eq!(fleeting(&mut agent, &cloud, alice).await.first(), None, "as soon as it said");
}

#[tokio::test]
async fn an_address_is_too_new_or_behind_the_password() {
    let (cloud, mut agent, alice) = office().await;
    cloud.policy(|terms| Draft { methods: vec![Method::Email], ..terms }).await;
    let moved = || DirectoryPerson { mail: Some("new@mail.example".into()), ..somebody("alice") };
    agent.mirror(vec![moved(), somebody("bob")]).await;
    let report = explains(&cloud, alice).await;
    is_first(&report, Gate::Methods, |cause| matches!(cause, Cause::CoolingOff(_)));
    assert_eq!(journey_of(&cloud, &mut agent, "new@mail.example").await, Fate::Nobody);
    let Some((_, Cause::CoolingOff(until))) = report.first() else { panic!() };
    let wait = (*until - cloud.clock.now()).whole_seconds();
    cloud.clock.advance(wait - 60);
    is_first(&fleeting(&mut agent, &cloud, alice).await, Gate::Methods, |cause| matches!(cause, Cause::CoolingOff(_)));
    cloud.clock.advance(61);
    assert_eq!(fleeting(&mut agent, &cloud, alice).await.first(), None);
    assert_eq!(journey_of(&cloud, &mut agent, "new@mail.example").await, Fate::Done);

    sets(&cloud, &["--mail-domains", "mail.example", "--yes"]).await;
    let report = explains(&cloud, alice).await;
    is_first(&report, Gate::Methods, |cause| *cause == Cause::TooFew { has: 0, gates: 1 });
    assert_eq!(lack(&report, Method::Email), Some(Lack::BehindPassword));
    assert_eq!(journey_of(&cloud, &mut agent, "new@mail.example").await, Fate::Nobody);
}

/// The agent's word is as old as the clock that a test moves.
async fn fleeting(agent: &mut HandAgent, cloud: &Cloud, user: Uuid) -> Report {
    agent.publish_key_again().await;
    agent.beat(true).await;
    explains(cloud, user).await
}

impl HandAgent {
    async fn publish_key_again(&mut self) {
        self.epoch += 1;
        self.sealing = sspr::wire::seal::KeyPair::generate();
        self.publish_key().await;
    }
}

#[tokio::test]
async fn tries_are_used_up() {
    let (cloud, mut agent, alice) = office().await;
    cloud.policy(|terms| Draft { methods: vec![Method::Email, Method::Totp], rises: false, ..terms }).await;
    let mut stranger = Person::at(&cloud);
    stranger.asks_for_a_code("alice").await;
    for _ in 0..6 {
        stranger.opens("/reset/code").await;
        if stranger.page.form("/reset/code").is_ok() {
            stranger.submits("/reset/code", &[("code", "000000")]).await;
        }
    }
    is_first(&explains(&cloud, alice).await, Gate::Limits, |cause| matches!(cause, Cause::Waits(Limit::CodeTry, _)));
    assert_eq!(journey(&cloud, &mut agent).await, Fate::Limited);
    // Her app is not what was guessed at.
    cloud.registers_app("alice", time::Duration::ZERO).await;
    assert_eq!(explains(&cloud, alice).await.first(), None);
}

#[tokio::test]
async fn the_account_is_frozen() {
    let (cloud, mut agent, alice) = office().await;
    let tenant = cloud.tenant.scope.id().to_string();
    cloud.administers(&["user", "freeze", "--tenant", &tenant, "alice", "--reason", "a call"]);
    is_first(
        &explains(&cloud, alice).await,
        Gate::Freeze,
        |cause| matches!(cause, Cause::Frozen(_, by, why) if by == "cli" && why == "a call"),
    );
    let fate = journey(&cloud, &mut agent).await;
    assert!(matches!(fate, Fate::Ended(_)), "{fate:?}");
    let said = cloud.administers(&["user", "explain", "--tenant", &tenant, "alice"]);
    assert!(said.contains(&format!("sspr user unfreeze --tenant {tenant} 'alice'")), "{said}");
}

#[tokio::test]
async fn writeback_is_off() {
    let (cloud, mut agent, alice) = office().await;
    cloud.administers(&["connector", "writeback", &cloud.connector.to_string(), "off"]);
    cloud.hears().await;
    is_first(&explains(&cloud, alice).await, Gate::Writeback, |cause| *cause == Cause::WritebackOff);
    assert_eq!(journey(&cloud, &mut agent).await, Fate::Unavailable);
}

#[tokio::test]
async fn the_agent_is_silent_keyless_blind_unconfirmed_or_not_there() {
    let (cloud, mut agent, alice) = office().await;
    agent.beat(false).await;
    is_first(&explains(&cloud, alice).await, Gate::Agent, |cause| *cause == Cause::Unreachable);
    cloud.clock.advance(60);
    is_first(&explains(&cloud, alice).await, Gate::Agent, |cause| *cause == Cause::Silent);
    assert_eq!(journey(&cloud, &mut agent).await, Fate::Unavailable);
    cloud.clock.advance(13 * 3600);
    agent.beat(true).await;
    is_first(&explains(&cloud, alice).await, Gate::Agent, |cause| *cause == Cause::NoKey);
    assert_eq!(journey(&cloud, &mut agent).await, Fate::Unavailable);
    cloud.administers(&["agent", "revoke", &agent.id.to_string()]);
    is_first(&explains(&cloud, alice).await, Gate::Agent, |cause| *cause == Cause::NoAgent);
    HandAgent::enrol(&cloud).await;
    is_first(&explains(&cloud, alice).await, Gate::Agent, |cause| *cause == Cause::Unconfirmed);
    cloud.clock.advance(60);
    assert_eq!(journey(&cloud, &mut agent).await, Fate::Unavailable);
}

#[tokio::test]
async fn what_the_directory_says_of_the_account_bars_her() {
    for (account, gate, cause) in [
        (AccountState { account_expired: true, ..AccountState::default() }, Gate::Directory, Cause::Barred(Code::AccountExpired)),
        (AccountState { locked_for_good: true, ..AccountState::default() }, Gate::Directory, Cause::Barred(Code::LockedForGood)),
        (AccountState { may_reset: Some(false), ..AccountState::default() }, Gate::Rights, Cause::NoRight),
    ] {
        let (cloud, mut agent, alice) = office().await;
        agent.account = Some(AccountState { may_reset: account.may_reset.or(Some(true)), ..account });
        let fate = journey(&cloud, &mut agent).await;
        assert!(matches!(fate, Fate::Ended(_)), "{fate:?}");
        is_first(&explains(&cloud, alice).await, gate, |found| *found == cause);
    }
    let (cloud, mut agent, alice) = office().await;
    let allowed_at = cloud.clock.seconds() + 86_400;
    agent.account = Some(AccountState { hints: true, allowed_at: Some(allowed_at), may_reset: Some(true), ..AccountState::default() });
    let fate = journey(&cloud, &mut agent).await;
    assert!(matches!(fate, Fate::Ended(_)), "{fate:?}");
    is_first(
        &explains(&cloud, alice).await,
        Gate::Age,
        |cause| matches!(cause, Cause::TooYoung(Some(at)) if at.unix_timestamp() == allowed_at),
    );
}

/// As Active Directory: nothing tells beforehand of the right to set a password. That is not as if nobody had asked.
#[tokio::test]
async fn a_right_that_the_directory_tells_nobody_of_is_not_known() {
    let (cloud, mut agent, alice) = office().await;
    agent.account = Some(AccountState { may_reset: None, ..AccountState::default() });
    assert_eq!(journey(&cloud, &mut agent).await, Fate::Done);
    let report = explains(&cloud, alice).await;
    let unknown: Vec<_> = report.gates.iter().filter(|(_, verdict)| *verdict != Verdict::Open).collect();
    assert_eq!(unknown, [&(Gate::Rights, Verdict::Unknown(Cause::NotTold))]);
}

#[tokio::test]
async fn another_tenants_people_are_as_if_they_were_not_there() {
    let (cloud, _agent, alice) = office().await;
    let mut conn = cloud.app.db.acquire().await.unwrap();
    let new = tenants::New { name: "Neighbour", host: "neighbour.example", language: Language::English, help: None };
    let other = tenants::create(&mut conn, &cloud.app.ring, &cloud.clock, new).await.unwrap();
    assert!(obstacles::of(&mut conn, &other, &cloud.clock, alice).await.unwrap().is_none());
}

/// What the console counts of everybody and what it says of one person are worked out apart, and must be one judgement: over people with
/// all kinds of contacts and methods, under all kinds of policies.
#[tokio::test]
async fn what_is_said_of_one_is_what_is_counted_of_all() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    let staff = Uuid::from_u128(0x57aff);
    let mut people = Vec::new();
    // Each of two mailboxes at home, elsewhere or none, a number at home, abroad or none; every third is staff, one is disabled.
    for n in 0..27_usize {
        let (mail, private, mobile) = (n % 3, n / 3 % 3, n / 9);
        let place = |which: usize, name: &str| match which {
            0 => None,
            1 => Some(format!("{name}{n}@corp.example")),
            _ => Some(format!("{name}{n}@home.example")),
        };
        people.push(DirectoryPerson {
            mail: place(mail, "p"),
            private_mail: place(private, "q"),
            mobile: ["", "+49 170 55512", "+43 660 55512"].get(mobile).filter(|text| !text.is_empty()).map(|text| format!("{text}{n:02}")),
            groups: if n % 3 == 0 { vec![staff] } else { Vec::new() },
            enabled: n != 13,
            ..somebody(&format!("p{n}"))
        });
    }
    agent.tells(&[(staff, "Staff")], people).await;
    for n in (0..27).step_by(2) {
        let later = time::Duration::hours(if n % 4 == 0 { 0 } else { 30 });
        cloud.registers_app(&format!("p{n}"), later).await;
    }
    for n in (0..27).step_by(5) {
        cloud.makes_codes(&format!("p{n}")).await;
    }
    let group = Group { connector_id: cloud.connector, object_guid: staff, name: None };
    let all = Draft { methods: Method::ALL.into(), ..Draft::new("Everybody", 1000) };
    let drafts = [
        Draft { everybody: true, ..all.clone() },
        Draft { everybody: true, gates: 2, apart: true, ..all.clone() },
        Draft { everybody: true, gates: 2, methods: vec![Method::Email, Method::Sms, Method::Totp, Method::RecoveryCode], ..all.clone() },
        Draft { everybody: true, methods: vec![Method::Email, Method::Sms], countries: vec!["43".into()], ..all.clone() },
        Draft { everybody: true, methods: vec![Method::PrivateEmail, Method::Totp], rises: true, cooling_off: 0, ..all.clone() },
        Draft { groups: vec![group.clone()], methods: vec![Method::Sms, Method::HelpDesk], rises: false, ..all.clone() },
        Draft { everybody: true, exceptions: vec![group], gates: 1, rises: false, ..all },
    ];
    let mut seen = std::collections::BTreeSet::new();
    for settings in [&["--mail-domains", ""][..], &["--mail-domains", "corp.example", "--sms-countries", "49"]] {
        sets(&cloud, &[settings, &["--yes"]].concat()).await;
        for draft in &drafts {
            let alone = Rules { policies: vec![Policy { policy_id: id::random(), terms: draft.clone() }], privileged: Vec::new() };
            let (mut tx, change) = (cloud.app.begin().await.unwrap(), (&Change::Restore(alone), None));
            policies::change(&mut tx, &cloud.tenant.scope, &cloud.clock, &Source::house("cli"), change).await.unwrap().unwrap();
            tx.commit().await.unwrap();
            let mut conn = cloud.app.db.acquire().await.unwrap();
            let tenant = tenants::by_id(&mut conn, &cloud.app.ring, cloud.tenant.scope.id()).await.unwrap();
            let counted = coverage::of(&mut conn, &tenant, &cloud.clock).await.unwrap().people;
            assert_eq!(counted.len(), 27);
            for (user, coverage::Person { name, standing, .. }) in counted {
                let report = obstacles::of(&mut conn, &tenant, &cloud.clock, user).await.unwrap().unwrap();
                let cause = |gate: Gate| {
                    report.gates.iter().find(|(at, _)| *at == gate).and_then(|(_, verdict)| match verdict {
                        Verdict::Shut(cause) => Some(cause),
                        Verdict::Open | Verdict::Unknown(_) => None,
                    })
                };
                let said = match (cause(Gate::Account), cause(Gate::Policy), cause(Gate::Methods)) {
                    (Some(_), ..) => "closed".to_owned(),
                    (_, Some(_), _) => "not served".to_owned(),
                    (_, _, Some(Cause::CoolingOff(_))) => "cooling off".to_owned(),
                    (_, _, Some(Cause::TooFew { has, gates })) => format!("{has} of {gates}"),
                    (_, _, Some(other)) => panic!("{other:?}"),
                    (_, _, None) => "able".to_owned(),
                };
                let counted = match standing {
                    Standing::Closed => "closed".to_owned(),
                    Standing::NotServed => "not served".to_owned(),
                    Standing::CoolingOff => "cooling off".to_owned(),
                    Standing::TooFew { has, gates } => format!("{has} of {gates}"),
                    _ => "able".to_owned(),
                };
                assert_eq!(said, counted, "{name}, {settings:?}, {draft:?}: {report:?}");
                seen.insert(said);
            }
        }
    }
    assert!(["able", "closed", "cooling off", "not served", "0 of 1", "1 of 2"].iter().all(|one| seen.contains(*one)), "{seen:?}");
}
