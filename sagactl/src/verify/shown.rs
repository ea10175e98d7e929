//! A report as people read it.

use std::fmt;

use super::report::{Certainty, Checked, Finding, Invariant, Report, TopicsRead, Unreadable};
use super::sources::{Judged, Source};
use crate::table::{Cell, bad, doubtful, good, table};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Checked { orders, deliveries, transfers, products, slots, couriers, events, .. } = self.checked;
        writeln!(
            f,
            "Looked at {orders} orders with {transfers} transfers, {products} products, {deliveries} deliveries,"
        )?;
        writeln!(f, "{slots} slots, {couriers} couriers and {events} events, in one snapshot of each database.")?;
        self.write_topics(f)?;
        self.not_looked.iter().try_for_each(|missing| writeln!(f, "{missing}."))?;
        writeln!(f, "{}", self.outcomes())?;
        self.write_waiting(f)?;
        self.write_notes(f)?;
        self.write_findings(f)
    }
}

impl Report {
    fn outcomes(&self) -> String {
        let rows = Invariant::ALL.iter().map(|invariant| {
            let outcome = match self.violations.get(invariant) {
                Some(count) => bad(format!("BROKEN {count} ×")),
                None => self.unbroken(*invariant),
            };
            [Cell::new(invariant), Cell::new(invariant.sentence()), outcome]
        });
        table(["", "INVARIANT", ""], &rows.collect::<Vec<_>>())
    }

    fn unbroken(&self, invariant: Invariant) -> Cell {
        let topics_failed = self.not_looked.iter().any(|missing| missing.at == Source::Topics);
        match self.judged.get(&invariant) {
            Some(Judged::Wholly) => good("holds"),
            Some(Judged::InPart) => doubtful("holds as far as it was looked"),
            Some(Judged::NotAtAll) | None if invariant.needs_topics() && !topics_failed => {
                doubtful("not looked at (--topics)")
            }
            Some(Judged::NotAtAll) | None => doubtful("not looked at"),
        }
    }

    fn write_topics(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(topics) = &self.topics else { return Ok(()) };
        let TopicsRead { records, orders, repeats, .. } = topics;
        writeln!(f, "Read {records} records about {orders} orders on both topics; {repeats} of them are repeats.")
    }

    fn write_not_judged(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(topics) = &self.topics else { return Ok(()) };
        let TopicsRead { unreadable, first_unreadable, not_judged_by_topics, not_judged_by_logs, .. } = topics;
        if *unreadable > 0 {
            writeln!(f, "Records that cannot be decoded: {unreadable}.")?;
        }
        for Unreadable { topic, partition, offset, why } in first_unreadable {
            writeln!(f, "  {topic}, partition {partition}, offset {offset}: {why}")?;
        }
        if *not_judged_by_topics > 0 {
            writeln!(
                f,
                "Not judged: {not_judged_by_topics} orders, of which the topics may have deleted the oldest records."
            )?;
        }
        if *not_judged_by_logs > 0 {
            writeln!(
                f,
                "Not compared: the events of {not_judged_by_logs} orders, which the event logs need not know any more."
            )?;
        }
        Ok(())
    }

    fn write_waiting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.waiting.is_empty() {
            writeln!(f, "Orders that have not ended, and what they wait for:")?;
        }
        self.waiting.iter().try_for_each(|(cause, orders)| writeln!(f, "  {orders:>7}  {cause}"))
    }

    fn write_notes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Checked { parked, anomalies, .. } = self.checked;
        self.write_not_judged(f)?;
        if parked > 0 {
            writeln!(f, "Parked events: {parked} (select * from parked_events where resolved_at is null).")?;
        }
        if anomalies > 0 {
            writeln!(f, "Anomalies on record: {anomalies} (select * from anomalies). They moved nothing.")?;
        }
        if self.settled > 0 || self.looked_again_seconds > 0.0 {
            let (settled, seconds) = (self.settled, self.looked_again_seconds);
            writeln!(f, "In flight at first and settled when looked at again, within {seconds:.1} s: {settled}.")?;
        }
        Ok(())
    }

    fn write_findings(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (invariant, total) in &self.violations {
            writeln!(f, "{invariant} is broken: {}.", invariant.sentence())?;
            let of_this = || self.findings.iter().filter(|finding| finding.invariant == *invariant);
            of_this().try_for_each(|Finding { subject, evidence, certainty, .. }| {
                writeln!(f, "  {subject} ({certainty})\n    {evidence}.")
            })?;
            let shown = of_this().count() as u64;
            if *total > shown {
                writeln!(f, "  … and {} more", total - shown)?;
            }
        }
        if self.findings.iter().any(|finding| finding.certainty != Certainty::Certain) {
            writeln!(
                f,
                "What is not of one moment may still be in flight where a service, or what a topic is read by, is down."
            )?;
        }
        Ok(())
    }
}
