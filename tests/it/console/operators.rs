//! Who may change whom.

use sspr::domain::operators::Role;

use crate::support::Cloud;

#[tokio::test]
async fn nobody_acts_on_themselves_nor_on_whoever_stands_as_high() {
    let cloud = Cloud::start().await;
    let mut all = Vec::new();
    for role in [Role::Owner, Role::Owner, Role::Administrator, Role::Administrator, Role::HelpDesk, Role::Auditor] {
        all.push((role, cloud.operator_with(role, &[]).await.0));
    }
    for (role, own) in all.iter().filter(|(role, _)| matches!(role, Role::Owner | Role::Administrator)) {
        // What others did ends browsers.
        let mut person = cloud.at_console(*own).await;
        for (other, id) in &all {
            let may = own != id && (*role == Role::Owner || matches!(other, Role::HelpDesk | Role::Auditor));
            let page = format!("/console/operators/{id}");
            person.opens(&page).await.is_at(&page);
            assert_eq!(person.page.form(&format!("{page}/disable")).is_ok(), may, "{role:?} {other:?}");
            // The door holds by itself, whatever the page offers.
            for act in ["link", "disable", "enable", ""] {
                let form = format!("{page}/{act}");
                let body = if act.is_empty() { "name=X&mail=x%40y.example&role=help_desk&groups=&version=99" } else { "" };
                let status = person.posts_form(form.trim_end_matches('/'), body).await;
                assert_eq!(status == 403, !may, "{role:?} {other:?} {act}: {status}");
            }
        }
    }
    // Nobody makes somebody who stands as high.
    let mut administrator = cloud.at_console(all[2].1).await;
    for role in ["owner", "administrator", "nonsense"] {
        let body = format!("name=X&mail=x%40y.example&role={role}&groups=&version=");
        assert_eq!(administrator.posts_form("/console/operators/new", &body).await, 422, "{role}");
    }
    assert_eq!(administrator.posts_form("/console/operators/new", "name=X&mail=x%40y.example&role=auditor&groups=&version=").await, 200);
}

#[tokio::test]
async fn a_form_of_yesterday_changes_nothing_and_loses_nothing() {
    let cloud = Cloud::start().await;
    let mut owner = cloud.operator(Role::Owner).await;
    let (id, mut helper) = cloud.operator_with(Role::HelpDesk, &[]).await;
    let page = format!("/console/operators/{id}");
    owner.opens(&page).await;
    let old = owner.page.form(&page).unwrap();
    owner.submits(&page, &[("name", "<script>alert(1)</script> & Co")]).await.is_at("/console/operators");
    assert!(!owner.page.body.contains("<script>alert"), "{}", owner.page.body);
    owner.page = owner.browser.submit(&old.set("name", "Somebody Else").unwrap()).await.unwrap();
    assert_eq!(owner.page.status, 409);
    owner.sees("Somebody else has changed this");
    assert_eq!(owner.page.form(&page).unwrap().fields.iter().find(|(name, _)| name == "name").unwrap().1, "Somebody Else");
    owner.submits(&page, &[]).await.is_at("/console/operators").sees("Somebody Else");
    // The same address twice.
    owner.opens("/console/operators/new").await;
    owner.submits("/console/operators/new", &[("name", "Twin"), ("mail", "HELP_DESK1@staff.example")]).await;
    assert_eq!(owner.page.status, 422);
    // Another role signs in anew.
    helper.opens("/console").await.is_at("/console");
    owner.opens(&page).await.submits(&page, &[("role", "auditor")]).await;
    helper.opens("/console").await.is_at("/console/sign-in");
    let lines = cloud.sql::<i64>("select count(*) from audit_events where action = 'operator.change' and actor like 'operator:%'").await;
    assert_eq!(lines, 3);
}

#[tokio::test]
async fn an_operator_of_another_tenant_is_as_if_they_were_not_there() {
    let (cloud, other) = (Cloud::start().await, Cloud::start().await);
    let (theirs, _) = other.operator_with(Role::HelpDesk, &[]).await;
    let mut owner = cloud.operator(Role::Owner).await;
    for id in [theirs.to_string(), uuid::Uuid::nil().to_string()] {
        owner.opens(&format!("/console/operators/{id}")).await;
        assert_eq!(owner.page.status, 404);
        assert_eq!(owner.posts_form(&format!("/console/operators/{id}/disable"), "").await, 404);
    }
}
