//! Everything that a database holds, in a form that can be compared.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, PgPool};

/// What a service writes down for itself, and says nothing about the business: the youngest order that was heard of, a moment after it
/// was; and the mark of the last batch, also of one in which everybody was refused.
const FOR_ITSELF: [&str; 2] = ["heard", "commit_marks"];

/// Every table of the database with the number of its rows and a digest of them.
pub async fn of(pool: &PgPool) -> BTreeMap<String, (i64, Option<String>)> {
    let names = "select table_name::text from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'";
    let names: Vec<String> = sqlx::query_scalar(names).fetch_all(pool).await.expect("the tables are known");
    let mut tables = BTreeMap::new();
    for name in names.into_iter().filter(|name| !FOR_ITSELF.contains(&name.as_str())) {
        let content =
            format!("select count(*), md5(string_agg(line::text, '' order by line::text)) from {name} as line");
        let content = sqlx::query_as(AssertSqlSafe(content)).fetch_one(pool).await.expect("a table can be read");
        tables.insert(name, content);
    }
    tables
}
