//! Kafka clients: every setting that differs from the default, with its reason.

use rdkafka::{ClientConfig, config::RDKafkaLogLevel};

/// How to reach Kafka, and who we are there.
#[derive(Debug, Clone)]
pub struct KafkaSettings {
    /// `host:port`, several with commas.
    pub bootstrap_servers: String,
    /// Put before every topic's name and the consumer group's.
    pub prefix: String,
    /// `group.instance.id`: the same after a restart, different for every instance that runs at once.
    pub instance_id: String,
}

fn client(settings: &KafkaSettings) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &settings.bootstrap_servers)
        .set("client.id", &settings.instance_id)
        // A broker that comes back is found within a second, not within ten.
        .set("reconnect.backoff.max.ms", "1000")
        .set("socket.keepalive.enable", "true")
        // A typing error must not become a topic.
        .set("allow.auto.create.topics", "false")
        .set_log_level(RDKafkaLogLevel::Warning);
    config
}

/// Settings of the relay's producer.
#[must_use]
pub fn producer(settings: &KafkaSettings) -> ClientConfig {
    let mut config = client(settings);
    config
        // A retry inside the client must not put a record twice or out of order; false by default in librdkafka.
        .set("enable.idempotence", "true")
        // Acknowledged means: every in-sync replica has it. A pointer is deleted on the strength of that.
        .set("acks", "all")
        // What Java clients use, so that any of them finds the same lane.
        .set("partitioner", "murmur2_random")
        // What is announced comes in batches already, and what comes while the requests before it are under way is the next one:
        // waiting for more would only cost latency.
        .set("linger.ms", "0")
        // What is queued travels together, and a topic's limit (`topics::BATCH_BYTES`) is for all of it: with the default of 1 MB a
        // few hundred events are refused for being too large together. Below that limit, an event that is too large by itself
        // is refused alone.
        .set("batch.size", "131072")
        // 1 GiB by default; the relay keeps a few megabytes in flight.
        .set("queue.buffering.max.kbytes", "16384")
        // Well above a leader election, and short enough that the relay notices and tells.
        .set("message.timeout.ms", "120000");
    config
}

/// Settings of the consumer.
#[must_use]
pub fn consumer(settings: &KafkaSettings, group: &str) -> ClientConfig {
    let mut config = client(settings);
    config
        .set("group.id", group)
        // A restart within the session time-out gets its partitions back without a rebalance.
        .set("group.instance.id", &settings.instance_id)
        // The newer protocol fences a static member that restarts.
        .set("group.protocol", "classic")
        .set("session.timeout.ms", "10000")
        .set("heartbeat.interval.ms", "3000")
        .set("max.poll.interval.ms", "60000")
        // Offsets are stored by hand, after the database's commit; what is stored is committed in the background.
        .set("enable.auto.offset.store", "false")
        .set("auto.commit.interval.ms", "1000")
        // The default, `latest`, loses every event that was there before a new group was.
        .set("auto.offset.reset", "earliest")
        .set("isolation.level", "read_committed")
        // The defaults buffer up to 64 MiB and 100,000 records per partition.
        .set("queued.max.messages.kbytes", "4096")
        .set("queued.min.messages", "2000")
        // 1 MiB for each partition by default: an answer of many partitions is one piece of memory. A larger record comes all the same.
        .set("fetch.message.max.bytes", "262144")
        // The default second between fetches of a full queue would be a second of latency.
        .set("fetch.queue.backoff.ms", "10")
        // How long the broker keeps a question for which there is nothing yet. It answers as soon as there is something.
        .set("fetch.wait.max.ms", "100")
        .set("check.crcs", "true");
    config
}

/// Settings of who reads a topic by assignment, from where it likes: nobody's member, and nothing is committed.
#[must_use]
pub fn reader(settings: &KafkaSettings) -> ClientConfig {
    let mut config = client(settings);
    config
        // The client wants a name of everybody, also of who joins no group.
        .set("group.id", "reader")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // Records that are deleted before they were read must not be passed over in silence.
        .set("auto.offset.reset", "error")
        .set("isolation.level", "read_committed")
        // Said where a partition ends, also where no record of ours is the last.
        .set("enable.partition.eof", "true")
        // The defaults buffer up to 64 MiB and 100,000 records per partition.
        .set("queued.max.messages.kbytes", "16384")
        .set("check.crcs", "true");
    config
}

/// Settings of the client that creates topics and reads metadata.
#[must_use]
pub fn admin(settings: &KafkaSettings) -> ClientConfig {
    client(settings)
}
