//! `sagactl demo`: raises the pair, or takes one that runs, tells its story, checks the invariants.

mod crowd;
pub mod seed;
mod stories;
mod teller;

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, ensure};
use devstack::Stack;
use sagactl::verify::Options;

use self::teller::Teller;
use crate::args::Demo;
use crate::checking;
use crate::ending::Ending;
use crate::say::{self, Page};
use crate::shop::{Pair, Shop};
use crate::stage::{self, Interrupts};

/// Runs the command.
pub async fn run(args: &Demo) -> Result<Ending> {
    let mut interrupts = Interrupts::listen()?;
    if let Some(pair) = args.given.pair(&args.credentials) {
        let told = interrupts.unless(tell(&pair, args.orders, seed::Amounts::lasting())).await;
        return told.unwrap_or(Ok(Ending::Interrupted));
    }
    let Some(stack) = interrupts.unless(stage::raise(&args.up)).await else { return Ok(Ending::Interrupted) };
    let mut stack = stack?;
    let pair = Pair::of(&stack)?;
    let told = interrupts.unless(tell(&pair, args.orders, seed::Amounts::for_orders(args.orders))).await;
    let ending = match told {
        None => Ok(Ending::Interrupted),
        Some(Err(error)) => Err(error),
        Some(Ok(ending)) if args.once => Ok(ending),
        Some(Ok(ending)) => stay(&mut stack, &mut interrupts).await.map(|()| ending),
    };
    let stopped = stage::take_down(stack, &mut interrupts).await;
    // What went wrong first is what has to be said.
    let ending = ending?;
    stopped.map(|()| ending)
}

async fn stay(stack: &mut Stack, interrupts: &mut Interrupts) -> Result<()> {
    stage::show(stack, Page::new())?;
    stage::stay(stack, interrupts).await
}

/// Tells every story, also after one that went wrong: each says something of its own.
async fn tell(pair: &Pair, orders: u32, amounts: seed::Amounts) -> Result<Ending> {
    let started = Instant::now();
    let page = Page::new();
    let shop = Arc::new(Shop::at(&pair.urls)?);
    seed::seed(&shop, amounts).await?;
    seed::restock(&shop, orders).await?;
    let teller = Teller { shop: &shop, page };
    let mut failures = Failures { page, told: 0, sentences: Vec::new() };

    page.heading("1  An order is confirmed")?;
    failures.note(stories::confirmed(teller).await)?;
    page.heading("2  An order is refused by the delivery side, and compensated")?;
    failures.note(stories::compensated(teller).await)?;
    page.heading("3  An order is cancelled by its customer while the delivery exists")?;
    failures.note(stories::cancelled(teller).await)?;
    page.heading("4  A parcel is lost on the way")?;
    failures.note(stories::lost(teller).await)?;
    page.heading("5  A parcel is delivered")?;
    failures.note(stories::delivered(teller).await)?;
    page.heading(&format!("6  {orders} orders at once"))?;
    failures.note(crowd::run(Arc::clone(&shop), page, orders).await)?;

    page.heading("The invariants, checked over both databases")?;
    failures.note(invariants_hold(pair, page).await)?;
    failures.sum_up(started)
}

async fn invariants_hold(pair: &Pair, page: Page) -> Result<()> {
    let options = Options { most: 5, ..Options::default() };
    let report =
        checking::check(&pair.orders_database, &pair.deliveries_database, pair.topics.as_ref(), options).await?;
    for line in report.to_string().lines() {
        page.line(format!("  {line}"))?;
    }
    let broken: Vec<String> = report.violations.keys().map(ToString::to_string).collect();
    ensure!(broken.is_empty(), "Broken: {}.", broken.join(", "));
    Ok(())
}

/// What did not go as it should.
struct Failures {
    page: Page,
    told: usize,
    sentences: Vec<String>,
}

impl Failures {
    fn note(&mut self, told: Result<()>) -> Result<()> {
        self.told += 1;
        match told {
            Ok(()) => self.page.good("  ✓ as it should be"),
            Err(error) => {
                let sentence = say::sentence(&error);
                self.page.bad(&format!("  ✗ {sentence}"))?;
                self.sentences.push(sentence);
                Ok(())
            }
        }
    }

    fn sum_up(self, started: Instant) -> Result<Ending> {
        let seconds = started.elapsed().as_secs_f64();
        self.page.line("")?;
        if self.sentences.is_empty() {
            self.page.good(&format!("Every story ended as it should, and every invariant holds ({seconds:.1} s)."))?;
            return Ok(Ending::Well);
        }
        self.page.bad(&format!("{} of {} did not go as they should:", self.sentences.len(), self.told))?;
        self.sentences.iter().try_for_each(|sentence| self.page.line(format!("  {sentence}")))?;
        Ok(Ending::Failed)
    }
}
