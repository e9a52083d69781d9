//! The whole journey in real Chromium against the real server: once with an agent driven by hand, so that each state can be looked
//! at while it lasts, and once with everything real down to the domain controller.

#[path = "../it/support/mod.rs"]
#[expect(dead_code, reason = "the other binary's tests use the rest")]
pub mod real;

use serde_json::json;
use sspr::{
    lab::samba::{BindOutcome, Release, Samba, SambaOptions},
    wire::outcome::Code,
};

use self::real::{
    Cloud, HandAgent, Office, Person,
    agent::somebody,
    person::{code_in, code_to},
};
use crate::support::browser::{Browser, Screen, story};

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_is_refused_once_and_then_set() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![somebody("alice")]).await;
    story(async |browser| {
        // The browser may have taken its time to start: nobody counts as silent.
        agent.beat(true).await;
        browser.opens(&cloud.url).await;
        browser.is_accessible().await;
        browser.types("Sign-in name or e-mail address", "alice").await;
        browser.clicks("Continue").await;

        browser.sees("Where shall we send your code?").await;
        browser.is_accessible().await;
        browser.chooses("E-mail").await;
        browser.clicks("Send code").await;

        browser.sees("If the account exists, we have sent an e-mail").await;
        browser.is_accessible().await;
        browser.types("Code with 6 digits", &cloud.newest_code().await).await;
        browser.clicks("Continue").await;

        browser.sees("Choose a new password").await;
        browser.is_accessible().await;
        browser.types("New password", "Kuvo-tare-mipe-58").await;
        browser.clicks("Set new password").await;
        browser.arrives_at("/reset/status").await;
        let job = agent.work(Code::PolicyHistory).await;
        assert_eq!(agent.open(&job).expect("sealed for this agent"), "Kuvo-tare-mipe-58");

        // Refused, and still proven.
        browser.sees("You have used this password before").await;
        browser.is_accessible().await;
        browser.shot("journey-refused").await;
        browser.clicks("Suggest a password").await;
        let password = browser.value("New password").await;
        browser.clicks("Set new password").await;
        browser.sees("Waiting for your organisation").await;
        browser.shot("journey-waiting").await;
        let job = agent.lease(5).await.remove(0);
        browser.sees("Being set by your domain controller").await;
        browser.is_accessible().await;
        browser.shot("journey-leased").await;
        assert_eq!(agent.open(&job).expect("sealed for this agent"), password);
        let result = agent.result_of(&job, Code::Applied);
        assert_eq!(agent.tell(&result).await.status().as_u16() / 100, 2);

        browser.arrives_at("/reset/done").await;
        browser.sees("Your password is changed").await;
        browser.is_accessible().await;
        browser.shot("journey-done").await;
        browser.clicks("Finish").await;
        browser.does_not_see("went wrong").await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
}

/// From a first page (`/`, `/change`, `/account/sign-in`) to the one behind the code that is sent by mail.
pub async fn proves(browser: &Browser, cloud: &Cloud, first: &str, name: &str, mail: &str) {
    let seen = cloud.inbox.count(mail);
    browser.opens(&format!("{}{first}", cloud.url)).await;
    browser.types("Sign-in name or e-mail address", name).await;
    browser.clicks("Continue").await;
    browser.sees("Where shall we send your code?").await;
    browser.chooses("E-mail").await;
    browser.clicks("Send code").await;
    browser.sees("If the account exists, we have sent an e-mail").await;
    browser.types("Code with 6 digits", &code_to(cloud, mail, seen).await).await;
    browser.clicks("Continue").await;
}

/// Alice has proven who she is, and is to choose a password.
async fn is_about_to_choose(browser: &Browser, cloud: &Cloud, agent: &mut HandAgent) {
    // The browser may have taken its time to start: nobody counts as silent.
    agent.beat(true).await;
    proves(browser, cloud, "/", "alice", "alice@mail.example").await;
    browser.sees("Choose a new password").await;
}

/// She goes on, although the browser has one journey at a time, and that is the other tab's by now.
async fn goes_on_behind(other_tab: &Person, browser: &Browser, cloud: &Cloud, agent: &mut HandAgent) {
    let flow = &other_tab.browser.cookies["sspr_flow"];
    let cookie = json!({ "name": "sspr_flow", "value": flow, "url": cloud.url, "httpOnly": true, "sameSite": "Lax" });
    browser.cdp("Network.setCookie", cookie).await;
    agent.beat(true).await;
    browser.types("New password", "Kuvo-tare-mipe-58").await;
    browser.clicks("Set new password").await;
    browser.sees("Your proof is no longer valid").await;
}

/// In the tab that is left behind nothing will do any more, and it says where to begin.
#[tokio::test(flavor = "multi_thread")]
async fn a_tab_that_another_one_overtook_leads_on() {
    let (cloud, mut agent) = Cloud::with_people(&["alice"]).await;
    story(async |browser| {
        is_about_to_choose(&browser, &cloud, &mut agent).await;
        let mut other_tab = Person::at(&cloud);
        other_tab.opens("/account/sign-in").await.submits("/account/sign-in", &[("name", "alice")]).await.is_at("/reset/method");
        goes_on_behind(&other_tab, &browser, &cloud, &mut agent).await;
        browser.is_accessible().await;
        browser.shot("journey-overtaken").await;
        browser.clicks("Start again").await;
        browser.arrives_at("/").await;
        browser.sees("Sign-in name or e-mail address").await;
    })
    .await;
}

/// Whoever helps two people in two tabs: what is typed for one never becomes the other's.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_goes_to_nobody_but_whom_its_page_is_about() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    story(async |browser| {
        is_about_to_choose(&browser, &cloud, &mut agent).await;
        let mut other_tab = Person::at(&cloud);
        other_tab.proves(&cloud, "bob").await;
        goes_on_behind(&other_tab, &browser, &cloud, &mut agent).await;
        assert_eq!(cloud.sql::<i64>("select count(*) from jobs where kind = 'reset' and state <> 'offered'").await, 0);
        // The other tab is as good as before.
        other_tab.sets("Correct-Horse-7").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_phone_down_to_a_domain_controller_with_policy_hints() {
    down_to_the_domain_controller(Release::Backports).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_phone_down_to_a_domain_controller_without_them() {
    down_to_the_domain_controller(Release::System).await;
}

/// Mail in, password set, signed in to the domain; axe has nothing to say on any page.
async fn down_to_the_domain_controller(release: Release) {
    let samba = Samba::start(&SambaOptions { release, ..SambaOptions::default() }).expect("a domain controller");
    let cloud = Cloud::start().await;
    let _office = Office::start(&cloud, &samba).await;
    let user = &samba.users[0];
    let mail = user.mail.as_deref().expect("user01 has an address");
    story(async |browser| {
        browser.has_screen(Screen::Phone).await;
        browser.opens(&cloud.url).await;
        browser.is_accessible().await;
        browser.types("Sign-in name or e-mail address", &user.sign_in_name).await;
        browser.clicks("Continue").await;
        browser.sees("Where shall we send your code?").await;
        browser.is_accessible().await;
        browser.chooses("E-mail").await;
        browser.clicks("Send code").await;
        browser.sees("If the account exists, we have sent an e-mail").await;
        browser.is_accessible().await;
        let message = cloud.inbox.wait_for(mail, 0).await.expect("a mail with the code");
        browser.types("Code with 6 digits", &code_in(&message.text)).await;
        browser.clicks("Continue").await;
        browser.sees("Choose a new password").await;
        browser.sees("At least 8 characters").await;
        browser.is_accessible().await;
        if samba.policy_hints {
            // The directory remembers what the page cannot know.
            browser.types("New password", &user.password).await;
            browser.clicks("Set new password").await;
            browser.sees("You have used this password before").await;
            browser.is_accessible().await;
        }
        browser.types("New password", "Gr\u{fc}ne-Wiese-58").await;
        browser.clicks("Set new password").await;
        browser.arrives_at("/reset/done").await;
        browser.sees("Your password is changed").await;
        browser.is_accessible().await;
        browser.shot(if samba.policy_hints { "journey-424" } else { "journey-417" }).await;
        browser.clicks("Finish").await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
    assert_eq!(samba.bind_as(&user.principal_name, "Gr\u{fc}ne-Wiese-58").await.expect("an answer"), BindOutcome::Accepted);
    assert_eq!(samba.bind_as(&user.principal_name, &user.password).await.expect("an answer"), BindOutcome::Refused("52e".into()));
}
