//! Messages in an organisation's own words in real Chromium: typed, counted, looked at in the frame, saved, taken back.

use sspr::domain::operators::Role;

use crate::{
    console::{is_at_console, pictures},
    journey::real::Cloud,
    support::browser::{Screen, story},
};

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_writes_a_message_and_sees_it_as_it_arrives() {
    let cloud = Cloud::start().await;
    let boss = cloud.operator(Role::Administrator).await;
    story(async |browser| {
        is_at_console(&browser, &cloud, &boss).await;
        browser.opens(&format!("{}/console/texts", cloud.url)).await;
        browser.sees("What happened to an account").await;
        pictures(&browser, "texts").await;

        browser.opens(&format!("{}/console/texts/changed/email/en", cloud.url)).await;
        browser.sees_in_frame("Your password at").await;
        browser.types("Subject", "News of your password").await;
        browser
            .types("Text", "Hello {{name}},\n\nyour password was changed. <b>Really.</b>\n\n{{details}}\n\nThe friendly help desk")
            .await;
        browser.clicks("Preview").await;
        browser.sees_in_frame("<b>Really.</b>").await;
        browser.sees_in_frame("News of your password").await;
        pictures(&browser, "text-mail").await;
        // A frame below the fold is not painted: once more with it in sight.
        browser.has_screen(Screen::Phone).await;
        browser.runs("document.querySelector('iframe').scrollIntoView();").await;
        browser.sees_in_frame("The friendly help desk").await;
        browser.shot("console-text-frame-phone").await;
        browser.types("Text", "See www.evil.example").await;
        browser.clicks("Preview").await;
        browser.sees_in_frame("looks like a link").await;
        browser.clicks("Save").await;
        browser.sees("{{details}} must stand in the text").await;
        pictures(&browser, "text-wrong").await;

        browser.opens(&format!("{}/console/texts/code/sms/de?lang=de", cloud.url)).await;
        browser.sees("SMS: 1.").await;
        browser
            .types("Text", &format!("{{{{code}}}} – Ihr Code für {{{{organisation}}}}. {}", "Bitte nicht weitergeben. ".repeat(2)))
            .await;
        browser.sees("SMS: 2.").await;
        browser.clicks("Vorschau").await;
        browser.sees_in_frame("#012345").await;
        browser.sees_in_frame("SMS: 2.").await;
        pictures(&browser, "text-sms-de").await;
        browser.clicks("Speichern").await;
        browser.sees("Ihre Worte, seit").await;
        browser.opens(&format!("{}/console/texts?lang=en", cloud.url)).await;
        browser.sees("Your words").await;
        browser.opens(&format!("{}/console/history?of=texts", cloud.url)).await;
        browser.sees("Bitte nicht weitergeben").await;
        pictures(&browser, "text-history").await;
        browser.opens(&format!("{}/console/prices?lang=en", cloud.url)).await;
        browser.types("Currency", "EUR").await;
        browser.types("A text message", "0.075").await;
        browser.clicks("Save").await;
        browser.sees("Saved.").await;
        pictures(&browser, "prices").await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
}
