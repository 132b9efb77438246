//! `CancellationToken`: a wish to stop, handed down a tree.
//!
//! A node knows its parent, and keeps it alive; a parent knows its children
//! only as long as somebody else does. To cancel is to mark the whole subtree
//! first, so that to ask is to read one flag, and then to call whoever listens.

use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use crate::{
    process::Process,
    sync::{Arc, AtomicBool, Mutex, Ordering, Weak},
    unwind,
};

/// A wish to stop, for any number of tasks and threads to see.
///
/// Clones are the same token. A [child](Self::child_token) is cancelled with its
/// parent, and may be cancelled alone. Dropping a token cancels nothing. It needs
/// no pool: ask [`is_cancelled`](Self::is_cancelled) wherever it suits, or give it
/// to tasks with [`TaskBuilder::cancel_token`](crate::TaskBuilder::cancel_token):
/// those that have not started by then never do.
///
/// In the child of a `fork(2)` a token from before is alone: what it is told reaches
/// neither its children nor its listeners.
///
/// ```
/// use heist::{CancellationToken, ThreadPool};
///
/// let pool = ThreadPool::new()?;
/// let token = CancellationToken::new();
/// let task = pool.task().cancel_token(&token).spawn(|| {
///     let mut turns = 0_u64;
///     while !heist::is_cancelled() {
///         turns += 1;
///     }
///     turns
/// });
/// token.cancel();
/// // It had begun, and saw the token; or had not, and never will.
/// assert!(task.join().map_or_else(|error| error.is_cancelled(), |_turns| true));
/// # Ok::<(), heist::BuildError>(())
/// ```
#[derive(Clone)]
pub struct CancellationToken(Arc<Node>);

struct Node {
    cancelled: AtomicBool,
    /// In another process nobody unlocks what was locked here.
    process: Process,
    /// And this node's number there.
    parent: Option<(Arc<Node>, u64)>,
    links: Mutex<Links>,
}

#[derive(Default)]
struct Links {
    /// How many there have been.
    numbered: u64,
    children: BTreeMap<u64, Weak<Node>>,
    listeners: BTreeMap<u64, Listener>,
}

/// Called once, when the token is cancelled; outside of every lock.
type Listener = Box<dyn FnOnce() + Send>;

/// A listener, to be let go again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListenerKey(u64);

impl CancellationToken {
    /// A token that is not cancelled, and has no parent.
    ///
    /// ```
    /// assert!(!heist::CancellationToken::new().is_cancelled());
    /// ```
    pub fn new() -> Self {
        CancellationToken(Arc::new(Node::new(None, false)))
    }

    /// Cancels this token and all that descend from it. When this returns, all of
    /// them say so, and tasks with one of them that had not started never will:
    /// their handles are done, but for those of tasks that a worker is just about to drop.
    ///
    /// The closures of all others are dropped, and who waits for them is woken, on
    /// this thread. One who cancels what another is already cancelling does not wait
    /// for that, be it on another thread or in a destructor that is called here: all
    /// say so then, too, but there may be handles that the other has yet to come to.
    ///
    /// ```
    /// let token = heist::CancellationToken::new();
    /// let child = token.child_token();
    /// token.cancel();
    /// assert!(child.is_cancelled());
    /// ```
    pub fn cancel(&self) {
        self.mark().call();
    }

    /// The half of it that calls nobody: all say so, and who listens is still to hear.
    pub(crate) fn mark(&self) -> Marked {
        if !self.0.process.is_current() {
            self.0.mark();
            return Marked(Vec::new());
        }
        let mut subtree = vec![Arc::clone(&self.0)];
        let mut next = 0;
        while let Some(node) = subtree.get(next) {
            let children = node.mark_and_list();
            subtree.extend(children);
            next += 1;
        }
        Marked(subtree)
    }

    /// Was this token, or one that it descends from, cancelled? One load.
    ///
    /// ```
    /// let token = heist::CancellationToken::new();
    /// token.child_token().cancel();
    /// assert!(!token.is_cancelled());
    /// token.cancel();
    /// assert!(token.is_cancelled());
    /// ```
    #[inline]
    pub fn is_cancelled(&self) -> bool {
        // ORDERING(token): acquires what was done before `cancel`.
        self.0.cancelled.load(Ordering::Acquire)
    }

    /// A token that is cancelled with this one, and may be cancelled alone.
    ///
    /// ```
    /// let token = heist::CancellationToken::new();
    /// let (one, other) = (token.child_token(), token.child_token());
    /// one.cancel();
    /// assert!(one.is_cancelled() && !other.is_cancelled() && !token.is_cancelled());
    /// ```
    #[must_use = "a child nobody has is no more"]
    pub fn child_token(&self) -> Self {
        let parent = &self.0;
        if !parent.process.is_current() {
            return CancellationToken(Arc::new(Node::new(None, self.is_cancelled())));
        }
        let mut links = parent.links.lock();
        if self.is_cancelled() {
            drop(links);
            return CancellationToken(Arc::new(Node::new(None, true)));
        }
        let number = links.number();
        let child = Arc::new(Node::new(Some((Arc::clone(parent), number)), false));
        links.children.insert(number, Arc::downgrade(&child));
        drop(links);
        CancellationToken(child)
    }

    /// A future that is ready when the token is cancelled. It needs no runtime in
    /// particular.
    ///
    /// ```
    /// use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    ///
    /// let token = heist::CancellationToken::new();
    /// let mut cancelled = pin!(token.cancelled());
    /// let mut cx = Context::from_waker(Waker::noop());
    /// assert!(cancelled.as_mut().poll(&mut cx).is_pending());
    /// token.cancel();
    /// assert!(cancelled.poll(&mut cx).is_ready());
    /// ```
    pub fn cancelled(&self) -> Cancelled {
        Cancelled { token: self.clone(), key: None }
    }

    /// Has `listener` called when the token is cancelled. None: it is.
    pub(crate) fn listen(&self, listener: impl FnOnce() + Send + 'static) -> Option<ListenerKey> {
        if !self.0.process.is_current() {
            return None;
        }
        let mut links = self.0.links.lock();
        if self.is_cancelled() {
            drop(links);
            unwind::discard(listener);
            return None;
        }
        let number = links.number();
        links.listeners.insert(number, Box::new(listener));
        Some(ListenerKey(number))
    }

    /// Lets a listener go.
    pub(crate) fn ignore(&self, key: ListenerKey) {
        if self.0.process.is_current() {
            let listener = self.0.links.lock().listeners.remove(&key.0);
            unwind::discard(listener);
        }
    }
}

/// Tokens that say they are cancelled, while who listens does not know it.
#[must_use = "who listens is to be called"]
pub(crate) struct Marked(Vec<Arc<Node>>);

impl Marked {
    /// Calls whoever listens. That is anybody's code, and may wait for anything: this
    /// thread is to owe nothing by then.
    pub(crate) fn call(self) {
        for node in &self.0 {
            let links = mem::take(&mut *node.links.lock());
            for listener in links.listeners.into_values() {
                unwind::discard(unwind::catch(listener));
            }
        }
    }
}

impl Node {
    fn new(parent: Option<(Arc<Node>, u64)>, cancelled: bool) -> Self {
        Node {
            cancelled: AtomicBool::new(cancelled),
            process: Process::current(),
            parent,
            links: Mutex::default(),
        }
    }

    fn mark(&self) {
        // ORDERING(token): releases what was done before to `is_cancelled`.
        self.cancelled.store(true, Ordering::Release);
    }

    /// Who comes later finds it cancelled, and those here are left where they
    /// are: who cancels it at the same time marks them as well, and need not wait.
    fn mark_and_list(&self) -> Vec<Arc<Node>> {
        let links = self.links.lock();
        self.mark();
        links.children.values().filter_map(Weak::upgrade).collect()
    }
}

impl Links {
    fn number(&mut self) -> u64 {
        self.numbered += 1;
        self.numbered
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if !self.process.is_current() {
            // What somebody was about to change in the parent process is not
            // whole here.
            mem::forget(mem::take(&mut self.links));
            mem::forget(self.parent.take());
            return;
        }
        // One after the other, however long the line of those that go with it.
        let mut parent = self.parent.take();
        while let Some((node, number)) = parent {
            node.links.lock().children.remove(&number);
            parent = Arc::into_inner(node).and_then(|mut node| node.parent.take());
        }
    }
}

impl Default for CancellationToken {
    fn default() -> Self {
        CancellationToken::new()
    }
}

impl fmt::Debug for CancellationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancellationToken")
            .field("is_cancelled", &self.is_cancelled())
            .finish_non_exhaustive()
    }
}

/// A future that is ready when its token is cancelled; made by
/// [`CancellationToken::cancelled`].
///
/// ```
/// let token = heist::CancellationToken::new();
/// let _: heist::Cancelled = token.cancelled();
/// ```
#[must_use = "a future does nothing until it is polled"]
pub struct Cancelled {
    token: CancellationToken,
    key: Option<ListenerKey>,
}

impl Cancelled {
    fn withdraw(&mut self) {
        self.key.take().into_iter().for_each(|key| self.token.ignore(key));
    }
}

impl Future for Cancelled {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.withdraw();
        let waker = cx.waker().clone();
        self.key = self.token.listen(move || waker.wake());
        if self.token.is_cancelled() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Cancelled {
    fn drop(&mut self) {
        self.withdraw();
    }
}

impl fmt::Debug for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancelled").field("token", &self.token).finish_non_exhaustive()
    }
}
