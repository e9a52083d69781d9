//! Between agent and directory: what a network can do to requests and answers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use sspr::lab::samba::Samba;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::sleep,
};

#[derive(Clone)]
pub struct Wire {
    port: u16,
    /// Lets requests through but no answers, and then breaks the connections.
    pub deaf: Arc<AtomicBool>,
    /// Lets requests through but no answers, and the connections stand.
    pub frozen: Arc<AtomicBool>,
    /// There is no way: what stands ends, and nobody gets in.
    pub cut: Arc<AtomicBool>,
    /// How many more requests are let through; the others wait.
    pub requests: Arc<AtomicUsize>,
    /// How many more answers are let through; the others wait.
    pub answers: Arc<AtomicUsize>,
    /// Answers that wait.
    pub waiting: Arc<AtomicUsize>,
}

impl Wire {
    pub async fn to(samba: &Samba) -> Self {
        Self::at(&samba.ldaps_url).await
    }

    /// To a server on loopback.
    pub async fn at(url: &str) -> Self {
        let far = url.rsplit(':').next().unwrap().parse().unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let all = || Arc::new(AtomicUsize::new(usize::MAX));
        let (requests, answers) = (all(), all());
        let wire =
            Self { port, deaf: Arc::default(), frozen: Arc::default(), cut: Arc::default(), requests, answers, waiting: Arc::default() };
        let accepting = wire.clone();
        tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                if accepting.cut.load(Ordering::SeqCst) {
                    continue;
                }
                tokio::spawn(accepting.clone().carry(near, far));
            }
        });
        wire
    }

    pub fn url(&self) -> String {
        format!("ldaps://127.0.0.1:{}", self.port)
    }

    async fn is_cut(&self) {
        while !self.cut.load(Ordering::SeqCst) {
            sleep(Duration::from_millis(5)).await;
        }
    }

    async fn is_let_through(&self) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        while self.answers.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err() {
            sleep(Duration::from_millis(1)).await;
        }
        self.waiting.fetch_sub(1, Ordering::SeqCst);
    }

    async fn carry(self, mut near: TcpStream, far: u16) {
        // Its server may be away.
        let Ok(mut far) = TcpStream::connect(("127.0.0.1", far)).await else { return };
        let (mut up, mut down) = (vec![0; 16384], vec![0; 16384]);
        loop {
            tokio::select! {
                () = self.is_cut() => break,
                read = near.read(&mut up) => match read {
                    Ok(count) if count > 0 => {
                        while self.requests.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err() {
                            sleep(Duration::from_millis(5)).await;
                        }
                        if far.write_all(&up[..count]).await.is_err() {
                            break;
                        }
                    }
                    _ => break,
                },
                read = far.read(&mut down) => match read {
                    Ok(count) if count > 0 && self.frozen.load(Ordering::SeqCst) => {}
                    Ok(count) if count > 0 && !self.deaf.load(Ordering::SeqCst) => {
                        tokio::select! {
                            () = self.is_cut() => break,
                            () = self.is_let_through() => near.write_all(&down[..count]).await.unwrap_or(()),
                        }
                    }
                    // The answer is there, and nobody will see it.
                    _ => break,
                },
            }
        }
        self.deaf.store(false, Ordering::SeqCst);
    }
}
