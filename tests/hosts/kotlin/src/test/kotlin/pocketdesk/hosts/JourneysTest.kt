package pocketdesk.hosts

import java.nio.file.Path
import kotlin.io.path.writeBytes
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertTrue
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import pocketdesk.core.Source
import pocketdesk.model.DictateInto
import pocketdesk.model.NewDraft
import pocketdesk.model.Signal
import pocketdesk.model.Sound
import pocketdesk.model.TicketFilter
import pocketdesk.model.TicketStatus
import pocketdesk.outboxItems
import pocketdesk.ticketPages

private const val OLENA = "olena@shop.example"

/** What people do with the app, each from the first tap to the desk's answer. */
class JourneysTest {
    @TempDir
    lateinit var folder: Path

    @Test
    fun `a day from the first words to the mark`() = story {
        Desk.open().use { desk ->
            openPhone(folder.resolve("phone")).use { phone ->
                phone.signIn(desk, OLENA)
                val taken = phone.attach(null, Source.Path("$photo", null))
                val ticket = phone.file("The till does not see the scanner", "It blinks red.", listOf(taken.id))
                val filed = phone.shows(ticket, "a number") { it.summary.number == "1" }
                assertEquals("The till does not see the scanner", filed.summary.subject)
                phone.shows(ticket, "the photo at the desk") { it.attachments.single().delivery.isWithTheDesk }
                assertEquals(photo.bytes(), desk.staff.file(taken.id).asList(), "staff see another photo")

                val now = System.currentTimeMillis()
                desk.staff.status(ticket.id, "open")
                desk.staff.promise(ticket.id, now + 2 * 3_600_000)
                desk.staff.note(ticket.id, "Check the fuse box before driving there")
                desk.staff.promise(ticket.id, now + 4 * 3_600_000, "the spare part comes at noon")
                desk.staff.reply(ticket.id, "Please unplug it, see the sheet.", "reset.txt", "1. Unplug.".toByteArray())
                val answered = phone.shows(ticket, "the answer and the moved promise") {
                    it.comments.isNotEmpty() && it.deadline?.movedFrom != null
                }
                assertEquals("the spare part comes at noon", answered.deadline?.reason)
                assertTrue(answered.summary.unread > 0u, "what staff said counts as unread")
                assertFalse("fuse box" in "$answered", "an internal note reached the phone")
                val sheet = folder.resolve("reset.txt")
                phone.openAttachment(null, answered.comments.single().attachments.single().id, "$sheet")
                assertEquals("1. Unplug.", String(sheet.bytes().toByteArray()))
                phone.markRead(ticket)
                phone.shows(ticket, "nothing unread") { it.summary.unread == 0u }

                desk.staff.status(ticket.id, "solved")
                phone.shows(ticket, "is it fixed?") { it.canConfirm && it.canReopen }
                phone.reopen(ticket, "It went dark again.")
                phone.shows(ticket, "open again") { it.summary.status == TicketStatus.OPEN }
                desk.staff.status(ticket.id, "solved")
                desk.staff.askRating(ticket.id)
                phone.shows(ticket, "the question for a mark") { it.canConfirm && it.ratingAsked }
                phone.confirm(ticket)
                phone.rate(ticket, 5u, "Quick and kind")
                phone.shows(ticket, "the mark at the desk") { it.rating?.delivery.isWithTheDesk }
                assertContains(desk.staff.ticket(ticket.id), "Quick and kind")
                phone.outboxItems().until("an empty outbox") { it.isEmpty() }
                phone.shutDown()
            }
        }
    }

    @Test
    fun `a ticket filed offline survives a kill and goes out with the first sign-in`() = story {
        val (subject, description) = "No light in the basement" to "Since the power came back."
        val filed = filedThenKilled(folder.resolve("phone"), subject, description)

        openPhone(folder.resolve("phone"), offline = true).use { phone ->
            val page = phone.tickets(TicketFilter(), 0u, 10u)
            assertEquals(listOf(filed), page.tickets.map { it.key.id })
            val kept = phone.ticket(page.tickets.single().key)
            assertEquals(subject to description, kept.summary.subject to kept.description)
            assertTrue(kept.summary.delivery.isSaved && kept.attachments.single().onPhone, "$kept")

            Desk.open().use { desk ->
                phone.setOffline(false)
                val account = phone.signIn(desk, OLENA)
                val ticket = phone.findTicket(account.account, filed)
                phone.shows(ticket, "a number") { it.summary.number == "1" }
                val view = phone.shows(ticket, "the photo at the desk") { it.attachments.single().delivery.isWithTheDesk }
                assertEquals(photo.bytes(), desk.staff.file(view.attachments.single().id).asList())
                phone.shutDown()
            }
        }
    }

    @Test
    fun `replies from two phones stand in one order on both`() = story {
        Desk.open().use { desk ->
            val (phone, tablet) = listOf("phone", "tablet").map { openPhone(folder.resolve(it)) }
            phone.signIn(desk, OLENA)
            val onPhone = phone.file("No heat", "The radiator is cold.")
            phone.shows(onPhone, "a number") { it.summary.number == "1" }
            tablet.signIn(desk, OLENA)
            val onTablet = tablet.ticketPages().until("the ticket") { it.total == 1uL }.tickets.single().key

            phone.setOffline(true)
            phone.reply(onPhone, "one from the tunnel")
            phone.reply(onPhone, "two from the tunnel")
            assertTrue(phone.ticket(onPhone).comments.all { it.delivery.isSaved })
            tablet.reply(onTablet, "from the sofa")
            tablet.shows(onTablet, "its reply") { it.said("from the sofa") }
            phone.setOffline(false)

            val texts = listOf("one from the tunnel", "two from the tunnel", "from the sofa")
            val left = phone.shows(onPhone, "all three") { view -> texts.all(view::said) }.comments.map { it.text }
            val right = tablet.shows(onTablet, "all three") { view -> texts.all(view::said) }.comments.map { it.text }
            assertEquals(left, right)
            assertTrue(left.indexOf(texts[0]) < left.indexOf(texts[1]), "her own words changed places: $left")
            for (app in listOf(phone, tablet)) app.use { it.shutDown() }
        }
    }

    @Test
    fun `a file cut on its way goes on with what is missing`() = story {
        val size = 4_000_000
        val video = folder.resolve("roof.mp4").apply { writeBytes(ByteArray(size) { (it.toLong() * it % 251).toByte() }) }
        Desk.open().use { desk ->
            Road(desk).use { road ->
                val (ticket, file, before) = openPhone(folder.resolve("phone")).use { phone ->
                    phone.signIn(desk, OLENA, road.url)
                    val ticket = phone.file("The roof leaks", "See the video.")
                    phone.shows(ticket, "a number") { it.summary.number == "1" }
                    val before = road.sent
                    road.breakAfter(2_500_000)
                    val file = phone.attach(null, Source.Path("$video", null))
                    phone.addAttachment(ticket, file.id)
                    withTimeout(patience) { road.broken.await() }
                    phone.shutDown()
                    Triple(ticket, file.id, before)
                }
                road.mend()
                openPhone(folder.resolve("phone")).use { phone ->
                    phone.signal(Signal.Online(network = "the hotel", metered = false))
                    phone.shows(ticket, "the file at the desk") { view ->
                        view.attachments.any { it.id == file && it.delivery.isWithTheDesk }
                    }
                    assertTrue(video.bytes() == desk.staff.file(file).asList(), "other bytes arrived")
                    // Parts under way when the wire broke go again; those that had arrived do not.
                    assertTrue(road.sent - before < size + 1_500_000, "what the desk had was sent again: ${road.sent - before}")
                    phone.shutDown()
                }
            }
        }
    }

    @Test
    fun `what is said in the basement is a draft until she sends it`() = story {
        val draft = openPhone(folder.resolve("phone"), offline = true).use { phone ->
            val said = phone.startDictation(null, DictateInto.Ticket, Sound(rate = 16_000u, language = "en"))
            // A tenth of a second at a time, as a microphone gives it.
            spoken().asList().chunked(3_200).forEach { said.push(it.toByteArray()) }
            val draft = said.stop()
            assertTrue(phone.outbox(null).isEmpty(), "it was sent before she had a look")
            if (models != null) {
                assertContains("${draft.subject} ${draft.text}", "monitor", ignoreCase = true)
            } else {
                assertTrue(draft.spoken!!.wordsLater, "nobody says that the words come later")
            }
            phone.shutDown()
            draft
        }

        openPhone(folder.resolve("phone"), offline = true).use { phone ->
            val kept = phone.drafts(null).single()
            assertEquals(draft.id to draft.text, kept.id to kept.text, "the draft did not survive")
            val recording = kept.spoken!!.recording!!
            phone.saveDraft(null, NewDraft(kept.id, null, "The monitor flickers", kept.text, listOf(recording)))
            val sent = phone.sendDraft(null, kept.id)
            Desk.open().use { desk ->
                phone.setOffline(false)
                val account = phone.signIn(desk, OLENA)
                val ticket = phone.findTicket(account.account, sent.entity)
                val view = phone.shows(ticket, "the recording at the desk") { it.attachments.single().delivery.isWithTheDesk }
                assertEquals("The monitor flickers", view.summary.subject)
                assertEquals(view.attachments.single().size, desk.staff.file(recording).size.toULong(), "staff hear another recording")
                phone.shutDown()
            }
        }
    }
}
