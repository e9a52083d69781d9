//! Between a server and the LDAP library: only whole messages of the shape of RFC 4511 and of bounded size get through.
//!
//! The library believes what it reads: it buffers whatever length a header claims, follows nesting by recursion until the stack
//! is gone (which ends the process, and no handler sees it), and takes missing parts by `expect`. A directory is an attacker's
//! foothold like any other, so it is read here first, without recursion that it could steer. What breaks a rule ends the
//! connection; the operation under way is then one without an answer.

mod shape;

use std::{
    collections::HashMap,
    sync::atomic::{AtomicU32, Ordering},
};

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use zeroize::Zeroizing;

pub use shape::{Breach, Head, MESSAGE, check, length};

/// All entries that answer one request, in bytes.
const ANSWER: usize = 64 << 20;
/// More answers that are not complete than this nobody asks for.
const OPEN_ANSWERS: usize = 1024;
const READ: usize = 32 << 10;

/// How a connection ended.
#[derive(Debug, Error)]
pub(super) enum End {
    #[error("the directory sent {0}")]
    Breach(#[from] Breach),
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// Carry between the server and the library until either ends, or the server breaks a rule.
pub(super) async fn carry<S, L>(server: S, library: L) -> Result<(), End>
where
    S: AsyncRead + AsyncWrite,
    L: AsyncRead + AsyncWrite,
{
    let (from_server, to_server) = tokio::io::split(server);
    let (from_library, to_library) = tokio::io::split(library);
    let asked = AtomicU32::new(0);
    tokio::select! {
        ended = requests(from_library, to_server, &asked) => ended,
        ended = answers(from_server, to_library, &asked) => ended,
    }
}

/// What the library sends is its own affair; only the number of the last request is read. It counts upwards.
async fn requests<L: AsyncRead, S: AsyncWrite>(mut from: ReadHalf<L>, mut to: WriteHalf<S>, asked: &AtomicU32) -> Result<(), End> {
    // Passwords pass here.
    let mut buffer = Zeroizing::new(Vec::with_capacity(READ));
    loop {
        buffer.reserve(READ);
        if from.read_buf(&mut *buffer).await? == 0 {
            return Ok(to.shutdown().await?);
        }
        while let Some(whole) = length(&buffer)?.filter(|whole| *whole <= buffer.len()) {
            asked.fetch_max(shape::number(&buffer[..whole])?, Ordering::Relaxed);
            to.write_all(&buffer[..whole]).await?;
            to.flush().await?;
            buffer[..whole].fill(0);
            buffer.drain(..whole);
        }
    }
}

async fn answers<S: AsyncRead, L: AsyncWrite>(mut from: ReadHalf<S>, mut to: WriteHalf<L>, asked: &AtomicU32) -> Result<(), End> {
    let mut buffer = Vec::with_capacity(READ);
    let mut open = HashMap::<u32, usize>::new();
    loop {
        // As much as comes, not as much as a header claims.
        if from.read_buf(&mut buffer).await? == 0 {
            return Ok(());
        }
        let mut done = 0;
        while let Some(whole) = length(&buffer[done..])?.filter(|whole| *whole <= buffer.len() - done) {
            let head = check(&buffer[done..done + whole])?;
            if head.id > asked.load(Ordering::Relaxed) {
                return Err(Breach::Unasked.into());
            }
            if head.is_one_of_many() {
                let sum = open.entry(head.id).or_default();
                *sum += whole;
                if *sum > ANSWER || open.len() > OPEN_ANSWERS {
                    return Err(Breach::TooMuch.into());
                }
            } else {
                open.remove(&head.id);
            }
            to.write_all(&buffer[done..done + whole]).await?;
            done += whole;
        }
        buffer.drain(..done);
        if buffer.is_empty() && buffer.capacity() > MESSAGE / 16 {
            buffer = Vec::with_capacity(READ);
        }
    }
}
