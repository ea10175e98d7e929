//! How both services behave as servers of HTTP, whatever is asked of them.

mod reads;
mod routes;
