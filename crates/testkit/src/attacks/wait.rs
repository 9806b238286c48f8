//! Functions that wait without an executor: for several futures in one task, and on a thread.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// Polls futures by turns until all are done. Returns their outputs, in order.
pub(crate) async fn join<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    poll_fn(|context| {
        for (future, output) in running.iter_mut().filter(|(_, output)| output.is_none()) {
            if let Poll::Ready(value) = future.as_mut().poll(context) {
                *output = Some(value);
            }
        }
        match running.iter().all(|(_, output)| output.is_some()) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    running.into_iter().filter_map(|(_, output)| output).collect()
}

/// Polls a future until it is done, and others beside it as long as that takes. Those that are done are removed.
pub(crate) async fn beside<O: Future, F: Future>(others: &mut Vec<Pin<Box<O>>>, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| {
        others.retain_mut(|other| other.as_mut().poll(context).is_pending());
        future.as_mut().poll(context)
    })
    .await
}

/// Blocks this thread until the future is done.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::future::poll_fn;
    use std::task::Poll;
    use std::time::Duration;

    use super::{block_on, join};

    #[test]
    fn joined_futures_take_turns() {
        let seen = RefCell::new(Vec::new());
        let task = |name: &'static str| {
            let seen = &seen;
            async move {
                for step in 0..2 {
                    seen.borrow_mut().push((name, step));
                    let mut yielded = false;
                    poll_fn(|context| {
                        if std::mem::replace(&mut yielded, true) {
                            return Poll::Ready(());
                        }
                        context.waker().wake_by_ref();
                        Poll::Pending
                    })
                    .await;
                }
                name
            }
        };
        assert_eq!(block_on(join(vec![task("a"), task("b")])), ["a", "b"]);
        assert_eq!(*seen.borrow(), [("a", 0), ("b", 0), ("a", 1), ("b", 1)]);
    }

    #[test]
    fn a_thread_that_waits_is_woken_by_another() {
        let (sender, receiver) = std::sync::mpsc::channel::<std::task::Waker>();
        let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let other = std::sync::Arc::clone(&done);
        std::thread::spawn(move || {
            let waker = receiver.recv().unwrap();
            std::thread::sleep(Duration::from_millis(5));
            other.store(true, std::sync::atomic::Ordering::SeqCst);
            waker.wake();
        });
        block_on(poll_fn(|context| {
            if done.load(std::sync::atomic::Ordering::SeqCst) {
                return Poll::Ready(());
            }
            let _ = sender.send(context.waker().clone());
            Poll::Pending
        }));
        assert!(done.load(std::sync::atomic::Ordering::SeqCst));
    }
}
