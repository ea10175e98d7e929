//! How the command ends, as its exit status tells.

use std::process::ExitCode;

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As it should.
    Well,
    /// Something was not as it should be; it was said what.
    Failed,
    /// Whether all is well is not known.
    CouldNotLook,
    /// By Ctrl-C, before it was done.
    Interrupted,
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Well => ExitCode::SUCCESS,
            Ending::Failed => ExitCode::from(1),
            Ending::CouldNotLook => ExitCode::from(2),
            // What a shell reports of a program that SIGINT ended.
            Ending::Interrupted => ExitCode::from(130),
        }
    }
}
