//! A service's role, and clocks.

use anyhow::Result;
use sagactl::preflight::{Places, look};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tests::Env;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::{TERMS, ends_with, looked, refused};

#[tokio::test(flavor = "multi_thread")]
async fn each_right_that_a_role_has_too_many_is_named() -> Result<()> {
    let env = Env::apart("rights").await;
    crate::settings::migrated_pair(&env).await;
    env.create_topics(3).await;
    let admins = env.postgres().await.create_database("admins").await?;
    let role = url::Url::parse(env.orders_database())?.username().to_owned();
    let mut admin = PgConnection::connect(&admins).await?;
    assert_eq!(refused(&looked(&env, TERMS).await), Vec::<String>::new());
    for right in ["superuser", "createdb", "createrole", "bypassrls", "replication"] {
        sqlx::raw_sql(AssertSqlSafe(format!("alter role {role} {right}"))).execute(&mut admin).await?;
        let report = looked(&env, TERMS).await;
        assert_eq!(refused(&report), ["database role: rights"], "{right}: {report}");
        assert!(report.to_string().contains(&format!("role {role} is {right}")), "{report}");
        if right == "createrole" {
            let said = ends_with(env.order_service()).await;
            assert!(said.contains(&format!("role {role} is createrole")), "{said}");
        }
        sqlx::raw_sql(AssertSqlSafe(format!("alter role {role} no{right}"))).execute(&mut admin).await?;
    }
    // Those of a role that it may become are its own.
    let others = format!("create role others createdb; grant others to {role}; alter database admins owner to others");
    sqlx::raw_sql(AssertSqlSafe(others)).execute(&mut admin).await?;
    let report = looked(&env, TERMS).await;
    assert_eq!(refused(&report), ["database role: rights", "database role: databases"], "{report}");
    assert!(report.to_string().contains("it owns admins"), "{report}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_membership_that_a_role_has_too_many_is_named() -> Result<()> {
    let env = Env::apart("memberships").await;
    crate::settings::migrated_pair(&env).await;
    env.create_topics(3).await;
    let mut admin = PgConnection::connect(env.postgres().await.admin_url()).await?;
    let name = |url: &str| url::Url::parse(url).map(|url| url.username().to_owned());
    let (role, other) = (name(env.orders_database())?, name(env.deliveries_database())?);
    for (made, role_beyond) in [
        ("", "pg_read_all_data"),
        ("", "pg_write_all_data"),
        ("", "pg_execute_server_program"),
        ("", "pg_read_server_files"),
        ("", "pg_write_server_files"),
        ("", "pg_signal_backend"),
        ("create role somebody login;", "somebody"),
        // Not by itself: by the one that it is a member of.
        ("create role team; create role chief login; grant chief to team;", "team"),
    ] {
        let granted = format!("{made} grant {role_beyond} to {role}");
        sqlx::raw_sql(AssertSqlSafe(granted)).execute(&mut admin).await?;
        let report = looked(&env, TERMS).await;
        assert_eq!(refused(&report), ["database role: memberships"], "{role_beyond}: {report}");
        let named = if role_beyond == "team" { "chief" } else { role_beyond };
        assert!(report.to_string().contains(&format!("role {role} is a member of {named}")), "{report}");
        sqlx::raw_sql(AssertSqlSafe(format!("revoke {role_beyond} from {role}"))).execute(&mut admin).await?;
    }
    sqlx::raw_sql(AssertSqlSafe(format!("grant {other} to {role}"))).execute(&mut admin).await?;
    let report = looked(&env, TERMS).await;
    assert_eq!(refused(&report), ["database role: memberships", "database role: databases"], "{report}");
    assert!(report.to_string().contains(&format!("it owns {other}")), "{report}");
    let said = ends_with(env.order_service()).await;
    assert!(said.contains(&format!("role {role} is a member of {other}")), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_whose_clock_is_wrong_is_named() -> Result<()> {
    let service = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", service.local_addr()?);
    let answering = async {
        let (mut caller, _) = service.accept().await?;
        let mut asked = [0; 17];
        caller.read_exact(&mut asked).await?;
        assert_eq!(&asked, b"GET /health/ready");
        let answer =
            "HTTP/1.1 503 Service Unavailable\r\ndate: Tue, 01 Dec 2020 08:00:00 GMT\r\ncontent-length: 0\r\n\r\n";
        caller.write_all(answer.as_bytes()).await
    };
    let places = Places { urls: [None, Some(url)], ..Places::default() };
    let (report, answered) = tokio::join!(look(&places, TERMS), answering);
    answered?;
    assert_eq!(refused(&report), ["ready", "clock: delivery-service"], "{report}");
    assert!(report.to_string().contains("ms behind"), "{report}");
    Ok(())
}
