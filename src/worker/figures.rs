//! What the console's figures need: counts by hour, who can use self-service, and the mail of the week.

use anyhow::Result;

use crate::{
    app::App,
    domain::{coverage, reports, tenants},
};

/// Count what ended in the last hours.
pub async fn count(app: &App) -> Result<()> {
    let mut tx = app.begin().await?;
    reports::count(&mut tx, &app.clock).await?;
    tx.commit().await?;
    weekly(app).await
}

/// Send the figures of the week where they are due.
async fn weekly(app: &App) -> Result<()> {
    let mut tx = app.begin().await?;
    let due = reports::due(&mut tx, &app.clock).await?;
    for tenant in &due {
        let tenant = tenants::by_id(&mut tx, &app.ring, *tenant).await?;
        reports::send(&mut tx, &tenant, &app.clock).await?;
    }
    tx.commit().await?;
    if !due.is_empty() {
        app.wake_outbox();
    }
    Ok(())
}

/// Count who can use self-service, where that was not done lately.
pub async fn cover(app: &App) -> Result<()> {
    let mut conn = app.db.acquire().await?;
    let tenants = tenants::all(&mut conn, &app.ring).await?;
    drop(conn);
    for tenant in tenants {
        let mut tx = app.begin().await?;
        coverage::keep(&mut tx, &tenant, &app.clock).await?;
        tx.commit().await?;
    }
    Ok(())
}
