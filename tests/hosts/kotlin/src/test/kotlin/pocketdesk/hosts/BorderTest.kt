package pocketdesk.hosts

import java.nio.file.Path
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.TimeoutCancellationException
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import pocketdesk.core.DeskException
import pocketdesk.core.OpenException
import pocketdesk.core.Pocketdesk
import pocketdesk.core.SecretStore
import pocketdesk.core.SecretStoreException
import pocketdesk.core.Source
import pocketdesk.model.TicketFilter
import pocketdesk.model.TicketKey
import pocketdesk.ticketPages

/** Where Kotlin and the core meet on a bad day: nothing hangs, nothing is lost, and no bug of either takes the app down. */
class BorderTest {
    @TempDir
    lateinit var folder: Path

    private suspend fun Pocketdesk.inbox() = tickets(TicketFilter(), 0u, 100u)

    @Test
    fun `what was begun is done though the caller gave up`() = story {
        openPhone(folder, offline = true).use { phone ->
            val words = List(20) { "ticket $it" }
            coroutineScope {
                // Undispatched: each call has reached the core when it is cancelled.
                val filing = words.map { launch(start = CoroutineStart.UNDISPATCHED) { phone.file(it) } }
                filing.forEach { it.cancel() }
                filing.joinAll()
                assertTrue(filing.any { it.isCancelled }, "none was under way when it was cancelled")
            }
            val page = phone.ticketPages(limit = 100u).until("all twenty") { it.total == 20uL }
            assertEquals(words.toSet(), page.tickets.map { it.subject }.toSet())
            phone.shutDown()
        }
    }

    @Test
    fun `a reader that gave up can read on`() = story {
        openPhone(folder, offline = true).use { phone ->
            phone.watchTickets(TicketFilter(), 0u, 10u).use { feed ->
                assertEquals(0uL, feed.next()?.total)
                assertFailsWith<TimeoutCancellationException> { withTimeout(50.milliseconds) { feed.next() } }
                phone.file("No light")
                assertEquals(1uL, feed.next()?.total)
            }
            phone.shutDown()
        }
    }

    @Test
    fun `after shut down screens end and calls say so`() = story {
        openPhone(folder, offline = true).use { phone ->
            phone.file("No light")
            coroutineScope {
                val shown = CompletableDeferred<Unit>()
                val screen = async { phone.ticketPages().onEach { shown.complete(Unit) }.toList() }
                withTimeout(patience) { shown.await() }
                phone.shutDown()
                assertEquals(listOf(1uL), withTimeout(patience) { screen.await() }.map { it.total })
            }
            assertFailsWith<DeskException.Closed> { phone.inbox() }
            assertFailsWith<DeskException.Closed> { phone.file("No heat") }
            phone.shutDown()
        }
    }

    @Test
    fun `a screen that uses the app after it was let go fails by itself`() = story {
        val phone = openPhone(folder, offline = true)
        val feed = phone.watchTickets(TicketFilter(), 0u, 10u)
        phone.close()
        phone.close()
        assertFailsWith<IllegalStateException> { phone.inbox() }
        // Nothing drives the feed any more; it ends and does not hang.
        withTimeout(patience) { while (feed.next() != null) continue }
        feed.close()
        assertFailsWith<IllegalStateException> { feed.next() }
    }

    @Test
    fun `letting the app go while calls are under way answers each of them`() = story {
        repeat(20) { round ->
            val phone = openPhone(folder.resolve("$round"), offline = true)
            coroutineScope {
                val calls = List(30) { async(Dispatchers.Default) { runCatching { phone.file("ticket $it") } } }
                phone.close()
                withTimeout(patience) { calls.awaitAll() }.forEach { outcome ->
                    val why = outcome.exceptionOrNull()
                    assertTrue(why == null || why is IllegalStateException || why is DeskException, "$why")
                }
            }
        }
    }

    /** A store that fails as it is told to. */
    private class Unwilling(var failure: Throwable?, private val secrets: SecretStore) : SecretStore {
        override fun load(name: String): ByteArray? = failure?.let { throw it } ?: secrets.load(name)

        override fun save(name: String, secret: ByteArray) = failure?.let { throw it } ?: secrets.save(name, secret)

        override fun remove(name: String) = failure?.let { throw it } ?: secrets.remove(name)
    }

    @Test
    fun `a keystore that throws fails the call and not the app`() = story {
        val failures = listOf(
            SecretStoreException.Locked() to DeskException.NotNow::class,
            SecretStoreException.Failed("the keystore is gone") to DeskException.Defect::class,
            // Not declared, as a bug in the shell would be.
            IllegalArgumentException("a bug in the shell") to DeskException.Defect::class,
        )
        for ((failure, expected) in failures) {
            val home = folder.resolve("${failure::class.simpleName}")
            val store = Unwilling(failure, FolderSecrets(home.resolve("secrets")))
            openPhone(home, offline = true, secrets = store).use { phone ->
                val why = assertFailsWith<DeskException> { phone.file("No light") }
                assertEquals<Any>(expected, why::class, "after $failure: $why")
                assertEquals(0uL, phone.inbox().total)
                store.failure = null
                phone.file("No light")
                assertEquals(1uL, phone.inbox().total, "the next one was not kept after $failure")
                phone.shutDown()
            }
        }
    }

    @Test
    fun `errors say which field and what is missing`() = story {
        folder.resolve("data").toFile().writeText("in the way")
        assertEquals("data_dir", assertFailsWith<OpenException.Invalid> { openPhone(folder) }.field)
        openPhone(folder.resolve("phone"), offline = true).use { phone ->
            assertEquals("subject", assertFailsWith<DeskException.Invalid> { phone.file("") }.field)
            assertEquals("fd", assertFailsWith<DeskException.Invalid> { phone.attach(null, Source.Fd(-1, "photo.jpg")) }.field)
            val ticket = phone.file("No light")
            val other = TicketKey(ticket.account, "0192f0c1-2b6e-7c3a-9a51-0d8d5d6c0000")
            assertEquals("ticket", assertFailsWith<DeskException.NotFound> { phone.ticket(other) }.what)
            phone.shutDown()
        }
    }

    @Test
    fun `a thousand calls at once are all answered`() = story {
        openPhone(folder, offline = true).use { phone ->
            val ticket = phone.file("No light")
            val views = coroutineScope { List(1_000) { async(Dispatchers.Default) { phone.ticket(ticket) } }.awaitAll() }
            assertEquals(setOf("No light"), views.map { it.summary.subject }.toSet())
            phone.shutDown()
        }
    }
}
