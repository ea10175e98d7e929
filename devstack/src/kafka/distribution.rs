//! Apache Kafka and the Java that runs it: downloaded once, prepared once, kept in the cache.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tokio::process::Command;

use crate::Progress;
use crate::cache::cached;
use crate::command::run;

/// The release that is downloaded.
pub(super) const VERSION: &str = "4.3.1";
const OLDEST_JAVA: u32 = 17;

const NO_JAVA: &str = "Java 17 or newer was not found: install it (Debian: apt-get install default-jre-headless) or \
                       set KAFKA_BOOTSTRAP_SERVERS.";
const NO_MAVEN: &str = "Maven, which downloads Kafka, was not found: install it (Debian: apt-get install maven) or set \
                        KAFKA_BOOTSTRAP_SERVERS.";

/// Kafka's own jars name a logging interface but no implementation; the second dependency writes to standard error.
const POM: &str = r#"<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId>
  <artifactId>kafka-broker</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>VERSION</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
"#;

/// A collector without threads of its own starts quickest and suits a small heap.
const COLLECTOR: &str = "-XX:+UseSerialGC";

/// Everything a broker is started from.
#[derive(Clone)]
pub(super) struct Distribution {
    java: PathBuf,
    jars: PathBuf,
    prepared: PathBuf,
}

impl Distribution {
    /// Looks for Java, downloads Kafka unless it is in the cache, and prepares what makes a start quick.
    pub async fn prepare(progress: &Progress) -> Result<Self> {
        let (java, java_version) = find_java().await?;
        let name = format!("kafka-{VERSION}");
        let jars = cached(&name, async |partial| {
            let step = progress.step(&format!("Downloading Apache Kafka {VERSION} with Maven (44 MB, once)"));
            download(partial).await?;
            step.done(&format!("Apache Kafka {VERSION} downloaded"));
            Ok(())
        });
        let jars = jars.await?.join("jars");
        // Java's archive of classes serves only the Java that wrote it.
        let name = format!("kafka-{VERSION}-java-{java_version}");
        let prepared = cached(&name, async |partial| format_storage(&java, &jars, partial).await).await?;
        Ok(Self { java, jars, prepared })
    }

    /// The Java to run, and its arguments up to the main class.
    pub fn java(&self, heap_mb: u32) -> (PathBuf, Vec<String>) {
        let archive = format!("-XX:SharedArchiveFile={}", classes_of(&self.prepared).display());
        let heap = format!("-Xmx{heap_mb}m");
        // Auto: an archive that does not fit is passed over. And a broker without memory must end, not linger.
        let mut args = vec![heap, COLLECTOR.to_owned(), "-Xshare:auto".to_owned(), archive];
        args.push("-XX:+ExitOnOutOfMemoryError".to_owned());
        args.push("-Dorg.slf4j.simpleLogger.showDateTime=true".to_owned());
        args.push("-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS".to_owned());
        args.extend(["-cp".to_owned(), class_path(&self.jars)]);
        (self.java.clone(), args)
    }

    /// Puts freshly formatted storage into `directory`, which is not there yet: that of the node with this number, from 1. All clusters
    /// share the template's id: they never meet, so nobody can mistake one for the other.
    pub fn lay_out(&self, directory: &Path, node: usize) -> Result<()> {
        fs::create_dir(directory)?;
        for entry in fs::read_dir(storage_of(&self.prepared))? {
            let entry = entry?;
            fs::copy(entry.path(), directory.join(entry.file_name()))
                .context("Kafka's storage could not be copied.")?;
        }
        let who = directory.join("meta.properties");
        let said = fs::read_to_string(&who).context("Kafka's storage does not say whose it is.")?;
        fs::write(&who, whose(&said, node)).context("Kafka's storage could not be given to its node.")
    }
}

/// What storage says of the node that it belongs to. Formatted as the first one's: each has its number, and a directory with an id that no
/// other node has (base64, so that its first character may be any digit).
fn whose(said: &str, node: usize) -> String {
    let line = |line: &str| match line.split_once('=') {
        Some(("node.id", _)) => format!("node.id={node}\n"),
        Some(("directory.id", id)) => format!("directory.id={node}{}\n", &id[1..]),
        _ => format!("{line}\n"),
    };
    said.lines().map(line).collect()
}

fn class_path(jars: &Path) -> String {
    jars.join("*").display().to_string()
}

fn classes_of(prepared: &Path) -> PathBuf {
    prepared.join("classes.jsa")
}

fn storage_of(prepared: &Path) -> PathBuf {
    prepared.join("storage")
}

/// The Java of `JAVA_HOME`, or the one on the PATH, and its version.
async fn find_java() -> Result<(PathBuf, String)> {
    let at_home = std::env::var_os("JAVA_HOME").map(|home| PathBuf::from(home).join("bin/java"));
    let java = at_home.filter(|java| java.is_file()).unwrap_or_else(|| PathBuf::from("java"));
    let said = run(Command::new(&java).arg("-version"), NO_JAVA).await?.stderr;
    let version = version_of(&String::from_utf8_lossy(&said)).context(NO_JAVA)?;
    Ok((java, version))
}

/// Reads `openjdk version "17.0.15" 2025-04-15`; `None` also when it is too old.
fn version_of(said: &str) -> Option<String> {
    // With JAVA_TOOL_OPTIONS, another line comes first.
    let line = said.lines().find(|line| line.contains(" version \""))?;
    let version = line.split('"').nth(1)?;
    let Ok(major) = version.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u32>() else { return None };
    (major >= OLDEST_JAVA).then(|| version.to_owned())
}

async fn download(partial: &Path) -> Result<()> {
    let pom = partial.join("pom.xml");
    fs::write(&pom, POM.replace("VERSION", VERSION))?;
    let mut maven = Command::new("mvn");
    maven.args(["--quiet", "--batch-mode", "dependency:copy-dependencies", "-DincludeScope=runtime", "--file"]);
    maven.arg(&pom).arg(format!("-DoutputDirectory={}", partial.join("jars").display()));
    run(&mut maven, NO_MAVEN).await?;
    Ok(())
}

/// Formatting takes a start of Java, so it is done once. That start also writes down the classes it loaded, in a form
/// that Java maps into memory: this takes about a second off every start of a broker.
async fn format_storage(java: &Path, jars: &Path, partial: &Path) -> Result<()> {
    let settings = partial.join("format.properties");
    let voter = "process.roles=broker,controller\nnode.id=1\ncontroller.listener.names=CONTROLLER\n\
                 listeners=PLAINTEXT://127.0.0.1:1,CONTROLLER://127.0.0.1:2\ncontroller.quorum.voters=1@127.0.0.1:2\n";
    fs::write(&settings, format!("{voter}log.dirs={}\n", storage_of(partial).display()))?;
    let mut format = Command::new(java);
    format.arg(COLLECTOR).arg(format!("-XX:ArchiveClassesAtExit={}", classes_of(partial).display()));
    format.args(["-cp", &class_path(jars), "kafka.tools.StorageTool", "format"]);
    format.args(["--cluster-id", "c2FnYS1kZXZzdGFjay0wMQ", "--config"]).arg(&settings);
    run(&mut format, NO_JAVA).await.context("Kafka's storage could not be formatted.")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{version_of, whose};

    #[test]
    fn each_node_has_a_number_and_a_directory_of_its_own() {
        let said = "#\nnode.id=1\ndirectory.id=IInxHU8ogMx9wbkfLQsgyQ\ncluster.id=c2Fn\n";
        assert_eq!(whose(said, 3), "#\nnode.id=3\ndirectory.id=3InxHU8ogMx9wbkfLQsgyQ\ncluster.id=c2Fn\n");
    }

    #[test]
    fn java_17_and_newer_will_do() {
        assert_eq!(version_of("openjdk version \"17.0.15\" 2025-04-15"), Some("17.0.15".to_owned()));
        assert_eq!(version_of("openjdk version \"25-ea\" 2025-09-16"), Some("25-ea".to_owned()));
        assert_eq!(version_of("java version \"1.8.0_402\""), None);
        assert_eq!(version_of("no Java here"), None);
    }
}
