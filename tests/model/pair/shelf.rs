//! The stock of an article.

use order_service::domain::StockChange;

/// Where the pieces of an article are, counted from the moves alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shelf {
    pub received: i64,
    pub on_hand: i64,
    pub reserved: i64,
    pub shipped: i64,
    pub written_off: i64,
}

impl Shelf {
    pub fn apply(&mut self, change: StockChange, quantity: i64) {
        match change {
            StockChange::Receive => {
                self.received += quantity;
                self.on_hand += quantity;
            }
            StockChange::Reserve => self.reserved += quantity,
            StockChange::Release => self.reserved -= quantity,
            StockChange::Ship => {
                self.reserved -= quantity;
                self.on_hand -= quantity;
                self.shipped += quantity;
            }
            StockChange::WriteOff => {
                self.reserved -= quantity;
                self.on_hand -= quantity;
                self.written_off += quantity;
            }
        }
    }
}
