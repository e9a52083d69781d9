//! What a change of the policies would come to, before it is saved: what is said anew, who gains and who loses by it, and why. What is
//! saved is exactly what was shown: the page bears a keyed hash over the wish and over the policies that it was worked out for.

use std::sync::Arc;

use axum::{
    Router,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use super::{
    form::{self as policy_form, Form, IN},
    words,
};
use crate::{
    app::App,
    base::id,
    console::{
        approvals::ask_first,
        guard::{Desk, Fresh, Govern},
        impact::{ImpactPage, Sends},
        shell::Here,
    },
    domain::{
        approvals::{self, Act},
        coverage,
        history::{self, What},
        policies::{self, Change, Group, Refused, Rules},
        tenants,
    },
    web::{Error, Result, form},
};

pub fn routes() -> Router<Arc<App>> {
    let back = || get(|| async { Redirect::to("/console/policies") });
    Router::new()
        .route("/console/policies/save", post(save).merge(back()))
        .route("/console/policies/form", post(back_to_form).merge(back()))
}

/// What an operator wants, as the page between carries it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Wish {
    Save {
        id: Option<Uuid>,
        form: Form,
    },
    Remove {
        id: Uuid,
    },
    Move {
        id: Uuid,
        place: usize,
    },
    Privilege {
        form: Form,
    },
    /// Back to what it was before this change.
    Undo {
        id: Uuid,
    },
}

/// A change, or the page that says why there is none.
type Meant = std::result::Result<Change, Response>;

impl Wish {
    async fn change(&self, conn: &mut PgConnection, desk: &Desk, known: &[Group]) -> Result<Meant> {
        Ok(Ok(match self {
            Self::Save { id, form } => match policy_form::draft(desk, *id, form, known)? {
                Ok(draft) => Change::Save(*id, draft),
                Err(page) => return Ok(Err(page)),
            },
            Self::Remove { id } => Change::Remove(*id),
            Self::Move { id, place } => Change::Move(*id, *place),
            Self::Privilege { form } if form.is_ours(known) => Change::Privilege(form.groups(known, IN)),
            Self::Undo { id } => Change::Restore(before(conn, desk, *id).await?),
            Self::Privilege { .. } => return Err(Error::Unusable(StatusCode::BAD_REQUEST, "bad_input")),
        }))
    }

    /// Of the words of what it is about.
    const fn title(&self) -> &'static str {
        match self {
            Self::Save { id: None, .. } => "policies-preview-new",
            Self::Save { .. } => "policies-preview-save",
            Self::Remove { .. } => "policies-preview-remove",
            Self::Move { .. } => "policies-preview-move",
            Self::Privilege { .. } => "policies-preview-privilege",
            Self::Undo { .. } => "policies-preview-undo",
        }
    }

    /// Saves it, where it was shown like that.
    fn sends(&self, shown: String) -> Sends {
        Sends { to: "/console/policies/save".into(), fields: vec![("wish".into(), self.text()), ("shown".into(), shown)] }
    }

    fn back(&self) -> Option<Sends> {
        let fields = || vec![("wish".into(), self.text())];
        matches!(self, Self::Save { .. }).then(|| Sends { to: "/console/policies/form".into(), fields: fields() })
    }

    fn text(&self) -> String {
        serde_json::to_string(self).expect("plain data")
    }

    /// The id of a policy that this makes of these: wanted twice it is the same one.
    fn fresh(&self, desk: &Desk, rules: &Rules) -> Uuid {
        let hash = desk.visitor.tenant.scope.key().hash(b"new policy", self.shown(desk, rules).as_bytes());
        uuid::Builder::from_random_bytes(hash[..16].try_into().expect("sixteen bytes")).into_uuid()
    }

    /// That this wish was shown for these policies.
    fn shown(&self, desk: &Desk, rules: &Rules) -> String {
        let what = format!("{}\n{}", rules.mark(), self.text());
        data_encoding::HEXLOWER.encode(&desk.visitor.tenant.scope.key().hash(b"policy preview", what.as_bytes()))
    }
}

/// What they were before this change.
async fn before(conn: &mut PgConnection, desk: &Desk, change: Uuid) -> Result<Rules> {
    let entry = history::one(conn, &desk.visitor.tenant.scope, change).await?.filter(|entry| entry.what == What::Policies);
    Ok(serde_json::from_value(entry.ok_or(Error::NotFound)?.before)?)
}

/// What this would come to. `again`: of the words of why it was not saved.
pub async fn answer(desk: &Desk, wish: Wish, again: Option<&'static str>) -> Result<Response> {
    // Never committed.
    let mut tx = desk.visitor.begin().await?;
    let rules = policies::rules(&mut tx, &desk.visitor.tenant.scope).await?;
    let known = policy_form::known(&mut tx, desk, &rules).await?;
    let change = match wish.change(&mut tx, desk, &known).await? {
        Ok(change) => change,
        Err(page) => return Ok(page),
    };
    let mut preview = match worked_out(desk, tx, &change).await? {
        Ok((preview, before)) => {
            ImpactPage { title: wish.title(), again, save: wish.sends(wish.shown(desk, &before)), back: wish.back(), ..preview }
        }
        Err(refused) => return not_possible(desk, &wish, &known, refused),
    };
    if matches!(wish, Wish::Undo { .. }) {
        preview.warnings.insert(0, preview.page.t("policies-warn-undo").into_owned());
    }
    Ok(preview.answer())
}

/// What a change that waits for a decision would come to now.
pub async fn of_approval(desk: &Desk, approval: Uuid, after: Rules) -> Result<Response> {
    let tx = desk.visitor.begin().await?;
    let (preview, _) = worked_out(desk, tx, &Change::Restore(after)).await?.map_err(anyhow::Error::new)?;
    Ok(ImpactPage { rail: desk.rail(Here::Approvals), approval: Some(approval), ..preview }.answer())
}

/// Done, looked at, and rolled back. With the policies as they are.
async fn worked_out(
    desk: &Desk,
    mut tx: Transaction<'static, Postgres>,
    change: &Change,
) -> Result<std::result::Result<(ImpactPage, Rules), Refused>> {
    let (app, visitor) = (&desk.visitor.app, &desk.visitor);
    let tenant = tenants::again(&mut tx, &visitor.tenant.scope).await?;
    let (changed, impact) = match coverage::impact(&mut tx, &tenant, &app.clock, &visitor.source, change).await? {
        Ok(found) => found,
        Err(refused) => return Ok(Err(refused)),
    };
    tx.rollback().await?;
    let page = visitor.page();
    let mut warnings = Vec::new();
    if !tenant.self_service {
        warnings.push(page.t("policies-warn-off").into_owned());
    }
    warnings.extend(changed.after.policies.iter().flat_map(|policy| words::warnings(&page, &policy.terms)));
    let changes = words::changes(&page, &changed.before, &changed.after);
    let preview = ImpactPage::new(desk, Here::Policies, &impact, changes, warnings);
    Ok(Ok((preview, changed.before)))
}

fn not_possible(desk: &Desk, wish: &Wish, known: &[Group], refused: Refused) -> Result<Response> {
    match wish {
        _ if refused == Refused::Gone => Err(Error::NotFound),
        Wish::Save { id, form } => Ok(policy_form::refused(desk, *id, form, known, refused)),
        _ => Err(anyhow::Error::new(refused).into()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    wish: String,
    #[serde(default)]
    shown: String,
    /// It is meant that nobody can use self-service afterwards.
    #[serde(default)]
    sure: String,
}

impl Kept {
    fn wish(&self) -> Result<Wish> {
        serde_json::from_str(&self.wish).map_err(|_| Error::Unusable(StatusCode::BAD_REQUEST, "bad_input"))
    }
}

async fn save(desk: Fresh<Govern>, form::Form(kept): form::Form<Kept>) -> Result<Response> {
    let (app, scope, wish) = (&desk.visitor.app, &desk.visitor.tenant.scope, kept.wish()?);
    if kept.sure.is_empty() && leaves_nobody(&desk, &wish).await? {
        return answer(&desk, wish, Some("policies-preview-sure")).await;
    }
    let mut tx = desk.visitor.begin().await?;
    let rules = policies::rules(&mut tx, scope).await?;
    if !id::same(kept.shown.as_bytes(), wish.shown(&desk, &rules).as_bytes()) {
        drop(tx);
        return answer(&desk, wish, Some("policies-preview-again")).await;
    }
    let known = policy_form::known(&mut tx, &desk, &rules).await?;
    let change = match wish.change(&mut tx, &desk, &known).await? {
        Ok(change) => change,
        Err(page) => return Ok(page),
    };
    if approvals::wants(&mut tx, scope, Act::Policy).await? {
        return match rules.with(&change, wish.fresh(&desk, &rules)) {
            Ok(after) => ask_first(tx, &desk, &approvals::Wish::Policy { before: rules, after }).await,
            Err(refused) => not_possible(&desk, &wish, &known, refused),
        };
    }
    // Under the lock it is asked again whether they still are what was shown.
    match policies::change(&mut tx, scope, &app.clock, &desk.visitor.source, (&change, Some(&rules.mark()))).await? {
        Ok(_) => {
            tx.commit().await?;
            Ok(Redirect::to("/console/policies?saved").into_response())
        }
        Err(Refused::Stale) => {
            drop(tx);
            answer(&desk, wish, Some("policies-preview-again")).await
        }
        Err(refused) => not_possible(&desk, &wish, &known, refused),
    }
}

/// Looked at anew: since it was shown, the last of the others may have lost what they proved themselves by.
async fn leaves_nobody(desk: &Desk, wish: &Wish) -> Result<bool> {
    let mut tx = desk.visitor.begin().await?;
    let rules = policies::rules(&mut tx, &desk.visitor.tenant.scope).await?;
    let known = policy_form::known(&mut tx, desk, &rules).await?;
    let Ok(change) = wish.change(&mut tx, desk, &known).await? else { return Ok(false) };
    Ok(worked_out(desk, tx, &change).await?.is_ok_and(|(preview, _)| preview.nobody))
}

async fn back_to_form(desk: Fresh<Govern>, form::Form(kept): form::Form<Kept>) -> Result<Response> {
    match kept.wish()? {
        Wish::Save { id, form } => policy_form::again(&desk, id, form).await,
        _ => Ok(Redirect::to("/console/policies").into_response()),
    }
}
