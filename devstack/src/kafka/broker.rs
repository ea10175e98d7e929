//! One node of a cluster of our own: broker and controller at once.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::Signal;

use super::distribution::Distribution;
use super::topics;
use crate::guarded::{Guarded, Invocation};
use crate::{port, wait_until};

pub(super) const READY_WITHIN: Duration = Duration::from_secs(90);
const STOPPED_WITHIN: Duration = Duration::from_secs(30);

pub(super) struct Broker {
    process: Guarded,
    distribution: Distribution,
    heap_mb: u32,
    /// From 1.
    node: usize,
    ports: BrokerPorts,
    /// The controllers' ports of all nodes, this one's among them.
    controllers: Vec<u16>,
}

pub(super) struct BrokerPorts {
    clients: u16,
    pub controller: u16,
    /// Of each listener that somebody stands in front of: theirs, and the broker's own behind it.
    fronts: Vec<(u16, u16)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Started {
    Ready,
    PortTaken,
}

impl Broker {
    /// Lays out fresh storage. [`Broker::meets`] says who else there is, and [`Broker::launch`] starts it.
    pub fn laid_out(distribution: Distribution, node: usize, heap_mb: u32, ports: BrokerPorts) -> Result<Self> {
        let process = Guarded::new("kafka", Signal::KILL, None)?;
        distribution.lay_out(&process.directory().join("storage"), node)?;
        Ok(Self { process, distribution, heap_mb, node, controllers: Vec::new(), ports })
    }

    /// Takes these ports from its next start on, in a cluster with these controllers.
    pub fn meets(&mut self, ports: BrokerPorts, controllers: Vec<u16>) {
        (self.ports, self.controllers) = (ports, controllers);
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

    /// Starts what was stopped or killed, with the same ports and records.
    pub async fn start_again(&mut self) -> Result<()> {
        let back = wait_until(READY_WITHIN, async || match self.launch().await? {
            Started::Ready => Ok(Some(())),
            Started::PortTaken => Ok(None),
        });
        let back = back.await?;
        back.ok_or_else(|| self.process.failure("Kafka could not be started again"))
    }

    /// Has fresh storage from its next start on.
    pub fn forget_everything(&self) -> Result<()> {
        let storage = self.process.directory().join("storage");
        fs::remove_dir_all(&storage).context("Kafka's storage could not be removed.")?;
        self.distribution.lay_out(&storage, self.node)
    }

    pub fn pause(&self) -> Result<()> {
        self.process.signal(Signal::STOP)
    }

    pub fn resume(&self) -> Result<()> {
        self.process.signal(Signal::CONT)
    }

    /// One start: until the broker answers, or has gone.
    pub async fn launch(&mut self) -> Result<Started> {
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

    /// Kafka's defaults, but for what few nodes on a small machine need.
    fn settings(&self) -> String {
        let BrokerPorts { clients, controller, ref fronts } = self.ports;
        let (node, copies) = (self.node, self.controllers.len().clamp(1, 3));
        // One copy may be away without anybody having to wait.
        let in_sync = copies.saturating_sub(1).max(1);
        let vote = |(at, port): (usize, &u16)| format!("{}@127.0.0.1:{port}", at + 1);
        let voters = self.controllers.iter().enumerate().map(vote).collect::<Vec<_>>().join(",");
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
             node.id={node}\n\
             listeners=PLAINTEXT://127.0.0.1:{clients},CONTROLLER://127.0.0.1:{controller}{listeners}\n\
             advertised.listeners=PLAINTEXT://127.0.0.1:{clients}{advertised}\n\
             listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT{protocols}\n\
             controller.listener.names=CONTROLLER\n\
             controller.quorum.voters={voters}\n\
             log.dirs={storage}\n\
             # A copy on each node; and few partitions are made quickest.\n\
             default.replication.factor={copies}\n\
             min.insync.replicas={in_sync}\n\
             offsets.topic.replication.factor={copies}\n\
             offsets.topic.num.partitions=4\n\
             transaction.state.log.replication.factor={copies}\n\
             transaction.state.log.min.isr={in_sync}\n\
             transaction.state.log.num.partitions=4\n\
             share.coordinator.state.topic.replication.factor={copies}\n\
             share.coordinator.state.topic.min.isr={in_sync}\n\
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
    pub fn free(fronts: &[u16]) -> Result<Self> {
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
