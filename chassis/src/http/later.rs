//! An answer that goes on outside the limits: a caller that waits holds no permit and meets no time-out.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use axum::response::Response;

type Waiting = Pin<Box<dyn Future<Output = Response> + Send>>;

/// Put into a response's extensions, it takes the response's place once it is ready. Whoever makes one caps how many there
/// are and how long they take, and ends them when the service stops.
#[derive(Clone)]
pub struct Later(Arc<Mutex<Option<Waiting>>>);

impl Later {
    /// The response to come.
    pub fn new(response: impl Future<Output = Response> + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Some(Box::pin(response)))))
    }
}

impl fmt::Debug for Later {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Later")
    }
}

/// Waits for what takes this response's place, if something does: outside of the concurrency limit and the time-out.
pub(super) async fn wait(mut response: Response) -> Response {
    let Some(Later(waiting)) = response.extensions_mut().remove::<Later>() else { return response };
    let waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
    match waiting {
        Some(waiting) => waiting.await,
        None => response,
    }
}
