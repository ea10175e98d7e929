//! One side of the saga: catalogue, orders, money and stock.

pub mod domain;
