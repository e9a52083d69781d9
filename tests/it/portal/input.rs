//! What browsers and others send: hostile, broken, too much, from elsewhere.

use reqwest::{Client, StatusCode, header, redirect};

use crate::support::{Cloud, Person, agent::somebody};

fn client() -> Client {
    Client::builder().redirect(redirect::Policy::none()).no_proxy().tls_certs_only([]).build().unwrap()
}

#[tokio::test]
async fn bad_forms_are_told_so_and_never_a_500() {
    let cloud = Cloud::start().await;
    cloud.agent().await;
    let form = "application/x-www-form-urlencoded";
    let post = |body: Vec<u8>, kind: &'static str| {
        let request = client().post(format!("{}/reset", cloud.url)).header(header::ORIGIN, &cloud.url).header(header::CONTENT_TYPE, kind);
        async move { request.body(body).send().await.unwrap().status().as_u16() }
    };
    let worked =
        form_urlencoded::Serializer::new(String::new()).append_pair("name", "alice").append_pair("work", &cloud.worked().await).finish();
    let cases: Vec<(Vec<u8>, &str, u16)> = vec![
        (worked.into_bytes(), form, 303),
        (b"name=alice".to_vec(), form, 422),
        (b"name=alice&work=".to_vec(), form, 422),
        (b"name=alice&work=none".to_vec(), form, 422),
        (b"name=alice&work=bnVsbA%3d%3d".to_vec(), form, 422),
        (b"name=alice&work=e30%3d".to_vec(), form, 422),
        (format!("name=alice&work={}", "A".repeat(50_000)).into_bytes(), form, 422),
        (b"name=alice&work=a&work=b".to_vec(), form, 400),
        (b"name=alice&work[]=a".to_vec(), form, 400),
        (b"name=".to_vec(), form, 422),
        (b"".to_vec(), form, 400),
        (b"name=a&name=b".to_vec(), form, 400),
        (b"name[]=alice".to_vec(), form, 400),
        (b"name=a&role=admin".to_vec(), form, 400),
        (b"name=%00".to_vec(), form, 400),
        (b"name=%ff%fe".to_vec(), form, 400),
        (b"name=\xff".to_vec(), form, 400),
        (b"name=a%0d%0ab".to_vec(), form, 422),
        (format!("name={}", "a".repeat(300)).into_bytes(), form, 422),
        (format!("name={}", "a".repeat(1 << 20)).into_bytes(), form, 413),
        (b"{\"name\":\"alice\"}".to_vec(), "application/json", 415),
        (b"name=alice".to_vec(), "text/plain", 415),
    ];
    for (body, kind, status) in cases {
        let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        assert_eq!(post(body, kind).await, status, "{shown}");
    }
}

#[tokio::test]
async fn other_sites_change_nothing() {
    let cloud = Cloud::start().await;
    cloud.agent().await;
    let post = |headers: Vec<(&'static str, String)>| {
        let cloud = &cloud;
        async move {
            let mut request = client().post(format!("{}/reset", cloud.url)).form(&[("name", "alice"), ("work", &cloud.worked().await)]);
            for (name, value) in headers {
                request = request.header(name, value);
            }
            request.send().await.unwrap().status().as_u16()
        }
    };
    let own = cloud.url.clone();
    assert_eq!(post(vec![("origin", own.clone())]).await, 303);
    assert_eq!(post(vec![("sec-fetch-site", "same-origin".into())]).await, 303);
    for bad in [
        vec![],
        vec![("origin", "https://evil.example".into())],
        vec![("origin", "null".into())],
        vec![("origin", own.clone()), ("sec-fetch-site", "cross-site".into())],
        vec![("origin", own.clone()), ("sec-fetch-site", "same-site".into())],
        vec![("origin", "https://evil.example".into()), ("sec-fetch-site", "same-origin".into())],
        vec![("origin", own.replace("http:", "https:"))],
    ] {
        assert_eq!(post(bad.clone()).await, 403, "{bad:?}");
    }
    assert_eq!(cloud.sql::<i64>("select count(*) from flows").await, 2);
}

#[tokio::test]
async fn an_unknown_host_is_nobodys() {
    let cloud = Cloud::start().await;
    cloud.agent().await;
    let answer = client().get(&cloud.url).header(header::HOST, "evil.example").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    for host in [
        "localhost:8190.evil.example",
        "localhost:abc",
        "localhost:8190@evil",
        "evil@localhost",
        "localhost:8190, evil.example",
        "localhost:",
        "localhost:99999",
    ] {
        let status = client().get(&cloud.url).header(header::HOST, host).send().await.unwrap().status().as_u16();
        assert!([400, 404].contains(&status), "{host}: {status}");
    }
    // A proxy may name its own port, or none.
    for host in ["localhost", "LOCALHOST", "localhost:8190"] {
        assert_eq!(client().get(&cloud.url).header(header::HOST, host).send().await.unwrap().status(), StatusCode::OK, "{host}");
    }
    // What a proxy may add is not believed.
    let answer = client().get(&cloud.url).header("x-forwarded-host", "evil.example").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(!answer.text().await.unwrap().contains("evil.example"));
}

#[tokio::test]
async fn every_answer_bears_the_headers_and_every_error_a_face() {
    let cloud = Cloud::start().await;
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/nothing"),
        ("DELETE", "/"),
        ("POST", "/reset"),
        ("GET", "/static/css/app.css"),
        ("POST", "/agent/v1/lease"),
        ("GET", "/health/live"),
    ] {
        for accept in ["text/html", "*/*"] {
            let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
            let answer = client().request(method, format!("{}{path}", cloud.url)).header(header::ACCEPT, accept).send().await.unwrap();
            let headers = answer.headers();
            let csp = headers["content-security-policy"].to_str().unwrap();
            assert!(csp.contains("default-src 'none'") && !csp.contains("unsafe"), "{path}");
            assert_eq!(headers["x-content-type-options"], "nosniff");
            assert_eq!(headers["referrer-policy"], "same-origin");
            assert!(headers.contains_key("cache-control") && headers.contains_key("x-request-id"), "{path}");
            assert!(!headers.contains_key("server"));
            if answer.status().is_client_error() {
                let support = headers["x-request-id"].to_str().unwrap().to_owned();
                let kind = headers["content-type"].to_str().unwrap().to_owned();
                let body = answer.text().await.unwrap();
                // Agents are programs, whatever they say they accept.
                let plain = accept == "*/*" || path.starts_with("/agent/");
                assert!(kind.starts_with(if plain { "application/problem+json" } else { "text/html" }), "{path} {kind}");
                assert!(body.contains(&support), "{path}: {body}");
            }
        }
    }
}

#[tokio::test]
async fn cookies_that_are_off_are_noticed() {
    let cloud = Cloud::start().await;
    cloud.agent().await;
    let request = client().post(format!("{}/reset", cloud.url)).header(header::ORIGIN, &cloud.url);
    let answer = request.form(&[("name", "alice"), ("work", &cloud.worked().await)]).send().await.unwrap();
    let target = answer.headers()[header::LOCATION].to_str().unwrap().to_owned();
    let mut person = Person::at(&cloud);
    person.opens(&target).await.sees("cookie");
    assert_eq!(person.page.status, 410);
}

#[tokio::test]
async fn a_flow_ends_and_says_so() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![somebody("alice")]).await;
    let mut alice = Person::at(&cloud);
    alice.asks_for_a_code("alice").await;
    cloud.clock.advance(16 * 60);
    alice.submits("/reset/code", &[("code", "123456")]).await.is_at("/reset").sees("start again");
}

#[tokio::test]
async fn the_language_is_the_readers() {
    let cloud = Cloud::start().await;
    cloud.agent().await;
    let mut person = Person::at(&cloud);
    person.browser.language = "de-AT,en;q=0.5".into();
    person.opens("/").await.sees("Passwort");
    person.browser.language = "fr".into();
    person.opens("/").await.sees("Reset your password");
    person.opens("/?lang=de").await.sees("Passwort");
    person.opens("/").await.sees("Passwort");
}
