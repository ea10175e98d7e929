//! What operators asked for goes some time after it has ended, and never before. Who asked, and why, stays.

use super::*;

/// Of each kind some that ended long ago and lately, and some that have not ended, each with what should become of it for its reason.
const ASKED_FOR: &str = "
    insert into replays (id, made_at, made_by, reason, per_second, started_at, started_by, ended_at)
    select gen_random_uuid(), made_at, 'olga', reason, 50, started_at, case when started_at is not null then 'olga' end, ended_at
    from (values ('goes: ended', $1, $1, $1), ('goes: never begun', $1, null, null),
                 ('stays: ended lately', $1, $1, $2), ('stays: begun, and not done', $1, $1, null),
                 ('stays: made lately', $2, null, null)) as these (reason, made_at, started_at, ended_at);";

const HELD_BACK: &str = "
    insert into pauses (id, what, name, reason, owner, since, until, ended_at, ended_by)
    select gen_random_uuid(), 'consumer', reason, reason, 'olga', $1, until, ended_at, case when ended_at is not null then 'olga' end
    from (values ('goes: ended', $3, $1), ('goes: its time was up', $1 + interval '1 second', null),
                 ('stays: ended lately', $3, $2), ('stays: its time was up lately', $2, null),
                 ('stays: in force', $3, null)) as these (reason, until, ended_at)";

const ANNOUNCED_AGAIN: &str = "
    insert into republications (id, asked_at, asked_by, reason, since, until, ended_at)
    select gen_random_uuid(), $1, 'olga', reason, $1 - interval '1 day', $1, ended_at
    from (values ('goes: ended', $1), ('stays: ended lately', $2), ('stays: not done', null)) as these (reason, ended_at)";

const ACTED: &str = "
    insert into operator_actions (id, at, who, action, target, reason, detail)
    values (gen_random_uuid(), $1, 'olga', 'start_replay', 'replay 1', 'as rehearsed', '{}')";

const LEFT: &str = "
    select reason from (select reason from replays union all select reason from pauses union all select reason from republications) as left_over
    order by reason";

#[tokio::test(flavor = "multi_thread")]
async fn what_operators_asked_for_goes_after_it_has_ended_and_who_asked_stays() -> Result<()> {
    let books = Books::new("askedfor").await;
    let (long_ago, lately, still) = (day(0), day(8), day(30));
    for kind in [ASKED_FOR, HELD_BACK, ANNOUNCED_AGAIN] {
        let moments = [("$1", long_ago), ("$2", lately), ("$3", still)];
        let kind = moments.into_iter().fold(kind.to_owned(), |kind, (name, at)| {
            kind.replace(name, &format!("'{}'::timestamptz", at.to_rfc3339()))
        });
        sqlx::query(sqlx::AssertSqlSafe(kind)).execute(&books.pool).await?;
    }
    sqlx::query(ACTED).bind(long_ago).execute(&books.pool).await?;
    let left = async || -> Result<Vec<String>> { Ok(sqlx::query_scalar(LEFT).fetch_all(&books.pool).await?) };
    let all = left().await?;
    assert_eq!((all.len(), all.iter().filter(|reason| reason.starts_with("goes")).count()), (13, 5));

    let janitor = books.janitor();
    assert_eq!(janitor.step(day(5)).await?.operations, 0, "nothing has ended five days ago");
    assert_eq!(left().await?, all);
    assert_eq!(janitor.step(day(10)).await?.operations, 5);
    let kept: Vec<_> = all.iter().filter(|reason| reason.starts_with("stays")).cloned().collect();
    assert_eq!(left().await?, kept);
    // Years later only what has not ended is left: a replay and a republication that were begun, and nothing else.
    janitor.step(day(1_000)).await?;
    assert_eq!(left().await?, ["stays: begun, and not done", "stays: not done"]);
    assert_eq!(books.number("select count(*) from operator_actions").await?, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_turn_goes_on_until_nothing_is_left_of_any_kind() -> Result<()> {
    let books = Books::new("manyaskedfor").await;
    let (long_ago, many) = (day(0), 1_200_i64);
    for (columns, values) in [
        ("replays (id, made_at, made_by, reason, per_second)", "$1, 'olga', 'a trial', 50"),
        (
            "pauses (id, what, name, reason, owner, since, until)",
            "'consumer', n::text, 'a trial', 'olga', $1, $1 + interval '1 second'",
        ),
    ] {
        let insert =
            format!("insert into {columns} select gen_random_uuid(), {values} from generate_series(1, $2) as n");
        sqlx::query(sqlx::AssertSqlSafe(insert)).bind(long_ago).bind(many).execute(&books.pool).await?;
    }
    assert_eq!(books.janitor().step(day(10)).await?.operations, 2 * many.unsigned_abs());
    assert_eq!(
        books.number("select count(*) from replays").await? + books.number("select count(*) from pauses").await?,
        0
    );
    Ok(())
}
