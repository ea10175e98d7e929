//! The table of who may use which route. What is not in it is refused.

use std::collections::HashMap;

use anyhow::ensure;
use http::Method;

use super::principal::{Scope, Scopes};

/// Who may use one route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The method, in capitals. HEAD goes by GET's, and OPTIONS tells nothing that is not printed in the README.
    pub method: &'static str,
    /// The route as it is declared: `/orders/{id}`.
    pub path: &'static str,
    /// Whoever has one of these may.
    pub scopes: Scopes,
}

impl Rule {
    /// One line of the table.
    #[must_use]
    pub const fn new(method: &'static str, path: &'static str, scopes: &[Scope]) -> Self {
        Self { method, path, scopes: Scopes::of(scopes) }
    }
}

/// All rules of a service.
#[derive(Debug)]
pub(super) struct Table(HashMap<(&'static str, &'static str), Scopes>);

impl Table {
    /// # Errors
    /// When two rules are for one route, or one is for nobody.
    pub fn new(rules: impl IntoIterator<Item = Rule>) -> anyhow::Result<Self> {
        let mut table = HashMap::new();
        for Rule { method, path, scopes } in rules {
            ensure!(!scopes.is_empty(), "the rule of {method} {path} lets nobody in");
            ensure!(table.insert((method, path), scopes).is_none(), "there are two rules for {method} {path}");
        }
        Ok(Self(table))
    }

    /// Who may use a route; nobody has said so if there is no rule.
    pub fn who_may(&self, method: &Method, path: &str) -> Option<Scopes> {
        let method = if method == Method::HEAD { "GET" } else { method.as_str() };
        self.0.get(&(method, path)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: Rule = Rule::new("GET", "/orders", &[Scope::Staff]);

    #[test]
    fn what_has_no_rule_is_for_nobody_and_head_goes_by_get() {
        let table = Table::new([LIST]).expect("sound rules");
        let staff = Some(Scopes::of(&[Scope::Staff]));
        assert_eq!((table.who_may(&Method::GET, "/orders"), table.who_may(&Method::HEAD, "/orders")), (staff, staff));
        for (method, path) in [(Method::POST, "/orders"), (Method::GET, "/orders/{id}"), (Method::GET, "/Orders")] {
            assert_eq!(table.who_may(&method, path), None, "{method} {path}");
        }
    }

    #[test]
    fn rules_that_contradict_each_other_or_let_nobody_in_are_refused() {
        assert!(Table::new([LIST, Rule::new("GET", "/orders", &[Scope::Customer])]).is_err());
        assert!(Table::new([Rule::new("GET", "/orders", &[])]).is_err());
    }
}
