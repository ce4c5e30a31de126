package pocketdesk.hosts

import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.readLines
import kotlin.test.assertTrue
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.first
import org.junit.jupiter.api.Assumptions.assumeTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import pocketdesk.ticketPages

class LeaksTest {
    @TempDir
    lateinit var folder: Path

    /** What this process holds. The heap is fixed and touched beforehand, so that what memory grows is the core's. */
    private data class Held(val handles: Int, val threads: Int, val residentKb: Int)

    private fun held(): Held {
        val status = Path.of("/proc/self/status").readLines().associate { it.substringBefore(':') to it.substringAfter(':').trim() }
        val handles = Files.list(Path.of("/proc/self/fd")).use { it.count().toInt() }
        return Held(handles, status.getValue("Threads").toInt(), status.getValue("VmRSS").substringBefore(' ').toInt())
    }

    private suspend fun openLookAndClose(times: Int) = repeat(times) {
        openPhone(folder, offline = true).use { phone ->
            phone.ticketPages().first()
            phone.shutDown()
        }
    }

    @Test
    fun `opening and closing leaves nothing behind`() = story {
        assumeTrue(Files.exists(Path.of("/proc/self/status")), "only Linux says what a process holds")
        val rounds = Integer.getInteger("pocketdesk.rounds", 100)
        openLookAndClose(100)
        val before = held()
        openLookAndClose(rounds)
        var after = held()
        // Threads end a moment after the files are closed.
        repeat(100) {
            if (after.threads > before.threads) delay(50)
            after = held()
        }
        println("$rounds rounds: $before, then $after")
        assertTrue(after.handles <= before.handles + 2, "file handles are left behind: $before, $after")
        assertTrue(after.threads <= before.threads + 2, "threads are left behind: $before, $after")
        assertTrue(after.residentKb < before.residentKb + 24_000 + rounds * 2, "memory grows with each round: $before, $after")
    }
}
