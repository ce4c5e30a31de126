/*
 * The core's feeds as Flows: the present value first, then each newer one; what came in between is skipped. A Flow is
 * cold, so it opens its feed when it is collected and lets it go when the collector leaves. It completes when the core
 * is shut down (a ticket's also when the ticket is gone from this phone), and it never fails: what went wrong with a
 * delivery is part of the value. Collect it on a dispatcher: an unconfined collector would run on the core's own threads.
 */
package pocketdesk

import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import pocketdesk.core.OutboxFeed
import pocketdesk.core.Pocketdesk
import pocketdesk.core.SyncFeed
import pocketdesk.core.TicketFeed
import pocketdesk.core.TicketsFeed
import pocketdesk.core.TransfersFeed
import pocketdesk.model.AccountView
import pocketdesk.model.OutboxItem
import pocketdesk.model.TicketFilter
import pocketdesk.model.TicketKey
import pocketdesk.model.TicketPage
import pocketdesk.model.TicketView
import pocketdesk.model.TransferView

/** Pages of the inbox: [limit] rows from [offset] on. */
fun Pocketdesk.ticketPages(filter: TicketFilter = TicketFilter(), offset: UInt = 0u, limit: UInt = 50u): Flow<TicketPage> =
    following({ watchTickets(filter, offset, limit) }, TicketsFeed::next)

/** One ticket with all that is drawn of it. */
fun Pocketdesk.ticketViews(ticket: TicketKey): Flow<TicketView> =
    following({ watchTicket(ticket) }, TicketFeed::next)

/** What waits to be sent or needs the person; of one [account] or of all. */
fun Pocketdesk.outboxItems(account: String? = null): Flow<List<OutboxItem>> =
    following({ watchOutbox(account) }, OutboxFeed::next)

/** Files under way; of one [account] or of all. */
fun Pocketdesk.transferViews(account: String? = null): Flow<List<TransferView>> =
    following({ watchTransfers(account) }, TransfersFeed::next)

/** All accounts and where each stands with its desk. */
fun Pocketdesk.accountViews(): Flow<List<AccountView>> = following({ watchSync() }, SyncFeed::next)

/** A pull feed as a cold Flow: closing the feed drops its half in the core, also when the collector is cancelled. */
internal fun <F : AutoCloseable, T : Any> following(open: () -> F, next: suspend (F) -> T?): Flow<T> = flow {
    open().use { feed -> while (true) emit(next(feed) ?: break) }
}
