//! PostgreSQL is stopped and started, in order and not in order, while customers are ordering.

use std::collections::BTreeSet;

use anyhow::ensure;
use devstack::Shutdown;
use futures_util::future::join_all;
use http::StatusCode;
use tests::{Env, PATIENCE, eventually};

use super::{ALONE, all_confirmed, insistence::Seen, open};

const CUSTOMERS: usize = 16;

#[tokio::test(flavor = "multi_thread")]
async fn postgres_restarted_under_load_is_a_clean_503_at_worst_and_nothing_is_lost() {
    let _alone = ALONE.lock().await;
    let pair = open(Env::apart("postgres restarted").await).await;
    let (shop, (orders, _)) = (pair.shop(), pair.pools());
    let seen = Seen::default();

    let ordering = join_all((0..CUSTOMERS).map(|who| seen.keep_ordering(&shop, who)));
    let looking = async {
        while seen.goes_on() {
            let list = shop.get("/orders?limit=5").await.expect("there is an answer");
            assert!(list.status == StatusCode::OK || list.is_not_now(), "{list:?}");
        }
    };
    let breaking = async {
        seen.more(200).await;
        for shutdown in [Shutdown::Fast, Shutdown::Immediate] {
            pair.env.postgres().await.restart(shutdown).await.expect("PostgreSQL is back");
            seen.more(200).await;
        }
        // Long enough to be noticed, this time.
        pair.env.postgres().await.kill().await.expect("PostgreSQL is killed");
        eventually("every customer is told to come back later", PATIENCE, async || {
            let (told, _) = seen.setbacks();
            ensure!(told >= CUSTOMERS, "{told} times");
            Ok(())
        })
        .await;
        pair.env.postgres().await.restart(Shutdown::Fast).await.expect("PostgreSQL is back");
        seen.more(200).await;
        seen.over();
    };
    tokio::join!(ordering, looking, breaking);

    let ids = seen.ids();
    assert!(ids.len() >= 800, "{} orders, {:?}", ids.len(), seen.setbacks());
    assert_eq!(seen.setbacks().1, 0, "a connection to the service broke");
    // One order for each key: what was answered with a 503 and asked again was not placed twice.
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    eventually("both databases answer", PATIENCE, async || sqlx::query("select 1").execute(&orders).await).await;
    let known: Vec<String> =
        sqlx::query_scalar("select id::text from orders").fetch_all(&orders).await.expect("the orders");
    assert_eq!(known.into_iter().collect::<BTreeSet<_>>(), ids.iter().cloned().collect());
    all_confirmed(&orders, i64::try_from(ids.len()).expect("a number")).await;
    pair.settles().await;
    println!("{} orders; {} times somebody was told to come back", ids.len(), seen.setbacks().0);
}
