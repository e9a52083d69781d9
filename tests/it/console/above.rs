//! What must not lead above one's own role.

use sspr::domain::operators::Role;

use crate::support::Cloud;

/// An administrator makes a link for a help-desk operator and keeps it; the owner then makes that operator an owner. The link must be worth
/// nothing any more: whoever made it could not have made one for an owner.
#[tokio::test]
async fn a_link_made_below_is_worth_nothing_above() {
    let cloud = Cloud::start().await;
    let mut owner = cloud.operator(Role::Owner).await;
    let mut administrator = cloud.operator(Role::Administrator).await;
    let (id, _) = cloud.operator_with(Role::HelpDesk, &[]).await;
    let page = format!("/console/operators/{id}");
    administrator.opens(&page).await.submits(&format!("{page}/link"), &[]).await;
    let body = &administrator.page.body;
    let at = body.find("/console/welcome#").expect("a link") + "/console/welcome#".len();
    let token: String = body[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
    owner.opens(&page).await.submits(&page, &[("role", "owner")]).await.is_at("/console/operators");
    // The administrator, in another browser.
    let mut tx = cloud.app.begin().await.unwrap();
    let whose = sspr::domain::operators::open_link(&mut tx, &cloud.tenant.scope, &cloud.clock, &token).await.unwrap();
    assert_eq!(whose, None, "an administrator holds a link by which they become an owner");
}

/// A policy that serves nobody, a privileged group, self-service off: for each of them a help-desk operator, the lowest role that acts, gets
/// a ticket for a password all the same.
#[tokio::test]
async fn a_temporary_password_heeds_the_policy() {
    let mut got = Vec::new();
    for change in [
        "update policies set serves = false",
        "insert into privileged_groups (tenant_id, connector_id, group_guid) select tenant_id, connector_id, group_guid from memberships limit 1",
        "update tenants set self_service = false",
    ] {
        let (cloud, _agent) = super::people::office().await;
        let alice = super::people::page_of(&cloud, "alice").await;
        let mut desk = cloud.operator(Role::HelpDesk).await;
        assert_eq!(sqlx::query(change).execute(&cloud.app.db).await.unwrap().rows_affected(), 1, "{change}");
        got.push(desk.browser.post_json(&format!("{alice}/temporary/ticket"), &serde_json::json!({})).await.unwrap().0);
    }
    assert_eq!(got, [403, 403, 403]);
}
