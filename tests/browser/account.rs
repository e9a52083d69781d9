//! A password that one knows, and one's own page, in real Chromium and down to a real domain controller.

use sspr::lab::samba::{BindOutcome, Samba, SambaOptions};

use crate::{
    journey::{
        proves,
        real::{Cloud, Office},
    },
    support::browser::{Browser, Screen, story},
};

const NEW: &str = "Kuvo-tare-mipe-58";
const NEWER: &str = "Zifo-kano-welu-27";

/// Sign in with the code and this password.
pub async fn signs_in(browser: &Browser, cloud: &Cloud, name: &str, mail: &str, password: &str) {
    proves(browser, cloud, "/account/sign-in", name, mail).await;
    browser.sees("Enter your password").await;
    browser.types("Current password", password).await;
    browser.clicks("Sign in").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_has_run_out_is_changed_by_whoever_knows_it() {
    let samba = Samba::start(&SambaOptions::default()).expect("a domain controller");
    let (user, cloud) = (&samba.users[4], Cloud::start().await);
    let mail = user.mail.as_deref().expect("an address");
    let _office = Office::start(&cloud, &samba).await;
    // All passwords older than a second have run out, but for the administrator's and the agent's own.
    for dn in [format!("CN=Administrator,CN=Users,{}", samba.base_dn), samba.bind_dn.clone()] {
        samba.set(&dn, "userAccountControl", "66048").await.expect("a password that never runs out");
    }
    samba.set(&samba.base_dn, "maxPwdAge", "-10000000").await.expect("a maximum age");
    assert_eq!(samba.bind_as(&user.principal_name, &user.password).await.expect("an answer"), BindOutcome::Refused("532".into()));
    story(async |browser| {
        browser.has_screen(Screen::Phone).await;
        browser.opens(&cloud.url).await;
        browser.clicks("I know my password and want to change it").await;
        browser.sees("Change your password").await;
        browser.is_accessible().await;
        browser.shot("change-begins").await;
        proves(&browser, &cloud, "/change", &user.sign_in_name, mail).await;
        browser.sees("Current password").await;
        browser.types("Current password", "Not-this-one-7").await;
        browser.types("New password", NEW).await;
        browser.clicks("Set new password").await;
        browser.sees("This is not your current password").await;
        browser.is_accessible().await;
        browser.shot("change-wrong").await;
        browser.types("Current password", &user.password).await;
        browser.types("New password", NEW).await;
        browser.is_accessible().await;
        browser.shot("change-filled").await;
        browser.clicks("Set new password").await;
        browser.arrives_at("/reset/done").await;
        browser.sees("Your password is changed").await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
    samba.set(&samba.base_dn, "maxPwdAge", "-36288000000000").await.expect("a maximum age");
    assert_eq!(samba.bind_as(&user.principal_name, NEW).await.expect("an answer"), BindOutcome::Accepted);
    assert_eq!(cloud.sql::<i64>("select count(*) from jobs where kind = 'change' and state = 'applied'").await, 1);
    assert_eq!(cloud.sql::<i64>("select count(*) from jobs where kind = 'reset'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn ones_own_page_from_signing_in_to_signing_out() {
    let samba = Samba::start(&SambaOptions::default()).expect("a domain controller");
    let (user, cloud) = (&samba.users[5], Cloud::start().await);
    let (name, mail) = (&user.sign_in_name, user.mail.as_deref().expect("an address"));
    let _office = Office::start(&cloud, &samba).await;
    story(async |browser| {
        browser.has_screen(Screen::Phone).await;
        browser.opens(&cloud.url).await;
        browser.clicks("Manage how I sign in and reset").await;
        browser.sees("Sign in to your account page").await;
        browser.is_accessible().await;
        browser.shot("sign-in-begins").await;
        signs_in(&browser, &cloud, name, mail, "Not-this-one-7").await;
        browser.sees("This is not your current password").await;
        browser.is_accessible().await;
        browser.shot("sign-in-wrong").await;
        browser.types("Current password", &user.password).await;
        browser.clicks("Sign in").await;
        // The button behind the answer presses itself.
        browser.arrives_at("/account").await;
        browser.sees("This browser").await;
        browser.sees("Somebody signed in to this page").await;
        browser.is_accessible().await;
        browser.shot("account-signed-in").await;

        // Another browser is signed in as well, and is signed out from here.
        let _elsewhere = cloud.session_of(name).await;
        browser.opens(&format!("{}/account", cloud.url)).await;
        browser.sees("Firefox on Linux").await;
        browser.clicks("Sign out there").await;
        browser.sees("You are signed in nowhere else.").await;
        assert_eq!(cloud.sql::<i64>("select count(*) from sessions").await, 1);

        // A change within the session.
        browser.clicks("Change my password").await;
        browser.sees("Current password").await;
        browser.types("Current password", &user.password).await;
        browser.types("New password", NEWER).await;
        browser.clicks("Set new password").await;
        browser.arrives_at("/reset/done").await;
        browser.sees("Your password is changed").await;
        browser.clicks("Finish").await;
        browser.arrives_at("/account").await;
        browser.sees("Your password was changed").await;

        browser.chooses("Deutsch").await;
        browser.clicks("Use this language").await;
        browser.sees("Ihr Konto").await;
        browser.is_accessible().await;
        browser.shot("account-german").await;
        browser.clicks("Abmelden").await;
        browser.arrives_at("/").await;
        browser.opens(&format!("{}/account", cloud.url)).await;
        browser.arrives_at("/account/sign-in").await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
    assert_eq!(samba.bind_as(&user.principal_name, NEWER).await.expect("an answer"), BindOutcome::Accepted);
    assert_eq!(cloud.sql::<i64>("select count(*) from sessions").await, 0);
}
