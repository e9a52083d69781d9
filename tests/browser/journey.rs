//! The whole journey in real Chromium against the real server. The agent is driven by hand, so that each state can be looked at
//! while it lasts.

#[path = "../it/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the other binary's tests use the rest")]
mod real;

use sspr::wire::outcome::Code;

use self::real::{Cloud, agent::somebody};
use crate::support::browser::story;

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_is_refused_once_and_then_set() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![somebody("alice")]).await;
    story(async |browser| {
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
