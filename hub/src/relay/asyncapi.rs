//! The AsyncAPI 3 document.
