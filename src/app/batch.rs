//! Self-clocking group commit: what arrives while one flush is under way goes into the next, as one transaction.
//!
//! No timer and no linger: alone, a request pays nothing; under load the batches grow by themselves. Every caller is answered only
//! after its commit, and one bad input does not fail its neighbours.

use std::{collections::HashSet, future::Future, sync::Arc};

use anyhow::{Context, Result, anyhow};
use tokio::sync::{Mutex, mpsc, oneshot};
use uuid::Uuid;

/// Inputs at most in one transaction.
const MOST: usize = 128;

/// What a batch does with its inputs.
pub trait Flush: Send + Sync + 'static {
    type Input: Send + Sync + 'static;
    type Output: Send + 'static;

    /// Two inputs of one key are never flushed together; `None`: it does not matter.
    fn key(input: &Self::Input) -> Option<Uuid>;

    /// One transaction for all of them; one output each, in order. Must be safe to repeat: after an error, or a commit whose answer
    /// was lost, each input is flushed once more by itself.
    fn flush(&self, inputs: &[Self::Input]) -> impl Future<Output = Result<Vec<Self::Output>>> + Send;
}

/// The way into a batch; cheap to clone.
pub struct Batch<F: Flush> {
    queue: mpsc::Sender<Item<F>>,
}

struct Item<F: Flush> {
    input: F::Input,
    answer: oneshot::Sender<Result<F::Output>>,
}

type Queue<F> = Arc<Mutex<mpsc::Receiver<Item<F>>>>;

impl<F: Flush> Batch<F> {
    /// So many flushes may be under way at once. Ends when the last `Batch` is dropped.
    pub fn start(writers: usize, flush: F) -> Self {
        let (queue, items) = mpsc::channel(8 * MOST);
        let (items, flush) = (Arc::new(Mutex::new(items)), Arc::new(flush));
        for _ in 0..writers {
            tokio::spawn(write(items.clone(), flush.clone()));
        }
        Self { queue }
    }

    pub async fn run(&self, input: F::Input) -> Result<F::Output> {
        self.send(input).await?.await.context("the batch has ended")?
    }

    /// All at once; one output each, in order.
    pub async fn run_all(&self, inputs: Vec<F::Input>) -> Result<Vec<F::Output>> {
        let (mut answers, mut outputs) = (Vec::with_capacity(inputs.len()), Vec::with_capacity(inputs.len()));
        for input in inputs {
            answers.push(self.send(input).await?);
        }
        for answer in answers {
            outputs.push(answer.await.context("the batch has ended")??);
        }
        Ok(outputs)
    }

    async fn send(&self, input: F::Input) -> Result<oneshot::Receiver<Result<F::Output>>> {
        let (answer, answered) = oneshot::channel();
        self.queue.send(Item { input, answer }).await.map_err(|_| anyhow!("the batch has ended"))?;
        Ok(answered)
    }
}

async fn write<F: Flush>(items: Queue<F>, flush: Arc<F>) {
    let mut taken = Vec::new();
    while items.lock().await.recv_many(&mut taken, MOST).await > 0 {
        while !taken.is_empty() {
            let mut keys = HashSet::new();
            let (now, later): (Vec<_>, Vec<_>) = taken.drain(..).partition(|item| F::key(&item.input).is_none_or(|key| keys.insert(key)));
            taken = later;
            let (inputs, answers): (Vec<_>, Vec<_>) = now.into_iter().map(|item| (item.input, item.answer)).unzip();
            answer(&flush, inputs, answers).await;
        }
    }
}

async fn answer<F: Flush>(flush: &Arc<F>, inputs: Vec<F::Input>, answers: Vec<oneshot::Sender<Result<F::Output>>>) {
    let (inputs, count) = (Arc::new(inputs), answers.len());
    let error = match guarded(flush.clone(), inputs.clone(), 0..count).await {
        Ok(outputs) => {
            for (answer, output) in answers.into_iter().zip(outputs) {
                // Whoever asked may have gone.
                let _ = answer.send(Ok(output));
            }
            return;
        }
        Err(error) => error,
    };
    tracing::warn!(error = format!("{error:#}"), batch.inputs = count, "a batch failed; each of it is tried by itself");
    for (n, answer) in answers.into_iter().enumerate() {
        let alone = guarded(flush.clone(), inputs.clone(), n..n + 1).await;
        let _ = answer.send(alone.and_then(|mut outputs| outputs.pop().context("a flush without an answer")));
    }
}

/// In a task of its own: a panic is an error like any other, and ends no writer.
async fn guarded<F: Flush>(flush: Arc<F>, inputs: Arc<Vec<F::Input>>, range: std::ops::Range<usize>) -> Result<Vec<F::Output>> {
    let count = range.len();
    let outputs = tokio::spawn(async move { flush.flush(&inputs[range]).await }).await.context("a flush panicked")??;
    anyhow::ensure!(outputs.len() == count, "a flush answered {} of {count}", outputs.len());
    Ok(outputs)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Remembers its batches; fails whole batches that hold a 13.
    struct Log(Arc<Mutex<Vec<Vec<u128>>>>);

    impl Flush for Log {
        type Input = u128;
        type Output = u128;

        fn key(input: &u128) -> Option<Uuid> {
            Some(Uuid::from_u128(*input))
        }

        async fn flush(&self, inputs: &[u128]) -> Result<Vec<u128>> {
            self.0.lock().unwrap().push(inputs.to_vec());
            tokio::task::yield_now().await;
            assert!(!inputs.contains(&99), "a panic");
            anyhow::ensure!(!inputs.contains(&13), "thirteen");
            Ok(inputs.iter().map(|input| input + 1000).collect())
        }
    }

    #[tokio::test]
    async fn what_comes_meanwhile_goes_together_and_nobody_suffers_from_a_neighbour() {
        let log = Arc::new(Mutex::new(Vec::new()));
        let batch = Arc::new(Batch::start(1, Log(log.clone())));
        let all = [1, 2, 13, 3, 99, 3, 4].map(|n| {
            let batch = batch.clone();
            tokio::spawn(async move { batch.run(n).await.ok() })
        });
        let mut answers = Vec::new();
        for one in all {
            answers.push(one.await.unwrap());
        }
        assert_eq!(answers, [Some(1001), Some(1002), None, Some(1003), None, Some(1003), Some(1004)]);
        let log = log.lock().unwrap();
        assert!(log.iter().any(|batch| batch.len() > 1), "{log:?}");
        assert!(log.iter().all(|batch| batch.iter().filter(|n| **n == 3).count() < 2), "one key twice in {log:?}");
    }
}
