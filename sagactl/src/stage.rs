//! The running pair: raised, filled, shown, and taken down again.

use std::future::Future;
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use anyhow::{Context, Result};
use devstack::{DELIVERY_SERVICE_PORT, ORDER_SERVICE_PORT, Ports, Progress, Stack, StackOptions};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::args::Up;
use crate::demo::seed;
use crate::ending::Ending;
use crate::say::Page;
use crate::shop::{Pair, Shop};

/// How often it is looked whether both services are still there.
const LOOK_EVERY: Duration = Duration::from_millis(500);
const READY_WITHIN: Duration = Duration::from_secs(60);

/// Runs `sagactl up`.
pub async fn up(options: &Up) -> Result<Ending> {
    let mut interrupts = Interrupts::listen()?;
    let Some(stack) = interrupts.unless(raise(options)).await else { return Ok(Ending::Interrupted) };
    let mut stack = stack?;
    let filled = interrupts.unless(fill_and_show(&stack)).await;
    let ending = match filled {
        None => Ok(Ending::Interrupted),
        Some(Err(error)) => Err(error),
        Some(Ok(())) => stay(&mut stack, &mut interrupts).await.map(|()| Ending::Well),
    };
    let stopped = take_down(stack, &mut interrupts).await;
    // What went wrong first is what has to be said.
    let ending = ending?;
    stopped.map(|()| ending)
}

async fn fill_and_show(stack: &Stack) -> Result<()> {
    seed::seed(&Shop::at(&Pair::of(stack)?.urls)?, seed::Amounts::for_orders(1_000)).await?;
    show(stack, Page::new())
}

/// Starts everything. Where the usual ports are taken, others do: a newcomer wants to see the pair, not to look for
/// what occupies a port.
pub async fn raise(options: &Up) -> Result<Stack> {
    let progress = Progress::shown();
    let mut ports = if options.free_ports { Ports::Free } else { Ports::Default };
    if let Some(taken) = [ORDER_SERVICE_PORT, DELIVERY_SERVICE_PORT].into_iter().find(|port| is_taken(*port))
        && ports == Ports::Default
    {
        eprintln!("  Port {taken} is taken, so both services will listen on free ports; the addresses follow.");
        ports = Ports::Free;
    }
    Stack::start(StackOptions { ports, ..StackOptions::default() }, &progress).await
}

fn is_taken(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err()
}

/// Stops everything in good order. A second Ctrl-C ends us at once; the guardians then do what is left.
pub async fn take_down(stack: Stack, interrupts: &mut Interrupts) -> Result<()> {
    let step = Progress::shown().step("Stopping");
    match interrupts.unless(stack.stop()).await {
        Some(stopped) => stopped.context("Not everything stopped in good order")?,
        None => return Ok(()),
    }
    step.done("Stopped, and nothing is left behind");
    Ok(())
}

/// Prints where everything is and what can be tried.
pub fn show(stack: &Stack, page: Page) -> Result<()> {
    let (orders, deliveries) = (stack.order_service.url(), stack.delivery_service.url());
    let bootstrap = stack.kafka.bootstrap();
    let (orders_database, deliveries_database) = (stack.order_database_url(), stack.delivery_database_url());
    page.heading("It is running")?;
    page.line(format!("  order-service       {orders}  (/health/ready, /metrics)"))?;
    page.line(format!("    log               {}", stack.order_service.log_path().display()))?;
    page.line(format!("    database          {orders_database}"))?;
    page.line(format!("  delivery-service    {deliveries}"))?;
    page.line(format!("    log               {}", stack.delivery_service.log_path().display()))?;
    page.line(format!("    database          {deliveries_database}"))?;
    page.line(format!("  Kafka               {bootstrap}"))?;
    page.heading("Try it, in another terminal")?;
    page.line("  # who you are; customers see their own orders only, --scope customer")?;
    let key = stack.signing_key();
    page.line(format!("  TOKEN=$(cargo sagactl token --key {} --subject me --scope 'customer staff')", key.display()))?;
    page.line(suggestions(&orders, &deliveries))?;
    page.line("  # what the two said to each other about it, if you have kcat: partition, key, headers, value")?;
    let prefix = stack.topic_prefix();
    for topic in ["orders", "deliveries"] {
        let format = r"'%p %k %h\n%s\n'";
        page.line(format!("  kcat -C -e -q -b {bootstrap} -t {prefix}{topic} -f {format} | grep -A1 $ORDER"))?;
    }
    page.line("  # the invariants, at any time, by roles that can only read")?;
    page.line(format!("  cargo sagactl verify --topics --kafka {bootstrap} --topic-prefix '{prefix}' \\"))?;
    page.line(format!("    --orders-database '{}' \\", stack.order_reader_url()))?;
    page.line(format!("    --deliveries-database '{}'", stack.delivery_reader_url()))
}

/// How curl shows it.
const BEARER: &str = r#"-H "authorization: Bearer $TOKEN""#;

/// Lines to be copied. The first puts the order's id where the others find it.
fn suggestions(orders: &str, deliveries: &str) -> String {
    let place = |sku: &str| {
        format!(
            r#"curl -s {orders}/orders {BEARER} -H 'content-type: application/json' -H 'prefer: wait=10' \
    -d '{{"customer_id": "me", "currency": "EUR", "items": [{{"sku": "{sku}", "quantity": 1}}],
         "delivery_address": {{"recipient": "Me", "line1": "1 Main Street", "city": "Hamburg",
                              "postal_code": "20457", "country": "DE"}}}}'"#
        )
    };
    let (lamp, piano) = (place("LAMP"), place("PIANO"));
    format!(
        r#"  # place an order, wait for its confirmation, and keep its id
  ORDER=$({lamp} |
    tee /dev/stderr | sed 's/{{"id":"\([^"]*\).*/\1/')
  # look at it and at its delivery; cancel it (a parcel that is on its way cannot be)
  curl -s {BEARER} {orders}/orders/$ORDER
  curl -s {BEARER} {deliveries}/deliveries?order_id=$ORDER
  curl -s {BEARER} -X POST {orders}/orders/$ORDER/cancellation
  # one that is too heavy to be delivered, so it is compensated: payment voided, stock back
  {piano}
  # what is in stock
  curl -s {BEARER} {orders}/products"#
    )
}

/// Waits for Ctrl-C. A service that ends meanwhile (somebody tries what happens) is started again, as any supervisor would.
pub async fn stay(stack: &mut Stack, interrupts: &mut Interrupts) -> Result<()> {
    let page = Page::new();
    page.heading("It stays up until Ctrl-C. Kill a service (kill -9) if you like: it is started again.")?;
    while interrupts.unless(tokio::time::sleep(LOOK_EVERY)).await.is_some() {
        for (name, service) in
            [("order-service", &mut stack.order_service), ("delivery-service", &mut stack.delivery_service)]
        {
            if !service.is_running()? {
                page.line(format!("{name} has ended, and is started again."))?;
                service.restart().await?;
                // One that cannot come up again says why, instead of being started for ever.
                service.wait_ready(READY_WITHIN).await?;
            }
        }
    }
    Ok(())
}

/// Ctrl-C, and the signal by which supervisors ask us to stop.
pub struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
}

impl Interrupts {
    pub fn listen() -> Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Does the work unless somebody interrupts: then there is no result, and the work is dropped where it stands.
    pub async fn unless<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            _ = self.interrupt.recv() => None,
            _ = self.terminate.recv() => None,
        }
    }
}
