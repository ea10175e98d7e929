//! `Authorization: Bearer …` (RFC 6750 §2.1).

use http::{HeaderMap, header};

use super::refused::Refused;

/// Longer than any token that anybody needs.
const LONGEST: usize = 4 * 1024;

/// What somebody shows. Of two, one would be disregarded: none is taken.
pub(super) fn credentials(headers: &HeaderMap) -> Result<&str, Refused> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(Refused::Missing)?;
    if values.next().is_some() {
        return Err(Refused::Invalid("two Authorization headers"));
    }
    let text = value.to_str().map_err(|_| Refused::Invalid("no ASCII"))?;
    let (scheme, credentials) = text.split_once(' ').ok_or(Refused::Invalid("no credentials"))?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Refused::Invalid("another scheme"));
    }
    let credentials = credentials.trim_start_matches(' ');
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if credentials.is_empty() || credentials.len() > LONGEST || !credentials.bytes().all(fits) {
        return Err(Refused::Invalid("too short, too long, or other letters"));
    }
    Ok(credentials)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(values: &[&str]) -> Result<String, Refused> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_bytes(value.as_bytes()).expect("a header"));
        }
        credentials(&headers).map(str::to_owned)
    }

    #[test]
    fn one_bearer_is_read_however_it_is_written() {
        for good in ["Bearer a.b-c_d", "bearer a.b-c_d", "BEARER   a.b-c_d"] {
            assert_eq!(of(&[good]).as_deref(), Ok("a.b-c_d"), "{good}");
        }
        assert_eq!(of(&[]), Err(Refused::Missing));
    }

    #[test]
    fn whatever_else_there_is_is_refused() {
        let long = format!("Bearer {}", "a".repeat(LONGEST + 1));
        for bad in [
            "",
            "Bearer",
            "Bearer ",
            "Basic a",
            "Bearera",
            "Bearer a b",
            "Bearer a,b",
            "Bearer ä",
            "Bearer a\tb",
            "Bearer a=",
            &long,
        ] {
            assert!(matches!(of(&[bad]), Err(Refused::Invalid(_))), "{bad}");
        }
        assert!(matches!(of(&["Bearer a", "Bearer a"]), Err(Refused::Invalid(_))));
    }
}
