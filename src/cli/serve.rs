//! `sspr serve`

use anyhow::Result;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    app::App,
    base::{clock::Clock, config::Config},
    carriers::Carriers,
    server, worker,
};

#[derive(clap::Args)]
pub struct Args {}

pub async fn run(_args: Args, config: Config) -> Result<()> {
    let stop = CancellationToken::new();
    let carriers = Carriers::new(&config.mail, &config.sms)?;
    let listener = server::listen(config.server.listen).await?;
    let app = App::start(&config, Clock::system(), stop.clone()).await?;
    let tasks = TaskTracker::new();
    worker::start(&app, &carriers, &tasks);
    tracing::info!(server.listen = %config.server.listen, server.public_url = app.public_url.as_str(), "serving");
    tokio::spawn(async move {
        super::asked_to_stop().await;
        tracing::info!("stopping: no new requests, open ones may finish");
        stop.cancel();
    });
    server::serve(app.clone(), listener).await?;
    tasks.close();
    tasks.wait().await;
    app.db.close().await;
    Ok(())
}
