//! Test the API.
