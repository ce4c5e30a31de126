package pocketdesk

import app.cash.turbine.test
import app.cash.turbine.turbineScope
import java.nio.file.Path
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertIs
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.transform
import kotlinx.coroutines.launch
import kotlinx.coroutines.test.advanceTimeBy
import kotlinx.coroutines.test.runCurrent
import kotlinx.coroutines.test.runTest
import kotlinx.coroutines.withContext
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import pocketdesk.core.DeskException
import pocketdesk.core.TicketsFeed
import pocketdesk.model.Delivery
import pocketdesk.model.NewDraft
import pocketdesk.model.SyncState
import pocketdesk.model.TicketFilter
import pocketdesk.model.TicketKey

class FeedsTest {
    @TempDir
    lateinit var folder: Path

    @Test
    fun `the inbox shows what was there before it was opened, and then what comes`() = withPhone(folder) { phone ->
        phone.filed("No light")
        phone.ticketPages().map { page -> page.tickets.map { it.subject } }.test(timeout = patience) {
            assertEquals(listOf("No light"), awaitItem())
            phone.filed("No heat")
            assertEquals(setOf("No light", "No heat"), awaitItem().toSet())
            phone.shutDown()
            awaitComplete()
        }
    }

    @Test
    fun `a ticket shows each word of hers and where it is`() = withPhone(folder) { phone ->
        val key = phone.filed("No light")
        phone.ticketViews(key).test(timeout = patience) {
            assertIs<Delivery.Saved>(awaitItem().summary.delivery)
            phone.reply(key, pocketdesk.model.NewReply(text = "In the cellar, too"))
            assertEquals(listOf("In the cellar, too"), awaitItem().comments.map { it.text })
            cancelAndIgnoreRemainingEvents()
        }
    }

    @Test
    fun `the outbox, the files under way and the accounts follow, too`() = withPhone(folder) { phone ->
        turbineScope(timeout = patience) {
            val outbox = phone.outboxItems().testIn(backgroundScope)
            val transfers = phone.transferViews().testIn(backgroundScope)
            val accounts = phone.accountViews().testIn(backgroundScope)
            assertEquals(emptyList(), outbox.awaitItem())
            assertEquals(emptyList(), transfers.awaitItem())
            accounts.awaitItem()
            phone.filed("No light")
            assertEquals(listOf("No light"), outbox.awaitItem().map { it.subject })
            phone.saveDraft(null, NewDraft(text = "half a tho"))
            var account = accounts.awaitItem().single()
            while (account.drafts == 0u) account = accounts.awaitItem().single()
            assertEquals(1u, account.unsent)
            assertIs<SyncState.Paused>(account.sync)
            for (screen in listOf(outbox, transfers, accounts)) screen.cancelAndIgnoreRemainingEvents()
        }
    }

    @Test
    fun `the screen of a ticket that is not here is empty and ends`() = withPhone(folder) { phone ->
        val key = phone.filed("No light")
        phone.ticketViews(TicketKey(key.account, "0192f0c1-2b6e-7c3a-9a51-0d8d5d6c0000")).test(timeout = patience) { awaitComplete() }
    }

    @Test
    fun `a screen that was left holds nothing of the core`() = withPhone(folder) { phone ->
        val feeds = mutableListOf<TicketsFeed>()
        val pages = following({ phone.watchTickets(TicketFilter(), 0u, 10u).also(feeds::add) }, TicketsFeed::next)
        pages.first()
        withContext(Dispatchers.Default) {
            val looking = launch { pages.collect {} }
            while (feeds.size < 2) delay(1)
            delay(50)
            looking.cancel()
            looking.join()
        }
        val crash = launch { runCatching { pages.collect { error("a screen that cannot be drawn") } } }
        crash.join()
        assertEquals(3, feeds.size)
        for (feed in feeds) assertFailsWith<IllegalStateException>("a feed is still open") { feed.next() }
    }

    @Test
    fun `a slow screen shows the newest value and skips what came in between`() = withPhone(folder) { phone ->
        phone.filed("ticket 0")
        val totals = phone.ticketPages().transform { page ->
            emit(page.total)
            if (page.total == 1uL) (1..9).forEach { phone.filed("ticket $it") }
        }
        val seen = mutableListOf<ULong>()
        totals.first { total ->
            seen += total
            total == 10uL
        }
        assertEquals(listOf(1uL, 10uL), seen)
    }

    @OptIn(ExperimentalCoroutinesApi::class)
    @Test
    fun `a screen waits as long as the core does`() = runTest {
        // Virtual time, so a fake feed: nothing in between has a clock of its own.
        class Silent : AutoCloseable {
            var closed = false

            override fun close() {
                closed = true
            }
        }
        val feed = Silent()
        turbineScope {
            val screen = following<Silent, Unit>({ feed }, { awaitCancellation() }).testIn(backgroundScope)
            runCurrent()
            advanceTimeBy(7 * 24 * 3_600_000L)
            screen.expectNoEvents()
            assertEquals(false, feed.closed)
            screen.cancel()
            runCurrent()
            assertEquals(true, feed.closed)
        }
    }

    @Test
    fun `what may not be written is said with its field`() = withPhone(folder) { phone ->
        val refused = assertFailsWith<DeskException.Invalid> { phone.filed("") }
        assertEquals("subject", refused.field)
    }
}
