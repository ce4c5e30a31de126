package pocketdesk

// README begins
import java.io.File
import kotlinx.coroutines.flow.first
import pocketdesk.core.*
import pocketdesk.model.*

suspend fun fileTicket(folder: File, secrets: SecretStore): TicketView {
    val config = Config(dataDir = folder.path, deviceName = "Front office", locale = "uk")
    val desk = Pocketdesk.open(config, Platform(secrets))
    val ticket = desk.submitTicket(null, NewTicket(subject = "The till is dark")) // durable, also with no connection
    return desk.ticketViews(ticket).first { it.summary.delivery is Delivery.Saved } // collect it: every newer state follows
}
// README ends
