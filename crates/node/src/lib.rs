//! Run a node: mempool, HTTP API, configuration, status page.
