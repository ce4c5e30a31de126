package pocketdesk

import java.nio.file.Path
import kotlin.io.path.readText
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertTrue
import kotlinx.coroutines.test.runTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import pocketdesk.core.fileSecrets

/** Tests run in the module's folder. */
private val checkout = Path.of("..", "..")

class ReadmeTest {
    @Test
    fun `an existing app files a ticket as the README says`(@TempDir folder: Path) = runTest(timeout = patience) {
        val view = fileTicket(folder.resolve("data").toFile(), fileSecrets("$folder/secrets"))
        assertEquals("The till is dark", view.summary.subject)
    }

    @Test
    fun `the README shows the very code that was compiled here, in at most fifteen lines`() {
        val code = Path.of("src/test/kotlin/pocketdesk/Readme.kt").readText()
            .substringAfter("// README begins\n").substringBefore("// README ends")
        assertTrue(code.lines().count { it.isNotBlank() } <= 15, code)
        assertContains(checkout.resolve("README.md").readText(), "```kotlin\n$code```")
    }
}
