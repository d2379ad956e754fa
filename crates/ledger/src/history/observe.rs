//! Follow the chain: the store as an observer of the ledger.

use super::{FinalizedBlock, History};
use crate::{
    Block,
    observer::{Observer, ObserverError},
};
use futures::{FutureExt as _, future::BoxFuture};
use std::sync::Arc;
use trine_types::{Height, application::Execution};

impl Observer for History {
    fn finalized(
        &self,
        block: Arc<Block>,
        execution: Arc<Execution>,
    ) -> BoxFuture<'_, Result<(), ObserverError>> {
        async move {
            let block = FinalizedBlock::new(&block, execution)?;
            Ok(self.append(Arc::new(block)).await?)
        }
        .boxed()
    }

    fn durable(&self, _: Height) {}
}
