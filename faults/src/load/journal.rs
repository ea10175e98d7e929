//! What was asked and what came back, written down as it happens: the intent before it goes out, the outcome when it is known. The auditor
//! believes this file, and nobody who was asked.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    Place,
    Cancellation,
    Courier,
    Dispatch,
    Attempt,
    Completion,
    Failure,
}

impl What {
    /// The last part of its path.
    pub fn path(self) -> &'static str {
        match self {
            Self::Place => "orders",
            Self::Cancellation => "cancellation",
            Self::Courier => "courier",
            Self::Dispatch => "dispatch",
            Self::Attempt => "attempts",
            Self::Completion => "completion",
            Self::Failure => "failure",
        }
    }
}

/// What came of it, as far as the client can know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done (2xx).
    Ok,
    /// It was not done, and never will be (4xx).
    Refused,
    /// No answer, or one that leaves it open (5xx).
    Unknown,
}

/// One line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "line")]
pub enum Line {
    /// Written before it is asked. All attempts at the same thing have the same key.
    Intent { at_ms: u64, key: String, customer: String, what: What, attempt: u32, subject: Option<Uuid>, body: Value },
    /// Written after.
    Outcome {
        at_ms: u64,
        key: String,
        attempt: u32,
        outcome: Outcome,
        status: Option<u16>,
        code: Option<String>,
        order_id: Option<Uuid>,
        total_minor: Option<i64>,
    },
}

/// An append-only file, one JSON object a line.
pub struct Journal {
    file: Mutex<File>,
    began: Instant,
}

impl Journal {
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(Self { file: Mutex::new(file), began: Instant::now() })
    }

    pub fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// In the file when this returns.
    pub fn write(&self, line: &Line) -> Result<()> {
        let mut text = serde_json::to_string(line)?;
        text.push('\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(text.as_bytes()).context("the journal cannot be written")
    }

    /// All lines of a file.
    pub fn read(path: &Path) -> Result<Vec<Line>> {
        let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let lines = BufReader::new(file).lines();
        lines.map(|line| serde_json::from_str(&line?).context("a line of the journal is none")).collect()
    }
}
