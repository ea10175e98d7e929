//! Callers that hang up: nothing is done for those who went before their turn, and nothing is left half done for the others.

use futures_util::future::join_all;
use http::StatusCode;
use tests::{Env, Pair, Service, Shop, order_of};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::{
    all,
    held::{Held, has_noticed, has_read},
    number, placed, with_status,
};

/// An order on its way, over a connection that can be dropped.
async fn sent(service: &Service, order: &serde_json::Value) -> TcpStream {
    let address = service.url().replace("http://", "");
    let mut stream = TcpStream::connect(&address).await.expect("the service listens");
    let (body, head) = (order.to_string(), "POST /orders HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\n");
    let request = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).await.expect("the request is sent");
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hangs_up_before_their_batch_begins_gets_no_order() {
    let env = Env::new("gone before").await;
    let service = env.order_service().start().await;
    let (shop, pool) = (Shop::new(service.url(), ""), env.pool(env.orders_database()));
    shop.sells("BUSY", 1_000).await.expect("1,000 pieces");
    shop.sells("WANTED", 1_000).await.expect("1,000 pieces");
    let (busy, wanted) = (order_of(&[("BUSY", 1)], "10115"), order_of(&[("WANTED", 1)], "10115"));

    let mut held = Held::article(&pool, "BUSY").await;
    let waiting = async {
        held.is_wanted().await;
        let leaving = join_all((0..20).map(|_| sent(&service, &wanted))).await;
        let staying = all((0..5).map(|_| shop.place(&wanted)));
        let letting_go = async {
            has_read(&service, 26).await;
            drop(leaving);
            has_noticed(&service).await;
            held.release().await;
        };
        tokio::join!(staying, letting_go).0
    };
    let (first, stayed) = tokio::join!(shop.place(&busy), waiting);

    assert_eq!(first.expect("there is an answer").status, StatusCode::CREATED);
    assert_eq!(with_status(&stayed, 201), 5);
    assert_eq!(placed(&pool).await, 6);
    assert_eq!(number(&pool, "select reserved from products where sku = 'WANTED'").await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hangs_up_at_any_moment_leaves_a_whole_order_or_none() {
    let pair = Pair::start(Env::new("gone after").await).await;
    let (shop, (pool, _)) = (pair.shop(), pair.pools());
    shop.sells("A", 1_000).await.expect("1,000 pieces");
    shop.serves("berlin", "1", 1_000).await.expect("Berlin is served");
    let order = order_of(&[("A", 1)], "10115");
    for _ in 0..10 {
        // As many again stay: batches hold both kinds.
        let staying = all((0..10).map(|_| shop.place(&order)));
        let leaving = join_all((0..20).map(async |_| drop(sent(&pair.orders, &order).await)));
        let (stayed, _) = tokio::join!(staying, leaving);
        assert_eq!(with_status(&stayed, 201), 10);
    }
    has_noticed(&pair.orders).await;
    pair.settles().await;
    let orders = placed(&pool).await;
    assert!((100..=300).contains(&orders), "{orders} orders");
    assert_eq!(number(&pool, "select reserved from products").await, orders);
}
