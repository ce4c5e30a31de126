package pocketdesk.hosts

import java.nio.file.Path
import kotlin.test.assertEquals
import kotlin.time.Duration
import kotlin.time.DurationUnit
import kotlin.time.TimeSource
import kotlin.time.measureTime
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.condition.EnabledIfSystemProperty
import org.junit.jupiter.api.io.TempDir
import pocketdesk.core.Pocketdesk
import pocketdesk.model.FfiConverterTypeTicketPage
import pocketdesk.model.FfiConverterTypeTicketView
import pocketdesk.model.TicketFilter
import pocketdesk.model.TicketKey
import pocketdesk.ticketPages

/** What crossing into Kotlin costs; `cargo x border` runs it over the optimised library. */
@EnabledIfSystemProperty(named = "pocketdesk.figures", matches = "true")
class FiguresTest {
    @TempDir
    lateinit var folder: Path

    @Test
    fun `what the border costs`() = story {
        Desk.open().use { desk ->
            openPhone(folder).use { phone ->
                val ticket = filled(phone, desk)
                println("| crossing into Kotlin | median | 9 of 10 |\n|---|---|---|")
                page(phone)
                ticket(phone, ticket)
                calls(phone, ticket)
                latency(phone)
                phone.shutDown()
            }
        }
    }

    /** Sixty tickets that the desk has registered; the one answered has 34 comments. */
    private suspend fun filled(phone: Pocketdesk, desk: Desk): TicketKey {
        phone.signIn(desk, "olena@shop.example")
        val words = "The till does not see the scanner since the power came back; it blinks red and then nothing."
        val tickets = List(60) { phone.file("$it: the till is dark", words) }
        val ticket = tickets.last()
        phone.shows(ticket, "a number") { it.summary.number != null }
        repeat(17) { round ->
            phone.reply(ticket, "$round: $words")
            desk.staff.reply(ticket.id, "$round: please unplug it for a minute, see whether it comes back, and tell us.")
        }
        phone.shows(ticket, "34 comments") { view -> view.comments.size == 34 && view.comments.all { it.delivery?.isWithTheDesk != false } }
        phone.ticketPages(limit = 60u).until("sixty numbers") { page -> page.tickets.count { it.number != null } == 60 }
        return ticket
    }

    private suspend fun page(phone: Pocketdesk) {
        val page = phone.tickets(TicketFilter(), 0u, 50u)
        assertEquals(50, page.tickets.size)
        tell("a page of 50 tickets: its bytes into Kotlin", 2_000) {
            val bytes = FfiConverterTypeTicketPage.lowerIntoRustBuffer(page)
            measureTime { FfiConverterTypeTicketPage.liftFromRustBuffer(bytes) }
        }
        tell("the same, the whole call with its query", 500) { measureTime { phone.tickets(TicketFilter(), 0u, 50u) } }
    }

    private suspend fun ticket(phone: Pocketdesk, ticket: TicketKey) {
        val view = phone.ticket(ticket)
        assertEquals(34, view.comments.size)
        tell("a ticket with 34 comments: its bytes into Kotlin", 2_000) {
            val bytes = FfiConverterTypeTicketView.lowerIntoRustBuffer(view)
            measureTime { FfiConverterTypeTicketView.liftFromRustBuffer(bytes) }
        }
        tell("the same, the whole call with its queries", 500) { measureTime { phone.ticket(ticket) } }
    }

    private suspend fun calls(phone: Pocketdesk, ticket: TicketKey) {
        tell("1,000 calls at once (one ticket each), all answered", 10) {
            measureTime { coroutineScope { List(1_000) { async(Dispatchers.Default) { phone.ticket(ticket) } }.awaitAll() } }
        }
    }

    /** From the moment a write begins to its own answer, and to the inbox that shows it. */
    private suspend fun latency(phone: Pocketdesk) {
        phone.setOffline(true)
        val written = mutableListOf<Duration>()
        tell("a write: from its call to the Flow that shows it", 200) {
            coroutineScope {
                val before = phone.tickets(TicketFilter(), 0u, 1u).total
                val open = CompletableDeferred<Unit>()
                val shown = CompletableDeferred<TimeSource.Monotonic.ValueTimeMark>()
                val screen = launch(start = CoroutineStart.UNDISPATCHED) {
                    phone.ticketPages(limit = 50u).collect { page ->
                        open.complete(Unit)
                        if (page.total > before) shown.complete(TimeSource.Monotonic.markNow())
                    }
                }
                open.await()
                val began = TimeSource.Monotonic.markNow()
                phone.file("The till is dark again")
                written += began.elapsedNow()
                val took = shown.await() - began
                screen.cancel()
                took
            }
        }
        print("of that, the write itself", written)
    }

    private suspend fun tell(what: String, times: Int, measure: suspend () -> Duration) {
        // The first fifth warms the JVM up.
        print(what, List(times + times / 5) { measure() }.drop(times / 5))
    }

    private fun print(what: String, all: List<Duration>) {
        val sorted = all.sorted()
        fun at(share: Double) = sorted[(sorted.lastIndex * share).toInt()].toString(DurationUnit.MILLISECONDS, 3)
        println("| $what | ${at(0.5)} | ${at(0.9)} |")
    }
}
