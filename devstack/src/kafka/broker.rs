//! A broker of our own: one node that is broker and controller at once.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::Signal;

use super::distribution::Distribution;
use super::{KafkaOptions, topics};
use crate::guarded::{Guarded, Invocation};
use crate::{port, wait_until};

const READY_WITHIN: Duration = Duration::from_secs(90);
const STOPPED_WITHIN: Duration = Duration::from_secs(30);

pub(super) struct Broker {
    process: Guarded,
    distribution: Distribution,
    heap_mb: u32,
    ports: BrokerPorts,
}

struct BrokerPorts {
    clients: u16,
    controller: u16,
    /// Of each listener that somebody stands in front of: theirs, and the broker's own behind it.
    fronts: Vec<(u16, u16)>,
}

enum Started {
    Ready,
    PortTaken,
}

impl Broker {
    /// Lays out fresh storage and starts a broker on it.
    pub async fn start(distribution: Distribution, options: &KafkaOptions) -> Result<Self> {
        let process = Guarded::new("kafka", Signal::KILL, None)?;
        distribution.lay_out(&process.directory().join("storage"))?;
        let mut broker =
            Self { process, distribution, heap_mb: options.heap_mb, ports: BrokerPorts::free(&options.fronts)? };
        while let Started::PortTaken = broker.launch().await? {
            broker.ports = BrokerPorts::free(&options.fronts)?;
        }
        Ok(broker)
    }

    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.ports.clients)
    }

    pub fn behind(&self) -> Vec<String> {
        self.ports.fronts.iter().map(|(_, behind)| format!("127.0.0.1:{behind}")).collect()
    }

    pub fn pid(&self) -> Option<u32> {
        self.process.pid()
    }

    pub async fn stop(&mut self) -> Result<()> {
        if self.process.is_running()? {
            // A paused broker would sleep through the request to stop.
            self.process.signal(Signal::CONT)?;
        }
        self.process.end(Signal::TERM, STOPPED_WITHIN).await.map(drop)
    }

    pub async fn kill(&mut self) -> Result<()> {
        self.process.end(Signal::KILL, STOPPED_WITHIN).await.map(drop)
    }

    pub async fn restart(&mut self) -> Result<()> {
        self.stop().await?;
        let back = wait_until(READY_WITHIN, async || match self.launch().await? {
            Started::Ready => Ok(Some(())),
            Started::PortTaken => Ok(None),
        });
        let back = back.await?;
        back.ok_or_else(|| self.process.failure("Kafka could not be started again"))
    }

    pub async fn lose_everything(&mut self) -> Result<()> {
        self.kill().await?;
        let storage = self.process.directory().join("storage");
        fs::remove_dir_all(&storage).context("Kafka's storage could not be removed.")?;
        self.distribution.lay_out(&storage)?;
        self.restart().await
    }

    pub fn pause(&self) -> Result<()> {
        self.process.signal(Signal::STOP)
    }

    pub fn resume(&self) -> Result<()> {
        self.process.signal(Signal::CONT)
    }

    /// One start: until the broker answers, or has gone.
    async fn launch(&mut self) -> Result<Started> {
        let settings = self.process.directory().join("server.properties");
        fs::write(&settings, self.settings()).context("Kafka's settings could not be written.")?;
        let (program, mut args) = self.distribution.java(self.heap_mb);
        args.extend(["kafka.Kafka".to_owned(), settings.display().to_string()]);
        self.process.start(&Invocation { program, args, environment: Vec::new() })?;
        let bootstrap = self.bootstrap();
        let ready = wait_until(READY_WITHIN, async || {
            if !self.process.is_running()? {
                return self.why_it_ended().map(Some);
            }
            Ok(topics::answers(&bootstrap).await.then_some(Started::Ready))
        });
        let ready = ready.await?;
        ready.ok_or_else(|| self.process.failure("Kafka started, but does not answer"))
    }

    fn why_it_ended(&self) -> Result<Started> {
        if self.process.said()?.contains(port::TAKEN) {
            return Ok(Started::PortTaken);
        }
        Err(self.process.failure("Kafka ended while it was starting"))
    }

    /// Kafka's defaults, but for what one node on a small machine needs.
    fn settings(&self) -> String {
        let BrokerPorts { clients, controller, ref fronts } = self.ports;
        let listen = |(at, (_, behind)): (usize, &(u16, u16))| format!(",FRONT{at}://127.0.0.1:{behind}");
        let advertise = |(at, (front, _)): (usize, &(u16, u16))| format!(",FRONT{at}://127.0.0.1:{front}");
        let speak = |(at, _): (usize, &(u16, u16))| format!(",FRONT{at}:PLAINTEXT");
        let listeners: String = fronts.iter().enumerate().map(listen).collect();
        let advertised: String = fronts.iter().enumerate().map(advertise).collect();
        let protocols: String = fronts.iter().enumerate().map(speak).collect();
        let storage = self.process.directory().join("storage");
        let storage = storage.display();
        format!(
            "process.roles=broker,controller\n\
             node.id=1\n\
             listeners=PLAINTEXT://127.0.0.1:{clients},CONTROLLER://127.0.0.1:{controller}{listeners}\n\
             advertised.listeners=PLAINTEXT://127.0.0.1:{clients}{advertised}\n\
             listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT{protocols}\n\
             controller.listener.names=CONTROLLER\n\
             controller.quorum.voters=1@127.0.0.1:{controller}\n\
             log.dirs={storage}\n\
             # There is one node, so there is one copy; and few partitions are made quickest.\n\
             default.replication.factor=1\n\
             offsets.topic.replication.factor=1\n\
             offsets.topic.num.partitions=4\n\
             transaction.state.log.replication.factor=1\n\
             transaction.state.log.min.isr=1\n\
             transaction.state.log.num.partitions=4\n\
             share.coordinator.state.topic.replication.factor=1\n\
             share.coordinator.state.topic.min.isr=1\n\
             # A topic that nobody made is a mistake in a name, and must show.\n\
             auto.create.topics.enable=false\n\
             # Nobody else will join: do not wait for them.\n\
             group.initial.rebalance.delay.ms=0\n\
             # A killed broker is refused until its old session is over: not the 9 s of a cluster with neighbours.\n\
             broker.session.timeout.ms=3000\n\
             broker.heartbeat.interval.ms=500\n\
             # The default is half the heap.\n\
             log.cleaner.dedupe.buffer.size=16777216\n"
        )
    }
}

impl BrokerPorts {
    /// Free ones, no two alike.
    fn free(fronts: &[u16]) -> Result<Self> {
        let mut ports = Vec::with_capacity(fronts.len() + 2);
        while ports.len() < fronts.len() + 2 {
            let port = port::free_port()?;
            if !ports.contains(&port) {
                ports.push(port);
            }
        }
        let fronts = fronts.iter().copied().zip(ports.split_off(2)).collect();
        Ok(Self { clients: ports[0], controller: ports[1], fronts })
    }
}
