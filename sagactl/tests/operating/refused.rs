//! What an operator is told who may not, whom nobody answers, or whom nobody understands.

use anyhow::{Result, ensure};
use devstack::SigningKey;
use std::time::Duration;

use crate::desk::{Desk, told};

const NOBODY: &str = "019abcde-0000-7000-8000-000000000000";
const AWAY: &str = "http://127.0.0.1:1";

/// One of everything that asks a service. Nothing of it would find anything.
const ASKING: [&[&str]; 11] = [
    &["parked", "groups", "--at", "deliveries"],
    &["parked", "list", "--at", "deliveries"],
    &["parked", "show", "--at", "deliveries", NOBODY],
    &["parked", "give-up", NOBODY, "--reason", "a reason"],
    &["replay", "rehearse", "--at", "deliveries", "--event", NOBODY, "--reason", "a reason"],
    &["replay", "start", "--at", "deliveries", NOBODY, "--reason", "a reason"],
    &["replay", "list", "--at", "deliveries"],
    &["pause", "begin", "--at", "deliveries", "order", NOBODY, "--for", "1s", "--reason", "a reason"],
    &["pause", "end", "--at", "deliveries", NOBODY, "--reason", "a reason"],
    &["republish", "--at", "deliveries", "--order", NOBODY, "--reason", "a reason"],
    &["actions", "--at", "deliveries"],
];

pub async fn who_may_not(desk: &Desk) -> Result<()> {
    let stranger = SigningKey::fresh()?.token("olga", "operator", Duration::from_secs(60))?;
    let customer = desk.stack.token("ada", "customer courier staff")?;
    let done = |sql| sqlx::query_scalar::<_, i64>(sql).fetch_one(&desk.deliveries);
    let acts = "select count(*) from operator_actions";
    let before = done(acts).await?;
    for arguments in ASKING {
        for (token, said) in [
            (None, "delivery-service answers 401: Credentials are needed"),
            (Some(stranger.as_str()), "delivery-service answers 401: These credentials are not accepted."),
            (Some("no token"), "delivery-service answers 401: These credentials are not accepted."),
            (Some(customer.as_str()), "delivery-service answers 403: This is for others: operator."),
        ] {
            let mut command = desk.sagactl(arguments)?;
            match token {
                Some(token) => command.env("SAGACTL_TOKEN", token),
                None => command.env_remove("SAGACTL_TOKEN"),
            };
            let told = told(&mut command).await?;
            told.complains(2, said)?;
            ensure!(told.out.is_empty() && told.err.lines().count() == 1, "{arguments:?}: {told:?}");
        }
    }
    ensure!(done(acts).await? == before, "nothing was done");
    Ok(())
}

pub async fn what_does_not_answer(desk: &Desk) -> Result<()> {
    let said = format!("sagactl: delivery-service does not answer at {AWAY}");
    for arguments in ASKING {
        let told = told(desk.sagactl(arguments)?.env("DELIVERIES_URL", AWAY)).await?;
        told.complains(2, &said)?;
        ensure!(told.out.is_empty() && told.err.lines().count() == 1, "{arguments:?}: {told:?}");
    }
    // Where both are asked the one that answers is shown, whichever it is, and the other one is named.
    for arguments in
        [&["parked", "groups"][..], &["parked", "list"], &["replay", "list"], &["pause", "list"], &["actions"]]
    {
        for (variable, away, there) in [
            ("ORDERS_URL", "order-service", "delivery-service"),
            ("DELIVERIES_URL", "delivery-service", "order-service"),
        ] {
            let half = told(desk.sagactl(arguments)?.env(variable, AWAY)).await?;
            half.complains(2, &format!("sagactl: {away} does not answer at {AWAY}"))?;
            half.says(&[&format!("{there}: ")])?;
            let half = told(desk.sagactl(&[arguments, &["--json"]].concat())?.env_remove(variable)).await?;
            half.complains(2, &format!("sagactl: {away}'s address is not given (--"))?;
            let documents = half.documents()?;
            ensure!(documents.len() == 1 && documents[0]["service"] == there, "{half:?}");
        }
    }
    Ok(())
}

pub async fn what_is_not_understood(desk: &Desk) -> Result<()> {
    for (arguments, named) in [
        (&["parked"][..], "Usage: sagactl parked"),
        (&["parked", "list", "--at", "shop"], "[possible values: orders, deliveries]"),
        (&["parked", "show", "--at", "orders", "7"], "invalid value '7' for '<ID>'"),
        (&["parked", "show", NOBODY], "--at <AT>"),
        (&["replay", "start", "--at", "orders", NOBODY], "--reason <REASON>"),
        (&["replay", "rehearse", "--at", "orders", "--per-second", "0", "--reason", "why"], "0 is not in 1..=1000"),
        (&["pause", "begin", "--at", "orders", "shop", "x", "--for", "1s", "--reason", "why"], "'shop'"),
        (
            &["pause", "begin", "--at", "orders", "topic", "orders", "--for", "1", "--reason", "why"],
            "has to be a whole number and s, m, h or d",
        ),
        (&["republish", "--at", "orders", "--reason", "why"], "--order <ORDER>"),
        (&["republish", "--at", "orders", "--since", "yesterday", "--reason", "why"], "'yesterday'"),
        (&["republish", "--at", "orders", "--version", "1", "--since", "2026-01-01T00:00:00Z"], "--version"),
        (&["actions", "--most", "many"], "'many'"),
        (&["undo"], "unrecognized subcommand 'undo'"),
        // What the command line cannot tell the service does, naming every field or parameter.
        (&["parked", "list", "--at", "orders", "--cause", "luck"], "order-service answers 400: "),
        (&["parked", "list", "--at", "orders", "--state", "gone"], "order-service answers 400: "),
        (&["parked", "show", "--at", "orders", NOBODY], "order-service has no such thing: /parked-events/"),
        (
            &["pause", "begin", "--at", "orders", "topic", "order", "--for", "1s", "--reason", "why"],
            "order-service answers 422: 1 invalid field(s): /name",
        ),
        (&["pause", "end", "--at", "orders", NOBODY, "--reason", "why"], "order-service answers 404: "),
        (&["replay", "show", "--at", "orders", NOBODY], "order-service has no such thing: /replays/"),
    ] {
        let told = desk.run(arguments).await?;
        told.complains(2, named)?;
        ensure!(told.out.is_empty(), "{arguments:?}: {told:?}");
    }
    Ok(())
}
