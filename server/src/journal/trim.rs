//! The horizon: how far back the journals reach.

use crate::{
    context::{Context, ServiceError},
    store::write::with_write,
    values,
};

/// Forgets commits older than [`crate::context::Policy::horizon_ms`], never a head's own; a cursor left of what
/// remains is reset. Rows that are gone are forgotten with the commit that told of it. Answers how many commits went.
pub async fn trim(ctx: &Context) -> Result<u64, ServiceError> {
    let horizon = ctx.policy.horizon_ms;
    with_write(ctx, move |tx, _| {
        Box::pin(async move {
            let before = tx.now - horizon;
            // By position, not by time: a clock that jumped must not tear a hole.
            let trimmed = tx
                .execute(
                    "DELETE FROM journal_commit WHERE seq < (SELECT MIN(young.seq) FROM journal_commit young \
                     WHERE young.scope = journal_commit.scope AND (young.at >= $1 OR young.seq = \
                     (SELECT h.seq FROM journal_head h WHERE h.scope = young.scope)))",
                    &values![before],
                )
                .await?;
            tx.execute(
                "DELETE FROM journal_item WHERE seq <= (SELECT MIN(c.seq) FROM journal_commit c \
                 WHERE c.scope = journal_item.scope) AND EXISTS (SELECT 1 FROM gone g \
                 WHERE g.kind = journal_item.kind AND g.id = journal_item.entity)",
                &[],
            )
            .await?;
            Ok(trimmed)
        })
    })
    .await
}
