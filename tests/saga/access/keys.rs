//! Keys of tokens come and go while a service runs; and a service is never open to others by a slip.

use anyhow::{Result, ensure};
use devstack::SigningKey;
use http::StatusCode;
use tests::{Env, Keys, PATIENCE, Shop, eventually_is};

use super::{get, is_refused};

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_rotated_without_a_restart() -> Result<()> {
    let (env, keys) = (Env::new("rotation").await, Keys::fresh());
    let service = env.order_service().guarded(&keys.flags()).start().await;
    let (shop, url) = (Shop::new(service.url(), String::new()), format!("{}/orders", service.url()));
    let next = SigningKey::fresh()?;
    let [by_old, by_next] = [&keys.signing, &next].map(|key| shop.with_token(&Keys::token_of(key, "ada", "customer")));
    let status = async |shop: &Shop| Ok(get(shop, &url).await.status);
    assert_eq!((status(&by_old).await?, status(&by_next).await?), (StatusCode::OK, StatusCode::UNAUTHORIZED));

    keys.publish(&[&keys.signing, &next])?;
    eventually_is("the next key is known", PATIENCE, StatusCode::OK, async || status(&by_next).await).await;
    assert_eq!(status(&by_old).await?, StatusCode::OK, "the old one is still good");
    keys.publish(&[&next])?;
    eventually_is("the old key is gone", PATIENCE, StatusCode::UNAUTHORIZED, async || status(&by_old).await).await;
    assert_eq!(status(&by_next).await?, StatusCode::OK);

    // A file that is of no use changes nothing. That it was read is told by the counter.
    std::fs::write(keys.public_file(), "{")?;
    eventually_is("it was read", PATIENCE, true, async || {
        ensure!(status(&by_next).await? == StatusCode::OK, "the former keys stay");
        Ok(shop.counter(&shop.orders, "access_token_keys_unreadable_total").await? > 0.0)
    })
    .await;
    assert_eq!((status(&by_next).await?, status(&by_old).await?), (StatusCode::OK, StatusCode::UNAUTHORIZED));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_told_nothing_lets_nobody_in() -> Result<()> {
    let (env, keys) = (Env::new("told nothing").await, Keys::fresh());
    let service = env.delivery_service().guarded(&[]).start().await;
    let shop = Shop::new(String::new(), service.url());
    let url = format!("{}/zones", service.url());
    ensure!(is_refused(&get(&shop, &url).await, "missing"));
    ensure!(is_refused(&get(&shop.with_token(&keys.token("sue", "staff")), &url).await, "invalid"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_open_to_others_or_cannot_be_guarded_does_not_start() -> Result<()> {
    let (env, keys) = (Env::new("slips").await, Keys::fresh());
    std::fs::write(keys.public_file(), "{\"keys\": []}")?;
    for (flags, because) in [
        (vec!["--open-on-loopback".to_owned(), "--listen=0.0.0.0:0".to_owned()], "no loopback address"),
        (vec!["--open-on-loopback".to_owned(), "--listen=[::]:0".to_owned()], "no loopback address"),
        ([vec!["--open-on-loopback".to_owned()], keys.flags()].concat(), "cannot be used with"),
        (vec!["--token-keys=nowhere".to_owned()], "--token-issuer"),
        (keys.flags(), "no key for EdDsa"),
        (vec!["--token-algorithm=HS256".to_owned()], "invalid value"),
    ] {
        let launch = flags.iter().fold(env.order_service(), |launch, flag| launch.arg(flag));
        let output = launch.to_its_end().await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(!output.status.success() && said.contains(because), "{flags:?}: {said}");
    }
    Ok(())
}
