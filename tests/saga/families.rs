//! Rows that others refer to stay: the hot tables have no foreign keys, so what a foreign key would refuse is refused for the whole table.

use tests::Env;

use crate::settings::migrated_pair;

#[tokio::test(flavor = "multi_thread")]
async fn what_others_refer_to_is_neither_deleted_nor_given_another_key() {
    let env = Env::new("families").await;
    let (orders, deliveries) = migrated_pair(&env).await;
    let keys = [
        (&orders, "orders", vec!["id"]),
        (&orders, "products", vec!["sku"]),
        (&deliveries, "deliveries", vec!["id", "order_id"]),
        (&deliveries, "slots", vec!["zone_id", "date"]),
    ];
    for (pool, table, columns) in keys {
        let changes = columns.iter().map(|column| format!("update {table} set {column} = {column}"));
        let taken_away = [format!("delete from {table}"), format!("truncate {table} cascade")];
        for sql in changes.chain(taken_away) {
            // Whether there are rows or not: it is refused before anybody looks.
            let done = sqlx::query(sqlx::AssertSqlSafe(sql.as_str())).execute(pool).await;
            let refused = done.expect_err(&sql);
            let code = refused.as_database_error().and_then(|refused| refused.code().map(|code| code.into_owned()));
            assert_eq!(code.as_deref(), Some("23001"), "{sql}: {refused}");
        }
    }
}
