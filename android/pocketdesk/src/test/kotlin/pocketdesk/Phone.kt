package pocketdesk

import java.nio.file.Path
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.test.TestScope
import kotlinx.coroutines.test.runTest
import pocketdesk.core.Config
import pocketdesk.core.Platform
import pocketdesk.core.Pocketdesk
import pocketdesk.core.fileSecrets
import pocketdesk.model.NewTicket
import pocketdesk.model.TicketKey

/** How long a screen may take to show something; generous, because these machines are shared. */
val patience = 60.seconds

/** The app on [folder], in flight mode: these tests need no desk. */
suspend fun openPhone(folder: Path): Pocketdesk = Pocketdesk.open(
    Config(dataDir = "$folder/data", deviceName = "Olena's phone", locale = "uk", offline = true),
    Platform(fileSecrets("$folder/secrets")),
)

/** Files a ticket of that [subject]. */
suspend fun Pocketdesk.filed(subject: String): TicketKey = submitTicket(null, NewTicket(subject = subject))

/** A test with a phone of its own, shut down at the end. */
fun withPhone(folder: Path, test: suspend TestScope.(Pocketdesk) -> Unit) = runTest(timeout = patience) {
    openPhone(folder).use { phone ->
        test(phone)
        phone.shutDown()
    }
}
