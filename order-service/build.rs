//! The migrations are part of the program, and the compiler is not told so by the macro that reads them.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
