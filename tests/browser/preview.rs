//! Every page with made-up contents, without a server behind it: compiles the templates, takes pictures, asks axe-core.

use sspr::base::language::Language;

use crate::support::{
    browser::{Screen, story},
    pages,
    site::Site,
};

#[tokio::test]
async fn every_page_is_accessible_and_has_its_picture_taken() {
    story(async |browser| {
        let site = Site::start().await;
        for name in pages::NAMES.into_iter().filter(|name| !name.starts_with("mail")) {
            for (language, dark, screen, shot) in [
                (Language::English, false, Screen::Phone, "phone-light"),
                (Language::German, true, Screen::Narrow, "narrow-dark-de"),
                (Language::German, false, Screen::Desktop, "desktop-light-de"),
                (Language::English, true, Screen::Desktop, "desktop-dark"),
            ] {
                browser.has_screen(screen).await;
                browser.is_dark(dark).await;
                browser.opens(&format!("{}/preview/{name}?lang={}", site.url, language.tag())).await;
                browser.is_accessible().await;
                browser.shot(&format!("{name}-{shot}")).await;
            }
        }
        browser.has_screen(Screen::Phone).await;
        browser.is_dark(false).await;
        for name in ["mail-code", "mail-changed", "mail-alert"] {
            browser.opens(&format!("{}/preview/{name}", site.url)).await;
            browser.shot(name).await;
        }
    })
    .await;
}

/// Twice the text size on a phone (WCAG 1.4.4), mirrored for languages that run from right to left, and in the few colours of a
/// high-contrast theme.
#[tokio::test]
async fn every_page_holds_when_people_change_it() {
    story(async |browser| {
        let site = Site::start().await;
        for name in pages::NAMES.into_iter().filter(|name| !name.starts_with("mail")) {
            browser.opens(&format!("{}/preview/{name}?lang=de", site.url)).await;
            browser.runs("document.documentElement.style.fontSize = '212.5%';").await;
            browser.is_accessible().await;
            browser.shot(&format!("{name}-twice")).await;
            browser.runs("document.documentElement.style.fontSize = ''; document.documentElement.dir = 'rtl';").await;
            browser.is_accessible().await;
            browser.shot(&format!("{name}-rtl")).await;
        }
        browser.has_few_colours().await;
        for name in ["method", "password", "status-leased", "done"] {
            browser.opens(&format!("{}/preview/{name}", site.url)).await;
            browser.shot(&format!("{name}-few-colours")).await;
        }
    })
    .await;
}
