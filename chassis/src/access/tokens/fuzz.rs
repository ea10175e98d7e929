//! Tokens: none is good but the one that was signed.

use super::{tests::*, *};
use crate::fuzz::{Edits, INPUTS, edited};

#[test]
fn a_damaged_token_is_refused() {
    for algorithm in [TokenAlgorithm::EdDsa, TokenAlgorithm::Es256] {
        let (folder, key) = (Folder::new(), Key::new("a", algorithm));
        folder.has(&[&key]);
        let (tokens, good) = (tokens(&folder, algorithm), key.signs(&claims()));
        bolero::check!().with_iterations(INPUTS).with_type::<Edits>().for_each(|edits| {
            let token = edited(good.as_bytes(), edits);
            let Ok(token) = str::from_utf8(&token) else { return };
            assert_eq!(tokens.verify(token).is_ok(), token == good, "{token}");
        });
    }
}
