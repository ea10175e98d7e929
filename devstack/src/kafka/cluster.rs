//! Brokers of our own: one, or several that keep copies of each other's records.

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;

use super::broker::{Broker, BrokerPorts, READY_WITHIN, Started};
use super::distribution::Distribution;
use super::{KafkaOptions, topics};

pub(super) struct Cluster {
    nodes: Vec<Broker>,
}

impl Cluster {
    /// Lays out fresh storage and starts all nodes on it: none of several answers before most of them run.
    pub async fn start(distribution: Distribution, options: &KafkaOptions) -> Result<Self> {
        let KafkaOptions { heap_mb, fronts, nodes } = options;
        ensure!(*nodes == 1 || fronts.is_empty(), "somebody can stand in front of one broker, and not of {nodes}");
        let lay_out = |node| Broker::laid_out(distribution.clone(), node, *heap_mb, BrokerPorts::free(fronts)?);
        let mut cluster = Self { nodes: (1..=*nodes).map(lay_out).collect::<Result<_>>()? };
        loop {
            cluster.take_ports(fronts)?;
            let started = try_join_all(cluster.nodes.iter_mut().map(Broker::launch)).await?;
            if started.iter().all(|started| *started == Started::Ready) {
                return Ok(cluster);
            }
            cluster.kill().await?;
        }
    }

    /// Free ports for all of them: each has to know the others' before it starts.
    fn take_ports(&mut self, fronts: &[u16]) -> Result<()> {
        let ports = self.nodes.iter().map(|_| BrokerPorts::free(fronts)).collect::<Result<Vec<_>>>()?;
        let controllers: Vec<u16> = ports.iter().map(|ports| ports.controller).collect();
        for (node, ports) in self.nodes.iter_mut().zip(ports) {
            node.meets(ports, controllers.clone());
        }
        Ok(())
    }

    pub fn bootstrap(&self) -> String {
        self.nodes.iter().map(Broker::bootstrap).collect::<Vec<_>>().join(",")
    }

    pub fn nodes(&mut self) -> &mut [Broker] {
        &mut self.nodes
    }

    pub fn first(&self) -> &Broker {
        &self.nodes[0]
    }

    /// In good order where there is one. Several are killed: each would first hand over what it leads, and the last ones to nobody.
    pub async fn stop(&mut self) -> Result<()> {
        match &mut self.nodes[..] {
            [one] => one.stop().await,
            _ => self.kill().await,
        }
    }

    pub async fn kill(&mut self) -> Result<()> {
        try_join_all(self.nodes.iter_mut().map(Broker::kill)).await.map(drop)
    }

    pub async fn restart(&mut self) -> Result<()> {
        self.stop().await?;
        try_join_all(self.nodes.iter_mut().map(Broker::start_again)).await?;
        self.await_in_sync().await
    }

    pub async fn lose_everything(&mut self) -> Result<()> {
        self.kill().await?;
        self.nodes.iter().try_for_each(Broker::forget_everything)?;
        self.restart().await
    }

    /// Until each record is where it has to be. One copy is in sync with itself.
    pub async fn await_in_sync(&self) -> Result<()> {
        if self.nodes.len() > 1 { topics::await_in_sync(&self.bootstrap(), READY_WITHIN).await } else { Ok(()) }
    }
}
