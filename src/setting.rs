//! A value, and the name under which the user set it: a method or a variable. Errors begin with that name.

#[derive(Clone, Debug)]
pub(crate) struct Setting<T> {
    pub(crate) name: &'static str,
    pub(crate) value: T,
}

impl<T> Setting<T> {
    pub(crate) fn new(name: &'static str, value: impl Into<T>) -> Self {
        Self { name, value: value.into() }
    }
}
