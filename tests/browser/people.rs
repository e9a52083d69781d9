//! People in the console, in real Chromium: found as one types, looked at, helped; and a temporary password that only this browser, the
//! agent and the domain controller ever had.

use sspr::{
    domain::operators::Role,
    lab::samba::{BindOutcome, Samba, SambaOptions},
    wire::{
        message::{AccountState, Person as DirectoryPerson},
        outcome::Code,
        ticket::Kind,
    },
};

use crate::{
    console::{is_at_console, pictures},
    journey::{
        proves,
        real::{Cloud, Office, agent::somebody},
    },
    support::browser::story,
};

#[tokio::test(flavor = "multi_thread")]
async fn people_are_found_as_one_types_and_their_names_are_text() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    let hostile = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>";
    let mallory = DirectoryPerson { display_name: hostile.into(), ..somebody("mallory") };
    let disabled = DirectoryPerson { enabled: false, display_name: "Person Dora Deactivated-Doppelname".into(), ..somebody("dora") };
    agent.mirror(vec![somebody("alice"), somebody("bob"), mallory, disabled]).await;
    let operator = cloud.operator(Role::HelpDesk).await;
    story(async |browser| {
        is_at_console(&browser, &cloud, &operator).await;
        agent.beat(true).await;
        browser.opens(&format!("{}/console/people", cloud.url)).await;
        browser.sees("Find a person").await;
        pictures(&browser, "people-begin").await;
        // Nothing is pressed.
        browser.types("Name, sign-in name, address or phone", "person").await;
        browser.sees("3 people").await;
        browser.sees("Disabled in the directory").await;
        assert!(browser.url().await.ends_with("/console/people?q=person"), "{}", browser.url().await);
        pictures(&browser, "people-found").await;
        browser.types("Name, sign-in name, address or phone", "img").await;
        browser.sees("<img src=x").await;
        browser.types("Name, sign-in name, address or phone", "zebra").await;
        browser.sees("Nobody is called that").await;
        pictures(&browser, "people-nobody").await;
        browser.types("Name, sign-in name, address or phone", "mallory").await;
        browser.sees("One person").await;
        browser.runs("document.querySelector('#rows a').click();").await;
        browser.sees("Why can this person reset?").await;
        let title = browser.runs("return document.title;").await;
        assert!(title.as_str().is_some_and(|title| title.starts_with("<img")), "{title}");
        browser.has_nothing_to_complain_of().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_person_holds_everything_there_is_to_know() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![somebody("alice"), somebody("bob")]).await;
    cloud.administers(&["connector", "unlock", &cloud.connector.to_string(), "on"]);
    cloud.registers_app("alice", time::Duration::ZERO).await;
    let operator = cloud.operator(Role::Administrator).await;
    let alice = cloud.user("alice").await.user_id;
    story(async |browser| {
        is_at_console(&browser, &cloud, &operator).await;
        agent.beat(true).await;
        browser.opens(&format!("{}/console/people/{alice}", cloud.url)).await;
        browser.sees("Nothing that is known here stands in the way").await;
        pictures(&browser, "person").await;
        // An agent that takes its time: the page waits with them.
        browser.clicks("Ask the directory now").await;
        browser.sees("Waiting for an agent").await;
        pictures(&browser, "job").await;
        agent.account = Some(AccountState { locked: true, may_reset: Some(false), ..AccountState::default() });
        agent.lease(2).await;
        browser.sees("The directory has answered").await;
        browser.sees("has no right to set this password").await;
        browser.types("Why? For whoever looks next", "A caller who was not her").await;
        browser.clicks("Freeze this account").await;
        browser.sees("The account is frozen, and they are told").await;
        pictures(&browser, "person-frozen").await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_temporary_password_that_is_refused_is_not_shown() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![somebody("alice")]).await;
    let operator = cloud.operator(Role::HelpDesk).await;
    let alice = cloud.user("alice").await.user_id;
    story(async |browser| {
        is_at_console(&browser, &cloud, &operator).await;
        agent.beat(true).await;
        browser.opens(&format!("{}/console/people/{alice}/temporary", cloud.url)).await;
        pictures(&browser, "temporary").await;
        agent.beat(true).await;
        browser.clicks("Make and set a temporary password").await;
        let job = agent.work(Code::PolicyHistory).await;
        assert_eq!(job.ticket.kind, Kind::Temporary);
        let refused = agent.open(&job).expect("sealed for this agent");
        browser.sees("refused it. Nothing was changed. (policy_history)").await;
        browser.does_not_see(&refused).await;
        browser.clicks("Make and set a temporary password").await;
        let job = agent.work(Code::Applied).await;
        let set = agent.open(&job).expect("sealed for this agent");
        assert_ne!(set, refused);
        browser.sees(&set).await;
        pictures(&browser, "temporary-set").await;
        // Shown once.
        browser.opens(&format!("{}/console/people/{alice}", cloud.url)).await;
        browser.goes_back().await;
        browser.sees("Make and set a temporary password").await;
        browser.does_not_see(&set).await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_temporary_password_must_be_changed_at_the_next_sign_in_to_the_domain() {
    let samba = Samba::start(&SambaOptions::default()).expect("a domain controller");
    let cloud = Cloud::start().await;
    let _office = Office::start(&cloud, &samba).await;
    let user = &samba.users[0];
    let mail = user.mail.as_deref().expect("user01 has an address");
    let mut password = String::new();
    let operator = cloud.operator(Role::HelpDesk).await;
    let id = cloud.user(&user.sign_in_name).await.user_id;
    story(async |browser| {
        is_at_console(&browser, &cloud, &operator).await;
        browser.opens(&format!("{}/console/people/{id}", cloud.url)).await;
        browser.clicks("Temporary password…").await;
        browser.clicks("Make and set a temporary password").await;
        browser.sees("It is set. Read it to them").await;
        let shown = browser.runs("return document.querySelector('#temporary-shown code').textContent;").await;
        shown.as_str().expect("a password").clone_into(&mut password);
        let answer = samba.bind_as(&user.principal_name, &password).await.expect("an answer");
        assert_eq!(answer, BindOutcome::Refused("773".into()), "right, and must be changed");
        let before = samba.bind_as(&user.principal_name, &user.password).await.expect("an answer");
        assert_eq!(before, BindOutcome::Refused("52e".into()), "the one before is no more");
        // The person is told, the trail says who, and nobody in between has it.
        let message = cloud.inbox.wait_for(mail, 0).await.expect("a notice");
        assert!(message.text.contains("has just been changed"), "{}", message.text);
        let actor: String = cloud.sql("select actor from audit_events where action = 'reset.submit' and outcome = 'accepted'").await;
        assert!(actor.starts_with("operator:"), "{actor}");
        assert!(!cloud.dump().await.contains(&password), "the password lies in the database");
        assert!(cloud.inbox.all().iter().all(|message| !message.text.contains(&password)));
        browser.has_nothing_to_complain_of().await;
    })
    .await;
    // Away from the domain they change it here, by knowing it.
    story(async |browser| {
        proves(&browser, &cloud, "/change", &user.sign_in_name, mail).await;
        browser.types("Current password", &password).await;
        browser.types("New password", "Kuvo-tare-mipe-58").await;
        browser.clicks("Set new password").await;
        browser.arrives_at("/reset/done").await;
        browser.sees("Your password is changed").await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
    assert_eq!(samba.bind_as(&user.principal_name, "Kuvo-tare-mipe-58").await.expect("an answer"), BindOutcome::Accepted);
    assert_eq!(cloud.sql::<i64>("select count(*) from jobs where kind = 'change' and state = 'applied'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_two_is_allowed_by_a_colleague_and_done() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![somebody("alice")]).await;
    cloud.registers_app("alice", time::Duration::ZERO).await;
    let tenant = cloud.tenant.scope.id().to_string();
    cloud.administers(&["tenant", "set", &tenant, "--approvals", "method,temporary"]);
    let asker = cloud.operator(Role::HelpDesk).await;
    let decider = cloud.operator(Role::Administrator).await;
    let alice = cloud.user("alice").await.user_id;
    let mut wanted = String::new();
    story(async |browser| {
        is_at_console(&browser, &cloud, &asker).await;
        browser.opens(&format!("{}/console/approvals", cloud.url)).await;
        pictures(&browser, "approvals-none").await;
        browser.opens(&format!("{}/console/people/{alice}", cloud.url)).await;
        browser.runs("document.querySelector('form[action$=\"/method\"]').closest('details').open = true;").await;
        browser.runs("document.querySelector('form[action$=\"/method\"] button').click();").await;
        browser.sees("What exactly will be done").await;
        pictures(&browser, "approval-ask").await;
        browser.types("Why is it needed?", "Lost her phone, called from her office").await;
        browser.clicks("Ask for it").await;
        browser.sees("Now somebody else has to look at it").await;
        pictures(&browser, "approval-mine").await;
        wanted = browser.url().await;
        browser.opens(&format!("{}/console/people/{alice}/temporary", cloud.url)).await;
        browser.sees("takes two here").await;
        pictures(&browser, "temporary-asks").await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
    story(async |browser| {
        is_at_console(&browser, &cloud, &decider).await;
        browser.opens(&format!("{}/console", cloud.url)).await;
        browser.sees("One act waits for your decision").await;
        pictures(&browser, "overview-waiting").await;
        browser.opens(&format!("{}/console/approvals", cloud.url)).await;
        pictures(&browser, "approvals").await;
        browser.clicks("Removal of a method").await;
        browser.sees("Lost her phone").await;
        pictures(&browser, "approval").await;
        browser.clicks("Allow this").await;
        browser.sees("Decided by").await;
        pictures(&browser, "approval-done").await;
        browser.opens(&format!("{}/console/approvals/rules", cloud.url)).await;
        pictures(&browser, "approval-rules").await;
        browser.opens(&format!("{wanted}?lang=de")).await;
        browser.sees("Was genau getan wird").await;
        pictures(&browser, "approval-de").await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
    assert_eq!(cloud.sql::<i64>("select count(*) from authenticators").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_on_is_seen_as_it_happens() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![somebody("alice"), somebody("bob"), somebody("carol")]).await;
    let operator = cloud.operator(Role::Administrator).await;
    story(async |browser| {
        is_at_console(&browser, &cloud, &operator).await;
        browser.opens(&format!("{}/console/jobs", cloud.url)).await;
        browser.sees("None at the moment").await;
        agent.beat(true).await;
        for (name, code) in [("alice", Code::Applied), ("bob", Code::PolicyHistory)] {
            crate::journey::real::Person::at(&cloud).proves(&cloud, name).await.sets("Correct-Horse-7").await;
            agent.work(code).await;
        }
        crate::journey::real::Person::at(&cloud).proves(&cloud, "carol").await.sets("Correct-Horse-7").await;
        // The page itself was not loaded again.
        browser.sees("Waits for an agent").await;
        browser.sees("Person alice").await;
        pictures(&browser, "jobs").await;
        sspr::worker::count(&cloud.app).await.expect("counted");
        sqlx::query("delete from coverage_counts").execute(&cloud.app.db).await.expect("forgotten");
        sspr::worker::cover(&cloud.app).await.expect("counted");
        browser.opens(&format!("{}/console?days=7", cloud.url)).await;
        browser.sees("Who can use it").await;
        pictures(&browser, "overview-figures").await;
        browser.opens(&format!("{}/console?days=1&lang=de", cloud.url)).await;
        browser.sees("Wer es nutzen kann").await;
        pictures(&browser, "overview-figures-de").await;
        browser.opens(&format!("{}/console/report?lang=en", cloud.url)).await;
        pictures(&browser, "report").await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
}
