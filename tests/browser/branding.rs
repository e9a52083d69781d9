//! Branding in real Chromium: a colour that cannot be read and hostile names on every page, wide and narrow, light and dark.

use image::{ImageFormat, Rgba, RgbaImage};
use sspr::domain::operators::Role;
use uuid::Uuid;

use crate::{
    console::{is_at_console, pictures},
    journey::real::{
        Cloud,
        agent::{in_groups, somebody},
    },
    support::browser::story,
};

const STAFF: Uuid = Uuid::from_u128(0x57aff);
const EVIL: &str = "<img src=x onerror=document.body.remove()>\"'><script>document.body.remove()</script>";

/// A sign and a word's worth of bars, in one colour on nothing.
fn logo(colour: [u8; 3]) -> RgbaImage {
    RgbaImage::from_fn(900, 240, |x, y| {
        let (dx, dy) = (f64::from(x) - 120.0, f64::from(y) - 120.0);
        let sign = dx.hypot(dy) < 110.0 && dx.hypot(dy) > 50.0;
        let bars = x > 280 && (x / 12) % 5 < 3 && (60..180).contains(&y);
        Rgba([colour[0], colour[1], colour[2], if sign || bars { 255 } else { 0 }])
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_brand_is_seen_on_every_page_and_no_script_in_it_runs() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.tells(&[(STAFF, EVIL)], vec![in_groups("alice", &[STAFF]), somebody("carol")]).await;
    let admin = cloud.operator(Role::Administrator).await;
    let files = tempfile::tempdir().unwrap();
    let file = |name: &str, picture: &RgbaImage| {
        let path = files.path().join(name);
        picture.save_with_format(&path, ImageFormat::Png).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (dark, pale) = (file("dark.png", &logo([120, 20, 60])), file("pale.png", &logo([250, 240, 200])));
    story(async |browser| {
        is_at_console(&browser, &cloud, &admin).await;
        let page = format!("{}/console/branding", cloud.url);
        browser.opens(&page).await;
        browser.sees("How your pages look").await;
        pictures(&browser, "branding-empty").await;
        // The sample follows what is typed, at once, and the page stays as it is.
        browser.types("Your colour", "#ffe000").await;
        let shade = "for (let n = 0; n < 100; n++) {
                         const button = getComputedStyle(document.querySelector('.sample.is-light .as-primary')).backgroundColor;
                         if (button !== args[0]) return button;
                         await new Promise((go) => setTimeout(go, 50));
                     }";
        let usual = serde_json::json!("rgb(36, 86, 179)");
        let sample = browser.runs_with(shade, vec![usual.clone()]).await;
        assert!(sample.as_str().is_some_and(|sample| sample.starts_with("rgb(") && sample != "rgb(255, 224, 0)"), "{sample}");
        assert_eq!(browser.runs("return getComputedStyle(document.querySelector('main button.primary')).backgroundColor;").await, usual);
        browser.types("Phone", "+49 30 1234").await;
        browser.types("Web page", "javascript:document.body.remove()").await;
        browser.clicks("Save").await;
        browser.sees("must begin with https://").await;
        pictures(&browser, "branding-errors").await;
        browser.types("Web page", "https://help.corp.example/it").await;
        browser.clicks("Save").await;
        browser.sees("#ffe000 cannot be read everywhere").await;
        // A real file in a real form.
        browser.picks("Picture", &dark).await;
        browser.clicks("Use this picture").await;
        browser.sees("Remove the logo").await;
        browser.runs("document.querySelector('select[name=group]').selectedIndex = 1;").await;
        browser.runs("document.querySelector('#text-new').value = 'Staff desk <b>101</b>';").await;
        browser.clicks("Add").await;
        browser.sees("Staff desk <b>101</b>").await;
        browser.sees(EVIL).await;
        pictures(&browser, "branding").await;
        browser.opens(&format!("{page}?lang=de")).await;
        pictures(&browser, "branding-de").await;
        browser.opens(&format!("{}/console/history?of=branding&lang=en", cloud.url)).await;
        browser.sees(EVIL).await;
        pictures(&browser, "branding-history").await;

        browser.opens(&format!("{}/", cloud.url)).await;
        browser.sees("help.corp.example/it").await;
        pictures(&browser, "brand-portal").await;
        // One that is made for dark pages; and a name and words that are anything but.
        cloud.administers(&["branding", "set", "--logo", &pale, "--accent", "#0a0a0a"]);
        sqlx::query("update tenants set name = $1, help = $1").bind(EVIL).execute(&cloud.app.db).await.unwrap();
        cloud.hears().await;
        browser.opens(&format!("{}/", cloud.url)).await;
        browser.sees(EVIL).await;
        pictures(&browser, "brand-portal-pale").await;
        assert_eq!(browser.runs("return document.querySelector('img.logo').alt;").await, EVIL);
        cloud.administers(&["branding", "set", "--logo", ""]);
        cloud.hears().await;
        for path in ["/", "/account/sign-in", "/not-me", "/console", "/console/branding", "/console/settings", "/console/history"] {
            browser.opens(&format!("{}{path}", cloud.url)).await;
            browser.sees(EVIL).await;
            assert_eq!(browser.runs("return document.querySelectorAll('img, script:not([src])').length;").await, 0, "{path}");
        }
        browser.has_nothing_to_complain_of().await;
    })
    .await;
}
