package pocketdesk.hosts

import java.io.InputStream
import java.io.OutputStream
import java.net.InetAddress
import java.net.ServerSocket
import java.net.Socket
import java.net.URI
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.atomic.AtomicLong
import kotlin.concurrent.thread
import kotlinx.coroutines.CompletableDeferred

/** A plain wire to the desk that can break, and counts what the phone sends. */
class Road(desk: Desk) : AutoCloseable {
    private val there = URI(desk.url)
    private val listening = ServerSocket(0, 50, InetAddress.getLoopbackAddress())
    private val ends: MutableSet<Socket> = ConcurrentHashMap.newKeySet()
    private val passed = AtomicLong()

    @Volatile private var breaksAfter = Long.MAX_VALUE

    /** Completes when the wire breaks. */
    @Volatile var broken = CompletableDeferred<Unit>()
        private set
    val url = "http://127.0.0.1:${listening.localPort}"

    /** Bytes the phone has sent. */
    val sent: Long get() = passed.get()

    init {
        thread(isDaemon = true, name = "road") {
            runCatching { while (true) carry(listening.accept()) }
        }
    }

    /** The wire breaks once the phone has sent so many more bytes, and stays broken. */
    fun breakAfter(bytes: Long) {
        breaksAfter = sent + bytes
    }

    /** The wire is whole again. */
    fun mend() {
        breaksAfter = Long.MAX_VALUE
        broken = CompletableDeferred()
    }

    private fun carry(phone: Socket) {
        if (broken.isCompleted) return phone.close()
        val desk = Socket(there.host, there.port)
        ends += listOf(phone, desk)
        thread(isDaemon = true) { pass(phone, desk) { bytes -> if (passed.addAndGet(bytes) >= breaksAfter) snap() } }
        thread(isDaemon = true) { pass(desk, phone) {} }
    }

    private fun pass(from: Socket, to: Socket, count: (Long) -> Unit) {
        runCatching {
            val (reader: InputStream, writer: OutputStream) = from.getInputStream() to to.getOutputStream()
            val some = ByteArray(1 shl 16)
            while (true) {
                val bytes = reader.read(some)
                if (bytes < 0) break
                count(bytes.toLong())
                writer.write(some, 0, bytes)
            }
        }
        to.close()
        from.close()
        ends -= setOf(from, to)
    }

    private fun snap() {
        broken.complete(Unit)
        ends.forEach { it.close() }
    }

    override fun close() {
        listening.close()
        ends.forEach { it.close() }
    }
}
