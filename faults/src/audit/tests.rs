//! Each statement of the auditor finds what it is meant for, in the tables that the services' own migrations make. What would refuse a bad
//! row there is taken away first: the auditor must not rely on it.

use std::path::Path;

use anyhow::Result;
use devstack::{Postgres, Progress};
use sqlx::postgres::{PgConnection, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, PgPool};

use super::{Check, deliveries, found, orders};

/// All constraints but the primary keys; of the ledger that one as well.
const NOTHING_IS_REFUSED: &str = "
    do $$
    declare one record;
    begin
        for one in select conrelid::regclass as rows, conname from pg_constraint
                   where connamespace = 'public'::regnamespace and coninhcount = 0
                     and (contype in ('c', 'f', 'u') or conname = 'transfers_pkey')
                   order by contype = 'f' desc
        loop execute format('alter table %s drop constraint %I', one.rows, one.conname); end loop;
    end $$;
    drop index if exists captured_or_voided, voided_or_refunded, an_event_changes_an_order_once;";

/// An order of each kind that has come to rest: 1 confirmed, 2 delivered, 3 cancelled before and 4 after the capture, 5 lost, 6 brought back.
const ORDERS: &str = r#"
    insert into products (sku, name, price_minor, currency, weight_g, received, on_hand, reserved, shipped, written_off)
    values ('A', 'Article', 100, 'EUR', 10, 100, 96, 2, 2, 2);
    insert into orders (id, customer_id, currency, total_minor, delivery_address, placed_at, status, payment, stock, cancellation,
                        cancellation_rejected, cancellation_asked, failure, version, changes, deadline_at)
    select ('00000000-0000-0000-0000-00000000000' || n)::uuid, 'c' || n, 'EUR', 200, '{}', now(), status, payment, stock, null, false, 0,
           goods::jsonb, 1, 2, until
    from (values (1, 'confirmed', 'captured', 'reserved', null, now() + interval '1 day'), (2, 'delivered', 'captured', 'shipped', null, null),
                 (3, 'cancelled', 'voided', 'released', null, null), (4, 'cancelled', 'refunded', 'released', null, null),
                 (5, 'returned', 'refunded', 'written_off', '{"goods": "lost"}', null),
                 (6, 'returned', 'refunded', 'released', '{"goods": "returned"}', null)
         ) as placed (n, status, payment, stock, goods, until);
    insert into order_items select id, 'A', 1, 2, 100, 10 from orders;
    insert into transfers
    select id, kind, 'a', 'b', 200, 'EUR', now() from orders cross join (values ('hold'), ('capture'), ('void'), ('refund')) as ledger (kind)
    where kind = 'hold' or (kind = 'void') = (payment = 'voided')
      and (kind <> 'refund' or payment = 'refunded') and (kind <> 'capture' or payment <> 'voided');
    insert into order_history
    select id, number, status, now(), 'something', 'test', nullif(number, 1) - 1 from orders cross join generate_series(1, 3) as number;
    insert into inbox (order_id, seen) select id, 2 from orders;"#;

/// What of it is wrong when this is done.
const BAD_ORDERS: [(&[&str], &str); 21] = [
    (&["I1"], "update orders set deadline_at = null where status = 'confirmed'"),
    (&["I1"], "update orders set deadline_at = now() - interval '1 hour' where status = 'confirmed'"),
    (&["I1"], "update orders set attention = 'late_dispatch' where status = 'confirmed'"),
    (&["I1"], "update orders set deadline_at = now() + interval '1 hour' where status = 'delivered'"),
    (&["I1"], "update orders set status = 'cancelling' where status = 'confirmed'"),
    (&["I2"], "delete from transfers where kind = 'hold' and order_id::text like '%1'"),
    (&["I2"], "delete from transfers where kind = 'capture' and order_id::text like '%2'"),
    (&["I2"], "delete from transfers where kind = 'void'"),
    (&["I2"], "update transfers set kind = 'void' where kind = 'refund' and order_id::text like '%4'"),
    (&["I2"], "delete from transfers where kind = 'refund' and order_id::text like '%5'"),
    (&["I2"], "update order_items set quantity = 1, unit_price_minor = 300 where order_id::text like '%3'"),
    (&["I2", "I3"], "insert into transfers select * from transfers where kind = 'hold' limit 1"),
    (&["I3"], "insert into transfers select gen_random_uuid(), kind, debit, credit, 1, currency, at from transfers"),
    (&["I5"], "update products set reserved = reserved + 1"),
    (&["I5"], "update products set shipped = shipped - 1, on_hand = on_hand + 1"),
    (&["I5"], "update products set on_hand = on_hand - 1"),
    (&["I5"], r#"update orders set failure = '{"goods": "returned"}' where customer_id = 'c5'"#),
    (&["I10"], "update order_history set event_version = null where number = 2 and order_id::text like '%1'"),
    (&["I10"], "update order_history set event_version = 3 - event_version where order_id::text like '%1'"),
    (&["I10"], "update inbox set seen = 3 where order_id::text like '%1'"),
    (&["I10"], "delete from inbox where order_id::text like '%1'"),
];

/// A delivery of each kind: 1 scheduled, 2 delivered, 3 void, 4 cancelled, 5 failed on its way.
const DELIVERIES: &str = r#"
    insert into zones values ('z', 'DE', 3, 1000);
    insert into slots values ('z', '2026-01-02', 3, 3);
    insert into couriers values ('bo', 'Bo', 1, 1);
    insert into deliveries (id, order_id, status, zone_id, slot_date, courier_id, weight_g, failure, version, changes, deadline_at)
    select gen_random_uuid(), ('00000000-0000-0000-0000-00000000000' || n)::uuid, status, zone, case when zone is not null then date '2026-01-02' end,
           case when zone is not null then 'bo' end, 20, failure::jsonb, 1, 1, until
    from (values (1, 'scheduled', 'z', null, now() + interval '1 day'), (2, 'delivered', 'z', null, null), (3, 'void', null, null, null),
                 (4, 'cancelled', 'z', null, null), (5, 'failed', 'z', '{"stage": "transit"}', null)
         ) as planned (n, status, zone, failure, until);
    insert into delivery_history
    select id, 1, order_id, status, now(), 'OrderCompleted', 'test', 1 from deliveries where status <> 'void'
    union all select id, 2, order_id, status, now(), 'OrderCancelled', 'test', 2 from deliveries where status in ('void', 'cancelled');
    insert into inbox (order_id, seen) select order_id, max(event_version) from delivery_history group by order_id;"#;

const BAD_DELIVERIES: [(&[&str], &str); 15] = [
    (&["I1"], "update deliveries set deadline_at = null where status = 'scheduled'"),
    (&["I1"], "update deliveries set deadline_at = now() - interval '1 hour' where status = 'scheduled'"),
    (&["I1"], "update deliveries set attention = 'late_dispatch' where status = 'scheduled'"),
    (&["I1"], "update deliveries set attention = 'late_delivery' where status = 'delivered'"),
    (&["I6"], "update slots set taken = 2"),
    (&["I6"], "update slots set capacity = 2"),
    (&["I6"], "update deliveries set slot_date = slot_date + 1 where status = 'cancelled'"),
    (&["I6"], "update zones set weight_limit_g = 19"),
    (&["I6"], "update couriers set load = 0"),
    (&["I6"], "update couriers set capacity = 0"),
    (
        &["I7"],
        "insert into deliveries (id, order_id, status, weight_g, version, changes)
         select gen_random_uuid(), order_id, status, 0, 1, 1 from deliveries where status = 'void'",
    ),
    (&["I10"], "update delivery_history set event_version = 2 where what = 'OrderCompleted' and status = 'scheduled'"),
    (&["I10"], "update delivery_history set event_version = 1 where what = 'OrderCancelled' and status = 'cancelled'"),
    (&["I10"], "update inbox set seen = seen + 1 where seen = 1"),
    (&["I10"], "delete from delivery_history where what = 'OrderCancelled' and status = 'cancelled'"),
];

/// A database with a service's tables, in which nothing is refused.
async fn tables(postgres: &Postgres, name: &str) -> Result<PgPool> {
    let url = postgres.create_database(&name.replace('-', "_")).await?;
    let pool = PgPoolOptions::new().max_connections(1).connect(&url).await?;
    for folder in ["chassis", name] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder).join("migrations");
        let mut files: Vec<_> = std::fs::read_dir(folder)?.map(|file| Ok(file?.path())).collect::<Result<_>>()?;
        files.sort();
        for file in files {
            sqlx::raw_sql(AssertSqlSafe(std::fs::read_to_string(file)?)).execute(&pool).await?;
        }
    }
    sqlx::raw_sql(NOTHING_IS_REFUSED).execute(&pool).await?;
    Ok(pool)
}

/// The names of what does not hold.
async fn broken(database: &mut PgConnection, checks: &[Check]) -> Result<Vec<&'static str>> {
    let mut names = Vec::new();
    for check in checks {
        let finding = found(&mut *database, check).await?;
        names.extend((!finding.violations.is_empty()).then_some(finding.name));
    }
    names.dedup();
    Ok(names)
}

async fn try_all(pool: &PgPool, checks: &[Check], good: &'static str, bad: &[(&[&str], &'static str)]) -> Result<()> {
    sqlx::raw_sql(good).execute(pool).await?;
    let mut database = pool.acquire().await?;
    assert_eq!(broken(&mut database, checks).await?, [""; 0]);
    for (names, wrong) in bad {
        let mut transaction = database.begin().await?;
        sqlx::raw_sql(*wrong).execute(&mut *transaction).await?;
        assert_eq!(broken(&mut transaction, checks).await?, *names, "{wrong}");
        transaction.rollback().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_bad_row_is_found_whichever_it_is_and_good_ones_are_left_alone() -> Result<()> {
    let mut postgres = Postgres::start_own(&Progress::hidden()).await?;
    let (here, there) = (tables(&postgres, "order-service").await?, tables(&postgres, "delivery-service").await?);
    try_all(&here, &orders::CHECKS, ORDERS, &BAD_ORDERS).await?;
    try_all(&there, &deliveries::CHECKS, DELIVERIES, &BAD_DELIVERIES).await?;
    here.close().await;
    there.close().await;
    postgres.stop().await
}
