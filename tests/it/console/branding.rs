//! The look of a tenant's pages and whom people are told to ask, changed by its administrators.

use reqwest::{Client, Response, header, redirect};
use sspr::{
    base::{colour::Colour, language::Language},
    domain::{
        operators::Role,
        tenants::{self, New},
    },
};
use uuid::Uuid;

use crate::{
    portal::policies::{STAFF, office},
    support::{Cloud, Person},
};

const PAGE: &str = "/console/branding";

/// A PNG of one colour; larger than what is kept.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    image::RgbaImage::from_pixel(width, height, image::Rgba([200, 10, 20, 255])).write_to(&mut file, image::ImageFormat::Png).unwrap();
    file.into_inner()
}

/// Upload a file as the page's form does; status and body, not followed.
async fn uploads(cloud: &Cloud, person: &Person, file: &[u8]) -> (u16, String) {
    let form = person.page.form("/console/branding/logo").unwrap();
    let seen = &form.fields.iter().find(|(name, _)| name == "seen").unwrap().1;
    let part = |head: &str| format!("--frontier\r\nContent-Disposition: form-data; {head}\r\n\r\n");
    let body = [
        part("name=\"seen\"").as_bytes(),
        seen.as_bytes(),
        b"\r\n",
        part("name=\"file\"; filename=\"../<script>.svg\"\r\nContent-Type: image/svg+xml").as_bytes(),
        file,
        b"\r\n--frontier--\r\n",
    ]
    .concat();
    let answer = sends(cloud, person, body, "multipart/form-data; boundary=frontier").await;
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn sends(cloud: &Cloud, person: &Person, body: Vec<u8>, kind: &str) -> Response {
    let client = Client::builder().redirect(redirect::Policy::none()).no_proxy().build().unwrap();
    let request = client.post(format!("{}/console/branding/logo", cloud.url)).header(header::CONTENT_TYPE, kind).body(body);
    let request = request.header("sec-fetch-site", "same-origin").header(header::ORIGIN, &cloud.url).header(header::ACCEPT, "text/html");
    let cookies: Vec<_> = person.browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    request.header(header::COOKIE, cookies.join("; ")).send().await.unwrap()
}

/// Without a cookie, as anybody.
async fn gets(cloud: &Cloud, path: &str, known: Option<&str>) -> Response {
    let request = Client::builder().no_proxy().build().unwrap().get(format!("{}{path}", cloud.url));
    let request = if let Some(etag) = known { request.header(header::IF_NONE_MATCH, etag) } else { request };
    request.send().await.unwrap()
}

/// Where this page has something: the attribute that begins so.
fn place(body: &str, begins: &str) -> Option<String> {
    let rest = &body[body.find(&format!("\"{begins}"))? + 1..];
    Some(rest[..rest.find('"')?].to_owned())
}

#[tokio::test]
async fn a_colour_holds_at_once_and_can_be_read_and_kept() {
    let cloud = Cloud::start().await;
    let mut boss = cloud.operator(Role::Administrator).await;
    assert!(place(&Person::at(&cloud).opens("/").await.page.body, "/brand/").is_none(), "the product's own");
    assert_eq!(gets(&cloud, "/brand/accent.css", None).await.status(), 404);
    boss.opens(PAGE).await.submits(PAGE, &[("accent", " FFE000 ")]).await.sees("Saved.").sees("#ffe000 cannot be read everywhere");
    cloud.hears().await;
    for path in ["/", "/change", "/console/sign-in"] {
        let mut visitor = Person::at(&cloud);
        let sheet = place(&visitor.opens(path).await.page.body, "/brand/accent.css").expect(path);
        let answer = gets(&cloud, &sheet, None).await;
        let headers = answer.headers().clone();
        assert_eq!(headers[header::CONTENT_TYPE], "text/css; charset=utf-8");
        assert_eq!(headers[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        let css = answer.text().await.unwrap();
        let shown = css.split("--accent: light-dark(").nth(1).and_then(|rest| rest.split(',').next()).and_then(Colour::parse).unwrap();
        assert!(shown.contrast(Colour::parse("#fff").unwrap()) >= 4.5, "{css}");
        let etag = headers[header::ETAG].to_str().unwrap();
        assert_eq!(gets(&cloud, &sheet, Some(etag)).await.status(), 304);
        let other = gets(&cloud, "/brand/accent.css?v=old", None).await;
        assert_eq!(other.headers()[header::CACHE_CONTROL], "no-cache");
    }
    let line = "select detail ->> 'after' from audit_events where action = 'tenant.accent' and actor like 'operator:%'";
    assert_eq!(cloud.sql::<String>(line).await, "#ffe000");
    boss.opens(PAGE).await.submits(PAGE, &[("accent", "")]).await.sees("Saved.");
    assert!(cloud.sql::<bool>("select accent is null from tenants").await);
}

#[tokio::test]
async fn what_cannot_be_used_is_said_and_nothing_is_lost() {
    let cloud = Cloud::start().await;
    let mut boss = cloud.operator(Role::Owner).await;
    let before: String = cloud.sql("select tenants::text from tenants").await;
    for (field, bad) in [
        ("accent", "red"),
        ("accent", "#12345"),
        ("accent", "#fff;} body { display: none"),
        ("phone", "<script>alert(1)</script>"),
        ("mail", "nobody"),
        ("link", "javascript:alert(document.domain)"),
        ("link", "http://help.example"),
        ("link", "data:text/html,x"),
        ("link", "https://help.example/\" onclick=\"alert(1)"),
        ("link", "https://help.example@evil.example/"),
    ] {
        boss.opens(PAGE).await.submits(PAGE, &[("phone", "+49 30 1234"), (field, bad)]).await;
        assert_eq!(boss.page.status, 422, "{field} {bad}");
        let shown = boss.page.form(PAGE).unwrap();
        assert!(shown.fields.iter().any(|(name, value)| name == field && value == bad), "{field} {bad} {:?}", shown.fields);
        assert!(!boss.page.body.contains("<script>alert"), "as text");
    }
    assert_eq!(cloud.sql::<String>("select tenants::text from tenants").await, before);
    assert_eq!(boss.opens("/console/branding/preview.css?accent=red").await.page.status, 404);
    boss.opens("/console/branding/preview.css?accent=%23fff").await;
    assert!(boss.page.body.starts_with("@layer base { .sample { --accent: light-dark(#"), "{}", boss.page.body);
}

#[tokio::test]
async fn of_two_who_save_at_once_the_second_looks_again() {
    let cloud = Cloud::start().await;
    let (mut one, mut two) = (cloud.operator(Role::Owner).await, cloud.operator(Role::Administrator).await);
    one.opens(PAGE).await;
    two.opens(PAGE).await;
    one.submits(PAGE, &[("accent", "#0b6e4f")]).await.sees("Saved.");
    assert_eq!(uploads(&cloud, &two, &png(10, 10)).await.0, 409);
    two.submits(PAGE, &[("phone", "4711")]).await.sees("Somebody else has changed this");
    assert_eq!(two.page.status, 409);
    assert!(cloud.sql::<bool>("select logo is null and desk_phone is null from tenants").await);
    two.submits(PAGE, &[]).await.sees("Saved.");
}

#[tokio::test]
async fn a_logo_is_drawn_anew_shown_and_taken_away() {
    let cloud = Cloud::start().await;
    let mut boss = cloud.operator(Role::Owner).await;
    boss.opens(PAGE).await;
    let mut file = png(1200, 300);
    file.extend_from_slice(b"<script>alert('behind')</script>");
    assert_eq!(uploads(&cloud, &boss, &file).await.0, 303);
    cloud.hears().await;
    let mut visitor = Person::at(&cloud);
    visitor.opens("/").await;
    assert!(visitor.page.body.contains("alt=\"Corp Example\""), "{}", visitor.page.body);
    let place = place(&visitor.page.body, "/brand/logo.png").unwrap();
    let answer = gets(&cloud, &place, None).await;
    let headers = answer.headers().clone();
    assert_eq!(headers[header::CONTENT_TYPE], "image/png");
    assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert_eq!(headers[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
    let bytes = answer.bytes().await.unwrap();
    let picture = image::load_from_memory_with_format(&bytes, image::ImageFormat::Png).unwrap();
    assert_eq!((picture.width(), picture.height()), (480, 120));
    assert!(!bytes.windows(8).any(|part| part == b"<script>"));
    assert_eq!(gets(&cloud, &place, headers[header::ETAG].to_str().ok()).await.status(), 304);

    for (bad, said) in [
        (&b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"[..], "This is no PNG, JPEG or WebP"),
        (b"\x89PNG\r\n\x1a\nnothing more", "cannot be read"),
        (&png(4097, 2), "too large"),
        (b"", "choose a picture first"),
    ] {
        let (status, body) = uploads(&cloud, boss.opens(PAGE).await, bad).await;
        assert!(status == 422 && body.contains(said), "{status} {said}");
    }
    let (status, body) = uploads(&cloud, &boss, &vec![0; (1 << 20) + (64 << 10)]).await;
    assert_eq!((status, body.contains("too much at once")), (413, true), "{body}");
    // A form that is torn, or is another one.
    for (body, kind) in [
        (&b"--frontier\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx"[..], "multipart/form-data; boundary=frontier"),
        (
            b"--frontier\r\nContent-Disposition: form-data; name=\"seen\"\r\n\r\nx\r\n--frontier--\r\n",
            "multipart/form-data; boundary=frontier",
        ),
        (b"seen=x", "application/x-www-form-urlencoded"),
        (b"", "multipart/form-data"),
    ] {
        let status = sends(&cloud, &boss, body.to_vec(), kind).await.status();
        assert!([400, 415].contains(&status.as_u16()), "{status}");
    }

    boss.opens(PAGE).await.submits("/console/branding/logo/remove", &[]).await.sees("Saved.").sees("show the name");
    cloud.hears().await;
    visitor.opens("/").await.sees("Corp Example");
    assert!(!visitor.page.body.contains("/brand/logo.png"));
    assert_eq!(gets(&cloud, &place, None).await.status(), 404, "not any more");
    // And back again.
    let undo: Uuid = cloud.sql("select change_id from history where what = 'branding' order by change_id desc limit 1").await;
    let undo = format!("/console/history/{undo}/undo");
    boss.opens("/console/history?of=branding").await.sees("Logo a picture (");
    boss.submits(&undo, &[]).await;
    boss.submits(&undo, &[]).await.is_at(PAGE);
    cloud.hears().await;
    assert_eq!(gets(&cloud, &place, None).await.status(), 200);
    let lines =
        "select string_agg(outcome, ' ' order by event_id) from audit_events where action = 'tenant.logo' and actor like 'operator:%'";
    assert_eq!(cloud.sql::<String>(lines).await, "changed removed changed");
}

#[tokio::test]
async fn a_logo_is_nobody_elses() {
    let cloud = Cloud::start().await;
    let mut boss = cloud.operator(Role::Owner).await;
    assert_eq!(uploads(&cloud, boss.opens(PAGE).await, &png(20, 10)).await.0, 303);
    cloud.hears().await;
    let place = place(&Person::at(&cloud).opens("/").await.page.body, "/brand/logo.png").unwrap();
    let mut tx = cloud.app.begin().await.unwrap();
    let new = New { name: "Neighbour", host: "neighbour.example", language: Language::English, help: None };
    tenants::create(&mut tx, &cloud.app.ring, &cloud.clock, new).await.unwrap();
    tx.commit().await.unwrap();
    let there = async || {
        let client = Client::builder().no_proxy().build().unwrap();
        client.get(format!("{}{place}", cloud.url)).header(header::HOST, "neighbour.example").send().await.unwrap().status()
    };
    assert_eq!(there().await, 404);
    // Nor if somebody could say that it is theirs: the picture itself is asked for as the tenant's own.
    let claims = "update tenants set logo = (select logo from tenants where logo is not null) where logo is null";
    sqlx::query(claims).execute(&cloud.app.db).await.unwrap();
    cloud.hears().await;
    assert_eq!(there().await, 404);
    assert_eq!(gets(&cloud, &place, None).await.status(), 200);
}

/// The console and the command line change the same.
#[tokio::test]
async fn the_command_line_knows_the_same() {
    let (cloud, _agent) = office().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), png(30, 10)).unwrap();
    let said = cloud.administers(&["branding", "set", "--accent", "#ABC", "--logo", file.path().to_str().unwrap(), "--phone", "+49 30 1"]);
    assert!(said.contains("accent  #aabbcc") && said.contains("(30 by 10 pixels)") && said.contains("desk    +49 30 1"), "{said}");
    cloud.administers(&["branding", "group", "Staff", "--priority", "5", "--text", "Room 1"]);
    let said = cloud.administers(&["branding", "show"]);
    assert!(said.contains(&format!("group   5. {STAFF} Staff: Room 1")), "{said}");
    for (args, why) in [
        (&["branding", "set", "--link", "javascript:alert(1)"][..], "--link"),
        (&["branding", "set", "--accent", "red"], "--accent"),
        (&["branding", "set", "--logo", "Cargo.toml"], "no PNG"),
        (&["branding", "group", "Nobody", "--text", "x"], "no agent tells"),
    ] {
        let refused = cloud.tries(args).unwrap_err();
        assert!(refused.contains(why), "{refused}");
    }
    let said = cloud.administers(&["branding", "set", "--accent", "", "--logo", "", "--phone", ""]);
    assert!(said.contains("accent  none") && said.contains("logo    none") && said.contains("desk    none"), "{said}");
    let said = cloud.administers(&["branding", "group", &STAFF.to_string()]);
    assert!(!said.contains("group"), "{said}");
    assert_eq!(cloud.sql::<i64>("select count(*) from history where what = 'branding'").await, 4);
    let leaks =
        "select count(*) from audit_events where action like 'tenant.%' and (detail::text like '%Room%' or detail::text like '%+49%')";
    assert_eq!(cloud.sql::<i64>(leaks).await, 0);
}
