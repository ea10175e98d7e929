//! Query strings and the cursors in them: a cursor that is taken is one that can be given.

use axum::extract::FromRequestParts;
use futures_util::FutureExt;
use http::{Request, StatusCode};
use uuid::Uuid;

use super::{Edits, INPUTS, edited};
use crate::http::{Name, Page, Parameters, Period, Problem};

const GOOD: &[u8] = b"limit=20&cursor=01a20a66-e190-7167-9365-adb16eb5ec63&from=2026-12-01T08%3A00%3A00Z&name=MUG";

/// What the lists of both services are asked with.
struct Read {
    page: Page<Uuid>,
    name: Option<Name>,
}

fn read(query: &[u8]) -> Option<Result<Read, Problem>> {
    let target = [b"/orders?", query].concat();
    let (mut parts, ()) = Request::builder().uri(target.as_slice()).body(()).ok()?.into_parts();
    let asked = Parameters::from_request_parts(&mut parts, &()).now_or_never().expect("there is nothing to wait for");
    Some(asked.and_then(|mut asked| {
        let (page, _) = (Page::<Uuid>::read(&mut asked), Period::read(&mut asked));
        let name = asked.optional::<Name>("name", Name::SHAPE);
        asked.finish().map(|()| Read { page, name })
    }))
}

#[test]
fn a_damaged_query_is_read_as_what_it_says_or_refused() {
    assert!(read(GOOD).is_some_and(|read| read.is_ok_and(|read| read.page.after.is_some() && read.name.is_some())));
    bolero::check!().with_iterations(INPUTS).with_type::<Edits>().for_each(|edits| {
        let Some(read) = read(&edited(GOOD, edits)) else { return };
        match read {
            Ok(Read { page, name }) => {
                assert!((1..=100).contains(&page.limit));
                assert!(page.after.is_none_or(|after| after.to_string().parse() == Ok(after)));
                assert!(name.is_none_or(|Name(name)| name.parse() == Ok(Name(name))));
            }
            Err(problem) => assert_eq!(problem.status(), StatusCode::BAD_REQUEST, "{problem:?}"),
        }
    });
}
