//! The whole journey when all goes well, and its turns when it does not.

use reqwest::{Client, header, redirect};
use sspr::wire::outcome::Code;

use crate::support::{Cloud, Person, agent::somebody};

#[tokio::test]
async fn a_forgotten_password_is_reset() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![somebody("alice"), somebody("bob")]).await;

    let mut alice = Person::at(&cloud);
    alice.proves(&cloud, "alice").await;
    alice.sets("Correct-Horse-7").await;
    alice.opens("/reset/status").await.is_at("/reset/status");

    let job = agent.work(Code::Applied).await;
    assert_eq!(agent.open(&job).unwrap(), "Correct-Horse-7");
    assert_eq!(job.ticket.user, somebody("alice").guid);
    let told = alice.is_told().await;
    assert_eq!((told["state"].as_str(), told["next"].as_str()), (Some("applied"), Some("/reset/done")));
    alice.opens("/reset/done").await.is_at("/reset/done");

    // A notice to every address on file.
    let notice = cloud.inbox.wait_for("alice@mail.example", 1).await.unwrap();
    assert!(notice.subject.contains("changed"), "{}", notice.subject);
    cloud.inbox.wait_for(&somebody("alice").mobile.unwrap(), 0).await.unwrap();

    // The ciphertext is gone, the tombstone stays.
    assert_eq!(
        cloud
            .sql::<i64>("select count(*) from jobs where kind = 'reset' and state = 'applied' and envelopes is null and result is not null")
            .await,
        1
    );
    assert_eq!(cloud.sql::<i64>("select count(*) from active_jobs").await, 0);

    alice.submits("/reset/end", &[]).await.is_at("/");
    alice.opens("/reset/done").await.is_at("/");
}

#[tokio::test]
async fn at_the_end_the_browser_forgets_all_of_it() {
    let (cloud, mut agent) = Cloud::with_people(&["alice"]).await;
    let mut alice = Person::at(&cloud);
    alice.proves(&cloud, "alice").await.sets("Correct-Horse-7").await;
    agent.work(Code::Applied).await;
    assert_eq!(alice.is_told().await["final"], true);
    let client = Client::builder().redirect(redirect::Policy::none()).no_proxy().tls_certs_only([]).build().unwrap();
    let cookie = format!("sspr_flow={}", alice.browser.cookies["sspr_flow"]);
    let request = client.post(format!("{}/reset/end", cloud.url)).header(header::ORIGIN, &cloud.url).header(header::COOKIE, &cookie);
    let answer = request.form(&[("", ""); 0]).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()[header::LOCATION].to_str().unwrap()), (303, "/"));
    assert_eq!(answer.headers()["clear-site-data"], "\"cache\", \"storage\"");
    let forgets = answer.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(forgets.starts_with("sspr_flow=;") && forgets.contains("Max-Age=0"), "{forgets}");
    // And here nobody knows it any more.
    alice.opens("/reset/done").await;
    assert_eq!(alice.page.status, 410, "{}", alice.page.text());
}

#[tokio::test]
async fn over_https_a_cookie_is_this_host_s_alone() {
    let (_cloud, address) = Cloud::start_as("https://reset.corp.example").await;
    let client = Client::builder().redirect(redirect::Policy::none()).no_proxy().tls_certs_only([]).build().unwrap();
    let asks = async |origin: &str| {
        let request = client.post(format!("{address}/account/sign-in/passkey/challenge")).header(header::ORIGIN, origin);
        request.json(&serde_json::json!({})).send().await.unwrap()
    };
    // Whatever port the proxy comes by, pages are the public address's.
    assert_eq!(asks(&address).await.status().as_u16(), 403);
    let answer = asks("https://localhost").await;
    assert_eq!(answer.status().as_u16(), 200);
    let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap();
    let (value, attributes) = cookie.split_once(';').unwrap();
    assert_eq!(value.strip_prefix("__Host-sspr_passkey=").map(str::len), Some(43), "{cookie}");
    let attributes: Vec<&str> = attributes.split(';').map(str::trim).filter(|one| !one.starts_with("Max-Age=")).collect();
    assert_eq!(attributes, ["Path=/", "HttpOnly", "SameSite=Lax", "Secure"]);
}
