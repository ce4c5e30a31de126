package pocketdesk.hosts

import java.nio.channels.FileChannel
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.StandardCopyOption.ATOMIC_MOVE
import java.nio.file.StandardOpenOption.WRITE
import kotlin.io.path.createDirectories
import kotlin.io.path.deleteIfExists
import kotlin.io.path.exists
import kotlin.io.path.readBytes
import kotlin.io.path.writeBytes
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.TimeoutCancellationException
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import pocketdesk.core.Config
import pocketdesk.core.Platform
import pocketdesk.core.Pocketdesk
import pocketdesk.core.SecretStore
import pocketdesk.core.Unbound
import pocketdesk.model.AccountView
import pocketdesk.model.Delivery
import pocketdesk.model.NewReply
import pocketdesk.model.NewTicket
import pocketdesk.model.OpKey
import pocketdesk.model.TicketKey
import pocketdesk.model.TicketView
import pocketdesk.ticketViews

/**
 * Secrets as private files. A phone keeps them in its Keystore; what matters is that a secret is durable when [save]
 * returns. The core calls from threads of its own.
 */
class FolderSecrets(private val folder: Path) : SecretStore {
    init {
        folder.createDirectories()
    }

    override fun load(name: String): ByteArray? = folder.resolve(name).takeIf { it.exists() }?.readBytes()

    override fun save(name: String, secret: ByteArray) {
        val new = folder.resolve(".$name.new")
        new.writeBytes(secret)
        FileChannel.open(new, WRITE).use { it.force(true) }
        Files.move(new, folder.resolve(name), ATOMIC_MOVE)
    }

    override fun remove(name: String) {
        folder.resolve(name).deleteIfExists()
    }
}

/** Where speech models lie on this machine; without them what is said is recorded, and its words come later. */
val models: String? = System.getenv("POCKETDESK_MODELS")

/** Opens the app on [folder]; everything that was there is there again. */
suspend fun openPhone(
    folder: Path,
    offline: Boolean = false,
    secrets: SecretStore = FolderSecrets(folder.resolve("secrets")),
): Pocketdesk = Pocketdesk.open(
    Config("$folder/data", "Olena's phone", locale = "uk", offline = offline, speechModelsBeside = models),
    Platform(secrets),
)

/** Signs in with a code from the mail; through [url], if the way to the desk is not the plain one. */
suspend fun Pocketdesk.signIn(desk: Desk, email: String, url: String = desk.url): AccountView {
    startSignIn(url, email)
    return finishSignIn(url, email, desk.code(email), Unbound.ASK)
}

/** Files a ticket: durable when this returns, with or without a connection. */
suspend fun Pocketdesk.file(subject: String, description: String = "", attachments: List<String> = emptyList()): TicketKey =
    submitTicket(null, NewTicket(subject, description, attachments))

/** Replies: durable when this returns. */
suspend fun Pocketdesk.reply(ticket: TicketKey, text: String): OpKey = reply(ticket, NewReply(text = text))

/** Looks at a screen until it shows [what] is wanted. */
suspend fun <T> Flow<T>.until(what: String, wanted: (T) -> Boolean): T {
    var last: T? = null
    try {
        return withTimeout(patience) { onEach { last = it }.first(wanted) }
    } catch (_: TimeoutCancellationException) {
        throw AssertionError("never shown: $what; last: $last")
    }
}

/** Looks at the ticket's screen until it shows [what] is wanted. */
suspend fun Pocketdesk.shows(ticket: TicketKey, what: String, wanted: (TicketView) -> Boolean): TicketView =
    ticketViews(ticket).until(what, wanted)

/** Durable on the phone, and not more than that. */
val Delivery?.isSaved: Boolean get() = this is Delivery.Saved

/** The desk has it. */
val Delivery?.isWithTheDesk: Boolean get() = this is Delivery.Delivered || this is Delivery.Registered

/** These words are in the ticket, and the desk has them. */
fun TicketView.said(text: String): Boolean = comments.any { it.text == text && it.delivery.isWithTheDesk }

/** A story, on threads of its own. */
fun story(tell: suspend () -> Unit) = runBlocking(Dispatchers.Default) { tell() }
