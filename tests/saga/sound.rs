//! What a row must never be is refused by its table, whoever writes it, and named.

use sqlx::PgPool;
use tests::Env;

use crate::settings::migrated_pair;

const ORDER: &str =
    "insert into orders (id, customer_id, currency, total_minor, delivery_address, placed_at, status, payment, stock,
        deadline_at, version, changes, cancellation_rejected, cancellation_asked)
    values (gen_random_uuid(), 'ada', 'EUR', 100, '{}', now(), 'completed', 'held', 'reserved', now(), 1, 1, false, 0)";
const ARTICLE: &str = "insert into products (sku, name, price_minor, currency, weight_g, received, on_hand, reserved)
    values ('lamp', 'Lamp', 100, 'EUR', 10, 5, 5, 2)";
const DELIVERY: &str = "insert into deliveries (id, order_id, status, zone_id, slot_date, weight_g, address, version, changes, deadline_at)
    values (gen_random_uuid(), gen_random_uuid(), 'scheduled', 'north', '2026-01-01', 10, '{}', 1, 1, now())";

/// What breaks which rule.
const OF_ORDERS: &[(&str, &str)] = &[
    ("status, payment and stock agree", "status = 'confirmed'"),
    ("status, payment and stock agree", "payment = 'captured'"),
    ("status, payment and stock agree", "stock = 'released'"),
    ("status, payment and stock agree", "status = 'lost'"),
    ("who waits has a deadline or a flag", "deadline_at = null"),
    ("who waits has a deadline or a flag", "attention = 'late_dispatch'"),
    ("who waits has a deadline or a flag", "status = 'confirmed', payment = 'captured', attention = 'late_dispatch'"),
    ("who waits has a deadline or a flag", "status = 'in_delivery', payment = 'captured', deadline_at = null"),
    ("who waits has a deadline or a flag", "status = 'delivered', payment = 'captured', stock = 'shipped'"),
    ("the reason for a cancellation is known", "cancellation = 'whim'"),
    ("cancelled for a reason", "status = 'cancelled', payment = 'voided', stock = 'released', deadline_at = null"),
    ("cancelled for a reason", "status = 'cancelling'"),
    ("a failed delivery says why", "cancellation = 'delivery_failed'"),
    ("asked when announced", "cancellation_asked = 1"),
    ("asked when announced", "cancellation_asked = -1"),
    ("asked when announced", "version = 2"),
    ("rejected after asking", "cancellation_rejected = true"),
    ("only the outcome is waited for again", "deadline_extended = -1"),
    ("only the outcome is waited for again", "status = 'confirmed', payment = 'captured', deadline_extended = 1"),
    ("a place is one in a zone and on a day", "slot_zone = 'north'"),
    ("an order costs something", "total_minor = 0"),
    ("versions and changes are counted from one", "version = 0"),
    ("versions and changes are counted from one", "changes = 0"),
    ("a currency has three letters", "currency = 'EURO'"),
    ("a customer has an id", "customer_id = 'Ada Lovelace'"),
];
const OF_PRODUCTS: &[(&str, &str)] = &[
    ("what was received is somewhere", "received = 6"),
    ("what is reserved is on hand", "reserved = 6"),
    ("what is reserved is on hand", "reserved = -1"),
    ("pieces are not negative", "shipped = -1, on_hand = 6"),
    ("pieces are not negative", "written_off = -1, on_hand = 6"),
    ("an article costs something, and not too much", "price_minor = 0"),
    ("an article weighs something, and not too much", "weight_g = 1000001"),
    ("an article has a name, and not too long a one", "name = ''"),
    ("a currency has three letters", "currency = 'eur'"),
    (
        "a sku has letters, digits, dots, underscores and hyphens",
        "insert into products select 'a lamp', name, price_minor, currency, weight_g, received, on_hand, reserved from products",
    ),
];
const OF_DELIVERIES: &[(&str, &str)] = &[
    ("the status is known", "status = 'lost'"),
    ("who waits has a deadline or a flag", "deadline_at = null"),
    ("who waits has a deadline or a flag", "attention = 'late_delivery', deadline_at = null"),
    ("who waits has a deadline or a flag", "status = 'cancelled'"),
    ("a place is one in a zone and on a day", "slot_date = null"),
    ("a place is had unless there never was one", "zone_id = null, slot_date = null"),
    ("a place is had unless there never was one", "status = 'refused', failure = '{}', deadline_at = null"),
    ("the address is known unless the order never came", "address = null"),
    ("what is delivered is proved", "proof = '{}'"),
    ("what is delivered is proved", "status = 'delivered', courier_id = 'kim', deadline_at = null"),
    ("what failed says why", "status = 'failed', deadline_at = null"),
    ("somebody brings it", "status = 'dispatched'"),
    (
        "a courier goes somewhere",
        "status = 'void', address = null, zone_id = null, slot_date = null, courier_id = 'kim', deadline_at = null",
    ),
    ("there are at most ten attempts", "attempts = '{}'"),
    ("there are at most ten attempts", "attempts = '[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]'"),
    ("only who left can have tried", "attempts = '[1]'"),
    (
        "the next attempt is on its day",
        "status = 'dispatched', courier_id = 'kim', attempts = '[{\"next_date\": \"2026-01-02\"}]'",
    ),
    ("nothing weighs less than nothing", "weight_g = -1"),
    ("versions are counted from zero and changes from one", "version = -1"),
    ("versions are counted from zero and changes from one", "changes = 0"),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_a_row_must_not_be_is_refused_by_its_table_and_named() {
    let env = Env::new("sound").await;
    let (orders, deliveries) = migrated_pair(&env).await;
    refuses(&orders, "orders", ORDER, OF_ORDERS).await;
    refuses(&orders, "products", ARTICLE, OF_PRODUCTS).await;
    refuses(&deliveries, "deliveries", DELIVERY, OF_DELIVERIES).await;
    // A rule that nothing above breaks would be one that nobody has tried.
    for (pool, table, tried) in
        [(&orders, "orders", OF_ORDERS), (&orders, "products", OF_PRODUCTS), (&deliveries, "deliveries", OF_DELIVERIES)]
    {
        for rule in rules(pool, table).await {
            assert!(tried.iter().any(|(named, _)| *named == rule), "{table}: {rule}");
        }
    }
}

async fn refuses(pool: &PgPool, table: &str, a_row: &'static str, changes: &[(&str, &str)]) {
    sqlx::query(a_row).execute(pool).await.expect("a row that is sound");
    for (rule, change) in changes {
        let sql =
            if change.starts_with("insert") { (*change).to_owned() } else { format!("update {table} set {change}") };
        let refused = sqlx::query(sqlx::AssertSqlSafe(sql.as_str())).execute(pool).await.expect_err(&sql);
        let refused = refused.as_database_error().expect("the database's word");
        assert_eq!(refused.code().as_deref(), Some("23514"), "{sql}: {refused}");
        assert!(refused.message().ends_with(&format!("breaks the rule \"{rule}\"")), "{sql}: {refused}");
    }
}

/// All that the function knows.
async fn rules(pool: &PgPool, table: &str) -> Vec<String> {
    let rules = "select (regexp_matches(prosrc, 'then ''([^'']+)''\n', 'g'))[1]
                 from pg_proc where proname = 'is_sound' and proargtypes[0] = (select reltype from pg_class where oid = $1::regclass)";
    let rules: Vec<String> =
        sqlx::query_scalar(rules).bind(table).fetch_all(pool).await.expect("the function's source");
    assert!(rules.len() > 5, "{table}: {rules:?}");
    rules
}
