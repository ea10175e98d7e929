//! Every route, whatever it is for: OPTIONS, HEAD, and what is refused says what would have been taken.

use std::collections::BTreeSet;

use http::{Method, StatusCode};
use reqwest::Client;
use tests::{Env, Pair, Reply};

use crate::{bad_input, routes};

#[tokio::test(flavor = "multi_thread")]
async fn every_address_says_what_it_takes_and_answers_head_like_get() {
    let pair = Pair::start(Env::new("what is taken").await).await;
    let known = bad_input::known(&pair, &pair.shop()).await;
    let (client, addresses) = (Client::new(), [pair.orders.url(), pair.deliveries.url()]);
    let ask = async |method: Method, url: &str, name: &str, value: &str| {
        Reply::to(client.request(method, url).header(name, value)).await.expect("there is an answer")
    };
    for route in routes::all() {
        let url = format!("{}{}", bad_input::address_of(&addresses, route.side), route.path(&known));
        let told = ask(Method::OPTIONS, &url, "accept", "*/*").await;
        assert_eq!((told.status, told.body.len()), (StatusCode::NO_CONTENT, 0), "{url}: {told:?}");
        assert_eq!(allowed(&told), route.takes(), "{url}");
        assert_eq!(told.header("content-length"), "", "{url}");
        let refused = ask(Method::PATCH, &url, "accept", "*/*").await;
        assert!(refused.is_problem(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"), "{url}: {refused:?}");
        assert_eq!(allowed(&refused), route.takes(), "{url}");
        if !route.methods.contains("GET") {
            continue;
        }
        for encoding in ["gzip", "identity"] {
            let (get, head) = tokio::join!(
                ask(Method::GET, &url, "accept-encoding", encoding),
                ask(Method::HEAD, &url, "accept-encoding", encoding)
            );
            assert_eq!((head.status, head.body.len()), (get.status, 0), "{url}");
            for name in ["content-type", "content-encoding", "cache-control", "vary", "etag", "retry-after"] {
                assert_eq!(head.header(name), get.header(name), "{name} of {url}");
            }
        }
    }
    for address in addresses {
        let nowhere = ask(Method::OPTIONS, &format!("{address}/nowhere"), "accept", "*/*").await;
        assert!(nowhere.is_problem(StatusCode::NOT_FOUND, "no_such_route"), "{nowhere:?}");
    }
}

fn allowed(reply: &Reply) -> BTreeSet<String> {
    reply.header("allow").split(',').map(str::to_owned).collect()
}
